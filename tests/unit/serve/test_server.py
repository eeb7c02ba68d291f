"""What a page or a stranger can do to the server, with a chat that only repeats what it is told."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from ally.serve.chat_process import ChatProcess, environment
from ally.serve.doors import MAX_STRANGERS
from ally.serve.server import ADDRESS, ChatServer

REPEATS = "import sys\nfor line in sys.stdin: sys.stdout.write(line); sys.stdout.flush()"
STUBBORN = "import time\nprint('begun', flush=True)\nwhile True: time.sleep(60)"
BREAKS = "import sys; sys.stderr.write('it \\x1b[31mbroke'); print('bye')"
PATIENCE_S = 20


@asynccontextmanager
async def serving(program: str = REPEATS) -> AsyncIterator[tuple[ChatServer, list[str]]]:
    told: list[str] = []
    server = ChatServer([sys.executable, "-c", program], 0, told.append)
    running = asyncio.create_task(server.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield server, told
    finally:
        running.cancel()
        await asyncio.wait({running})


@asynccontextmanager
async def tab(server: ChatServer) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url + "ws", headers={"Origin": f"http://{ADDRESS}:{server.port}"}) as socket,
    ):
        yield socket


async def test_messages_that_no_page_sends_change_nothing():
    wrong = [
        *(
            "",
            "null",
            "17",
            "{}",
            "[]",
            '"stdin"',
            "[" * 100_000,
            '["stdin"]',
            '["stdin", 5]',
            '["stdin", null]',
            "[[]]",
        ),
        *('["resize"]', '["resize", 4]', '["resize", {"width": 1}]', '["nothing", {}]', '["ping", {"a": []}]'),
        '["resize", {"width": ' + "9" * 5_000 + ', "height": 1}}',
    ]
    sent = [
        ["resize", {"width": "x", "height": -5}],
        ["resize", {"width": 10**30, "height": True}],
        ["stdin", "\ud800"],
        ["ping", 1],
        ["stdin", "end"],
    ]
    async with serving() as (server, told), tab(server) as socket:
        for message in wrong:
            await socket.send_str(message)
        await socket.send_bytes(b"\x00\xff")
        for one in sent:
            await socket.send_json(one)
        painted = b""
        while b"end" not in painted:
            got = await socket.receive()
            painted += got.data if got.type is aiohttp.WSMsgType.BINARY else b""
        assert [json.loads(line) for line in painted.splitlines()] == [
            ["resize", {"width": 80, "height": 1}],
            ["resize", {"width": 1000, "height": 24}],
            ["stdin", "?"],
            ["stdin", "end"],
        ]
    assert told == []


async def test_a_chat_that_ends_closes_its_page_and_what_it_said_is_told():
    async with serving(BREAKS) as (server, told), tab(server) as socket:
        got = [await socket.receive()]
        while got[-1].type is not aiohttp.WSMsgType.CLOSE:
            got.append(await socket.receive())
        assert b"".join(one.data for one in got[:-1]) == b"bye\n"
        while not told:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
        assert told == ["it \x1b[31mbroke"]


async def test_a_chat_that_does_not_end_is_ended_by_force_and_told_no_more():
    chat = await ChatProcess.start([sys.executable, "-c", STUBBORN], (80, 24), grace_s=0.1)
    painted = chat.output()
    begun = b""
    while not begun.endswith(b"\n"):  # a pipe may bring it in pieces
        begun += await anext(painted)
    assert begun == b"begun\n"
    assert await chat.end() == ""
    assert [data async for data in painted] == []
    for _ in range(100):
        await chat.tell("stdin", "is anybody there?")


async def test_who_only_connects_takes_no_place_away_and_no_name_is_looked_up():
    async with serving() as (server, _):
        strangers = [await asyncio.open_connection(ADDRESS, server.port) for _ in range(MAX_STRANGERS + 20)]
        strangers[-1][1].write(b"GET / HTT")
        async with aiohttp.ClientSession() as session, session.get(server.url) as answer:
            assert answer.status == 200
        assert await strangers[0][0].read() == b""
        for head in (b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: %b\r\nHost: %b\r\n\r\n"):
            reading, writing = await asyncio.open_connection(ADDRESS, server.port)
            writing.write(head.replace(b"%b", f"{ADDRESS}:{server.port}".encode()))
            assert b" 40" in await reading.readline()
            writing.close()
        for _, writing in strangers:
            writing.close()


def test_a_chat_knows_of_the_page_and_not_of_the_terminal_of_the_server():
    env = {"TMUX": "/tmp/x,1,0", "KITTY_WINDOW_ID": "1", "TERM": "dumb", "LINES": "3", "KEPT": "1"}
    assert environment(env, (90, 30)) == {
        "KEPT": "1",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "TEXTUAL_DRIVER": "ally.tui.browser:BrowserDriver",
        "COLUMNS": "90",
        "LINES": "30",
    }
