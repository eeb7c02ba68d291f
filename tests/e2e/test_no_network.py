import subprocess
import sys

import pytest

from scripts.netns_rig import CANNOT_RUN, explain_unfit, find_escapes
from tests.architecture.sources import ROOT

STAYS = [
    'connect(5, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
    "connect(5, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), "
    'inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = 0',
    'bind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
    'connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file or directory)',
    "sendto(4, [{nlmsg_len=20}], 20, 0, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12) = 20",
    'sendto(5, "GET / HTTP/1.1 sa_family", 18, 0, NULL, 0) = 18',
    'recvfrom(3, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("192.0.2.1")}, [16]) = 1',
]
LEAVES = [
    'connect(5, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("192.0.2.1")}, 16) = -1 ENETUNREACH',
    'connect(5, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0',
    "connect(5, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), "
    'inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 ENETUNREACH',
    "connect(5, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), "
    'inet_pton(AF_INET6, "::ffff:192.0.2.1", &sin6_addr), sin6_scope_id=0}, 28) = -1 ENETUNREACH',
    'bind(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("0.0.0.0")}, 16) = 0',
    'sendmmsg(3, [{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("127.0.0.1")}}}, '
    '{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("192.0.2.1")}}}], 2, 0) = 2',
    'connect(3, {sa_family=AF_UNIX, sun_path="/run/systemd/resolve/io.systemd.Resolve"}, 42) = 0',
    "bind(3, {sa_family=AF_PACKET, sll_protocol=htons(ETH_P_ALL)}, 20) = 0",
    "io_uring_setup(64, {flags=0}) = 3",
]


@pytest.mark.parametrize("line", STAYS)
def test_rig_accepts_what_stays_on_this_machine(line: str):
    assert list(find_escapes([line])) == []


@pytest.mark.parametrize("line", LEAVES)
def test_rig_finds_what_would_leave(line: str):
    assert list(find_escapes([line])) == [line]


def test_a_local_session_reaches_nothing_beyond_this_machine():
    unfit = explain_unfit()
    if unfit:
        pytest.skip(unfit)
    rig = [sys.executable, str(ROOT / "scripts" / "netns_rig.py")]
    done = subprocess.run(rig, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode != CANNOT_RUN, done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 of them beyond this machine" in done.stdout
