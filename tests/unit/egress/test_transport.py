import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator

import httpx2
import pytest

from ally.egress.ledger import Ledger, Transfer
from ally.egress.transport import EgressTransport, SyncEgressTransport, open_client, open_sync_client
from tests.unit.egress.servers import BytesServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
SECRETS = {"Authorization": "Bearer k", "x-api-key": "k", "x-goog-api-key": "k", "X-Team-Token": "k", "Cookie": "k"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def moved_to(url: str) -> bytes:
    return f"HTTP/1.1 307 Moved\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


async def test_every_byte_of_an_exchange_is_counted() -> None:
    book = Ledger()
    with BytesServer(OK) as server:
        async with httpx2.AsyncClient(transport=EgressTransport("chat", book)) as client:
            await client.post(f"{server.url}/v1/x?a=b", content=b"12345678", extensions={"purpose": "title"})
        (transfer,) = book.transfers
        assert transfer.bytes_sent == len(server.requests[0])
    assert transfer.bytes_received == len(OK)
    assert (transfer.purpose, transfer.method, transfer.scheme) == ("title", "POST", "http")
    assert (transfer.host, transfer.port, transfer.location) == ("127.0.0.1", server.port, "local")
    assert (transfer.status, transfer.refused, transfer.error, transfer.proxy) == (200, False, "", "")
    assert 0 <= transfer.seconds < 5


def test_the_synchronous_transport_counts_the_same() -> None:
    book = Ledger()
    with BytesServer(OK) as server, httpx2.Client(transport=SyncEgressTransport("pull", book)) as client:
        assert client.post(server.url, content=b"123").text == "hello"
        (transfer,) = book.transfers
        assert (transfer.bytes_sent, transfer.bytes_received) == (len(server.requests[0]), len(OK))
    assert transfer.purpose == "pull"


async def test_a_body_of_unknown_length_is_counted_as_it_is_sent() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b"defg"

    book = Ledger()
    with BytesServer(OK) as server:
        async with httpx2.AsyncClient(transport=EgressTransport("chat", book)) as client:
            await client.post(server.url, content=body(), headers={"Content-Length": "7"})
        assert book.transfers[0].bytes_sent == len(server.requests[0])


async def test_an_answer_that_is_given_up_counts_what_had_arrived() -> None:
    book = Ledger()
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nsome"
    with BytesServer(long) as server:
        async with (
            httpx2.AsyncClient(transport=EgressTransport("chat", book)) as client,
            client.stream("GET", server.url) as response,
        ):
            await anext(response.aiter_raw())
        assert book.transfers[0].bytes_received == len(long)


async def test_a_cut_answer_names_the_error() -> None:
    book = Ledger()
    with BytesServer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc") as server:
        async with httpx2.AsyncClient(transport=EgressTransport("chat", book)) as client:
            with pytest.raises(httpx2.RemoteProtocolError):
                await client.get(server.url)
    (transfer,) = book.transfers
    assert (transfer.status, transfer.error) == (200, "RemoteProtocolError")


async def test_a_failed_connection_is_noted_with_nothing_sent() -> None:
    book = Ledger()
    async with httpx2.AsyncClient(transport=EgressTransport("chat", book)) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.post(f"http://127.0.0.1:{free_port()}", content=b"x" * 100)
    (transfer,) = book.transfers
    assert (transfer.status, transfer.bytes_sent, transfer.error) == (None, 0, "ConnectError")


async def test_no_redirect_is_followed_unless_asked() -> None:
    with BytesServer(moved_to("http://127.0.0.1:1/")) as server:
        async with open_client("chat", connect_timeout_s=1, idle_timeout_s=1) as client:
            assert (await client.get(server.url)).status_code == 307
        with open_sync_client("pull", connect_timeout_s=1, idle_timeout_s=1) as client:
            assert client.get(server.url).status_code == 307


async def test_a_redirect_to_another_host_carries_no_key() -> None:
    with BytesServer(OK) as other, BytesServer(moved_to(other.url)) as server:
        transport = EgressTransport("pull", Ledger())
        async with httpx2.AsyncClient(transport=transport, follow_redirects=True) as client:
            await client.get(server.url, headers={**SECRETS, "X-Other": "stays"})
        sent, redirected = server.requests[0].lower(), other.requests[0].lower()
    assert b"x-goog-api-key: k" in sent
    assert b"x-other: stays" in redirected
    assert not [name for name in SECRETS if name.lower().encode() in redirected]


def test_a_redirect_within_the_host_keeps_the_key() -> None:
    with BytesServer(OK) as server:
        first = BytesServer(moved_to("/next"))
        with first, httpx2.Client(transport=SyncEgressTransport("pull", Ledger()), follow_redirects=True) as client:
            client.max_redirects = 1
            with pytest.raises(httpx2.TooManyRedirects):
                client.get(first.url, headers=SECRETS)
        assert b"x-api-key: k" in first.requests[1].lower()
        assert not server.requests


async def test_the_systems_proxy_is_used_beyond_this_machine_and_never_within(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book = Ledger()
    with BytesServer(OK) as proxy, BytesServer(OK) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with httpx2.AsyncClient(transport=EgressTransport("chat", book)) as client:
            await client.get("http://service.example/v1")
            await client.get(server.url)
            monkeypatch.setenv("no_proxy", "127.0.0.1,other.example")
            await client.get("http://service.example/v2")
        assert [request.split()[1] for request in proxy.requests] == [
            b"http://service.example/v1",
            b"http://service.example/v2",
        ]
        assert len(server.requests) == 1
    assert [(one.host, one.proxy) for one in book.transfers] == [
        ("service.example", "127.0.0.1"),
        ("127.0.0.1", ""),
        ("service.example", "127.0.0.1"),
    ]


async def test_a_proxy_of_an_unknown_kind_is_an_error_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")
    async with httpx2.AsyncClient(transport=EgressTransport("chat", Ledger())) as client:
        with pytest.raises(httpx2.ProxyError):
            await client.get("http://service.example/")


OFFLINE = """
import asyncio, sys
import httpx2
from ally.egress import offline
from ally.egress.ledger import ledger
from ally.egress.transport import open_client, open_sync_client
from ally.errors import OfflineRefused

async def main():
    async with open_client("chat", connect_timeout_s=1, idle_timeout_s=1) as client:
        print((await client.get(sys.argv[1])).text)
        for url in ("https://service.example/v1", "http://192.0.2.1:8080/", "http://gpu:8000/"):
            try:
                await client.get(url, headers={"Authorization": "Bearer k"})
            except OfflineRefused as error:
                print(error.destination)
    with open_sync_client("pull", connect_timeout_s=1, idle_timeout_s=1) as client:
        try:
            client.get("https://service.example/v1")
        except OfflineRefused as error:
            print(error.destination)

offline.enable()
asyncio.run(main())
for one in ledger.transfers:
    print(one.host, one.refused, one.bytes_sent > 0)
"""


def test_offline_refuses_all_but_this_machine_and_notes_it() -> None:
    with BytesServer(OK) as server:
        done = subprocess.run(
            [sys.executable, "-c", OFFLINE, server.url],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "https_proxy": server.url},
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "hello",
        "service.example:443",
        "192.0.2.1:8080",
        "gpu:8000",
        "service.example:443",
        "127.0.0.1 False True",
        "service.example True False",
        "192.0.2.1 True False",
        "gpu True False",
        "service.example True False",
    ]
    assert len(server.requests) == 1


def test_the_ledger_keeps_the_newest_ten_thousand() -> None:
    book = Ledger()
    for number in range(10_001):
        book.add(Transfer("chat", "GET", "http", "127.0.0.1", number, "local", 200, 1, 1, 0.0))
    assert len(book.transfers) == 10_000
    assert book.transfers[-1].port == 10_000
