import json
import os
import subprocess
import sys
import textwrap

import pytest

START = "import socket, os\nfrom ally.egress import offline\noffline.enable()\n"
NOWHERE = "192.0.2.1"
"""An address that belongs to nobody (RFC 5737)."""


def run_offline(code: str, env: dict[str, str] | None = None) -> str:
    """What `code` prints in a process of its own with offline mode on."""
    done = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, **(env or {})},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


ATTEMPTS = (
    f"socket.create_connection(('{NOWHERE}', 80), 1)",
    f"socket.socket().connect(('{NOWHERE}', 80))",
    f"socket.socket().connect_ex(('{NOWHERE}', 80))",
    f"socket.socket(type=socket.SOCK_DGRAM).connect(('{NOWHERE}', 53))",
    f"socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('{NOWHERE}', 53))",
    f"socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', 0, ('{NOWHERE}', 53))",
    f"socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('{NOWHERE}', 53))",
    "socket.socket().connect(('service.example', 80))",
    "socket.socket().connect((b'service.example', 80))",
    "socket.socket().connect_ex(('service.example', 80))",
    "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('service.example', 53))",
    "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "socket.getaddrinfo('service.example', 443)",
    "socket.getaddrinfo(b'service.example', 443)",
    "socket.getaddrinfo('x.localhost', 443)",
    "socket.gethostbyname('service.example')",
    "socket.gethostbyname_ex('service.example')",
    f"socket.gethostbyaddr('{NOWHERE}')",
    f"socket.getnameinfo(('{NOWHERE}', 80), 0)",
    "socket.getaddrinfo('127.0.0.1 service.example', 80)",
    "socket.getaddrinfo('192.0.2.1 service.example', 80)",
    "socket.getaddrinfo('::1%service.example', 80)",
    "socket.socket().bind(('service.example', 0))",
    "_socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('service.example', 53))",
    "_socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(('service.example', 80))",
    "_socket.socket(17, socket.SOCK_RAW)",
    f"socket.socket(socket.AF_INET6).connect(('::ffff:{NOWHERE}', 80))",
    "socket.socket().connect(('3221225985', 80))",
    "socket.socket().connect(('0xc0000201', 80))",
    f"asyncio.run(asyncio.wait_for(raw('{NOWHERE}'), 2))",
    "asyncio.run(connect())",
    "httpx2.get('http://service.example/', timeout=2)",
    f"httpx2.get('http://{NOWHERE}/', timeout=2)",
    "asyncio.run(fetch('http://service.example/'))",
    f"asyncio.run(fetch('http://{NOWHERE}/'))",
    "urllib.request.urlopen('http://service.example/')",
)
REFUSED = (NOWHERE, "service.example", "2001:db8::1", "x.localhost", "3221225985", "0xc0000201", "socket of family")
TRY_ALL = """
import _socket, asyncio, json, urllib.request
import httpx2

async def connect():
    await asyncio.open_connection("service.example", 80)

async def raw(host):
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (host, 80))

async def fetch(url):
    async with httpx2.AsyncClient(timeout=2) as client:
        await client.get(url)

for attempt in json.loads(os.environ["ATTEMPTS"]):
    try:
        eval(attempt)
    except Exception as error:
        found = offline.find_blocked(error)
        print(found.destination if found else repr(error))
    else:
        print("went through")
"""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    lines = run_offline(TRY_ALL, {"ATTEMPTS": json.dumps(ATTEMPTS)}).splitlines()
    return dict(zip(ATTEMPTS, lines, strict=True))


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_offline_refuses(attempt: str, outcomes: dict[str, str]) -> None:
    assert any(host in outcomes[attempt] for host in REFUSED)
    assert "Error" not in outcomes[attempt]
    assert outcomes[attempt] != "went through"


def test_offline_lets_this_machine_talk_to_itself() -> None:
    out = run_offline("""
        import tempfile
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "localhost")):
            server = socket.create_server(("127.0.0.1", 0))
            with socket.create_connection((host, server.getsockname()[1]), 5) as client:
                print(client.getpeername()[0])
            server.close()
        with tempfile.TemporaryDirectory() as folder:
            server = socket.socket(socket.AF_UNIX)
            server.bind(folder + "/s")
            server.listen()
            client = socket.socket(socket.AF_UNIX)
            client.connect(folder + "/s")
        first = socket.socket(type=socket.SOCK_DGRAM)
        first.bind(("127.0.0.1", 0))
        first.sendto(b"x", first.getsockname())
        print(first.recv(1).decode())
        """)
    assert out.split() == ["127.0.0.1", "127.0.0.1", "x"]


def test_offline_removes_proxies_and_keeps_hugging_face_offline() -> None:
    out = run_offline(
        """
        import urllib.request
        print(urllib.request.getproxies().get("https"), os.environ["HF_HUB_OFFLINE"])
        """,
        {"HTTPS_PROXY": "http://127.0.0.1:9", "all_proxy": "http://127.0.0.1:9"},
    )
    assert out == "None 1"


def test_enabling_twice_is_as_once_and_other_errors_hold_no_refusal() -> None:
    out = run_offline("""
        error = ValueError("a")
        error.__context__ = error
        error.__cause__ = KeyError("b")
        offline.enable()
        print(offline.find_blocked(error), offline.is_enabled())
        """)
    assert out == "None True"
