import pytest

from ally.egress.location import classify, is_loopback


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("http://localhost:11434", "local"),
        ("http://LOCALHOST./v1", "local"),
        ("http://127.0.0.1:8000/v1", "local"),
        ("http://127.9.9.9", "local"),
        ("http://127.1", "local"),
        ("http://2130706433", "local"),
        ("http://[::1]:8080", "local"),
        ("http://[::ffff:127.0.0.1]", "local"),
        ("http://0.0.0.0:11434", "local"),
        ("http://gpu:8000/v1", "lan"),
        ("http://box.local", "lan"),
        ("http://box.lan", "lan"),
        ("http://host.docker.internal:11434", "lan"),
        ("http://nas.home.arpa", "lan"),
        ("http://192.168.1.20", "lan"),
        ("http://10.1.2.3", "lan"),
        ("http://172.16.0.1", "lan"),
        ("http://169.254.1.1", "lan"),
        ("http://100.100.1.1", "lan"),
        ("http://[fe80::1%25eth0]/", "lan"),
        ("http://[fd00::1]", "lan"),
        ("http://[::ffff:10.0.0.1]", "lan"),
        ("https://api.openai.com/v1", "cloud"),
        ("http://134744072/", "cloud"),
        ("http://172.32.0.1", "cloud"),
        ("http://localhost@evil.example/", "cloud"),
        ("http://localhost.evil.example", "cloud"),
        ("http://127.0.0.1.nip.example", "cloud"),
        ("http://[2606:4700::1]", "cloud"),
        ("http://[broken", "cloud"),
        ("http://127.0.0.1 x.evil.example/", "cloud"),
        ("http://[::1%25x.evil.example]/", "cloud"),
        ("http://[::ffff:8.8.8.8]/", "cloud"),
        ("no address at all", "cloud"),
        ("", "cloud"),
    ],
)
def test_location_of_an_address(url: str, location: str) -> None:
    assert classify(url) == location


@pytest.mark.parametrize(
    "host",
    [
        "foo.localhost",
        "gpu",
        "10.0.0.1",
        "localhost.evil.example",
        "",
        "127.0.0.1 x.evil.example",
        "::1%x.evil.example",
    ],
)
def test_only_addresses_of_this_machine_and_localhost_itself_are_loopback(host: str) -> None:
    assert not is_loopback(host)
