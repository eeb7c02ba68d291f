"""The chat in a browser: who gets in, and that it works there."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from ally.permissions.trust import Trust
from tests.e2e import browser
from tests.e2e.conftest import words
from tests.fakes import FakeOpenAI, Hang, Reply

PATIENCE_S = 20


@pytest.fixture
def serve(lab: FakeOpenAI, ally_environment, checkout: Path, work: Path, trust: Trust):
    """Starts `ally serve` in the trusted folder `work`; gives its process and its address."""

    @asynccontextmanager
    async def serving(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
        trust.trust(work)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "ally", "serve", *options),
            env=ally_environment(checkout),
            cwd=work,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            yield process, (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode().strip()
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.communicate(), PATIENCE_S)

    return serving


async def test_only_who_has_the_address_and_comes_from_its_page_gets_in(serve):
    async with serve() as (_, url), aiohttp.ClientSession() as session:
        origin = "/".join(url.split("/", 3)[:3])
        elsewhere = origin.replace("127.0.0.1", "localhost")
        cases = [
            (url, {}, 200),
            (url + "textual.js", {"Sec-Fetch-Site": "same-origin"}, 200),
            (url + "../../../etc/passwd", {}, 403),
            (url + "nothing", {}, 404),
            (origin + "/", {}, 403),
            (origin + "/wrong/", {}, 403),
            (url[:-2] + "/", {}, 403),
            (url, {"Host": "rebound.example"}, 403),
            (url, {"Host": "rebound.example:" + origin.rpartition(":")[2]}, 403),
            (url, {"Origin": "https://elsewhere.example"}, 403),
            (url, {"Origin": elsewhere}, 403),
            (url, {"Sec-Fetch-Site": "cross-site"}, 403),
        ]
        for address, headers, status in cases:
            async with session.get(address, headers=headers) as answer:
                assert answer.status == status, (address, headers)
                assert answer.headers["Referrer-Policy"] == "no-referrer"
        for headers in ({}, {"Origin": "null"}, {"Origin": "https://elsewhere.example"}, {"Origin": elsewhere}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(url + "ws", headers=headers)
            assert refused.value.status == 403


async def test_nobody_but_this_machine_can_connect(serve):
    async with serve() as (_, url):
        port = int(url.split("/")[2].rpartition(":")[2])
        listening = _listening()
        bound = [line.split()[1] for line in listening.splitlines()[1:] if line.split()[1].endswith(f":{port:04X}")]
        assert [one for one in bound if one.split(":")[0] != "0100007F"] == []
        assert bound


@pytest.mark.skipif(browser.PROGRAM is None, reason="there is no Chromium here")
async def test_a_browser_talks_and_asks_nobody_else(serve, lab: FakeOpenAI, tmp_path: Path):
    lab.script(Reply(text="Good **morning** from the model."))
    async with serve() as (process, url), browser.opened(tmp_path / "profile") as tab:
        await tab.open(url)
        await tab.type("hello from a browser\n")
        async with asyncio.timeout(PATIENCE_S):
            while not lab.calls:  # noqa: ASYNC110 - the fake has no event for it
                await asyncio.sleep(0.05)
        assert words(lab.calls[0].json["messages"][-1]["content"]) == "hello from a browser"
        assert all(one.split("/")[2] == url.split("/")[2] for one in tab.requested if not one.startswith("data:"))
        assert [one for one in tab.complaints if "WebGL" not in one] == []
        assert len(await tab.picture()) > 5_000
        process.send_signal(signal.SIGTERM)
        await tab.until("document.body.classList.contains('-closed')")


class Page:
    """A page without a browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.painted = ""

    async def type(self, text: str) -> None:
        await self._socket.send_json(["stdin", text])

    async def until(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while text not in self.painted:
                got = await self._socket.receive()
                assert got.type is aiohttp.WSMsgType.BINARY, self.painted[-2_000:]
                self.painted += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", got.data.decode())


@asynccontextmanager
async def paged(url: str) -> AsyncIterator[Page]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url + "ws?width=100&height=30", headers={"Origin": url.rsplit("/", 2)[0]}) as socket,
    ):
        yield Page(socket)


def _children(number: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{number}/task/{number}/children").read_text().split()]


def _is_there(number: int) -> bool:
    return Path(f"/proc/{number}").exists()


def _told_at_start(number: int) -> bytes:
    return b"".join(Path(f"/proc/{number}/{name}").read_bytes() for name in ("cmdline", "environ"))


async def _gone(number: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while _is_there(number):  # noqa: ASYNC110 - no child of ours
            await asyncio.sleep(0.05)


async def test_a_page_that_goes_away_refuses_what_is_asked_and_keeps_the_chat(serve, lab: FakeOpenAI, work: Path, home):
    lab.script(Reply(tool_calls=[("shell", {"command": "touch made"})]), Reply(text="never asked for"))
    async with serve() as (process, url):
        token = url.split("/")[3]
        async with paged(url) as page:
            await page.type("\x1b[200~first\x1b\rsecond\x1b[201~")  # an escape character in a paste is no key
            await page.until("second")
            assert lab.calls == []
            page.painted = ""
            await page.type("\x03")
            await page.until("Write a message")  # it is cleared
            await page.type("!tty; echo driver=$TEXTUAL_DRIVER.; printf 'a\\033[2Jb\\n'\r")
            await page.until("driver=.")
            await page.until("(exit 0; the model is told with your next message.)")
            await page.type("\x07")
            await page.until("An editor needs")
            (chat,) = _children(process.pid)
            for number in (process.pid, chat):
                assert token.encode() not in _told_at_start(number)
            await page.type("please touch\r")
            await page.until("yes, once")
        await _gone(chat)
        kept = list((home / ".local" / "state" / "ally").rglob("*.jsonl"))
        assert any("please touch" in one.read_text() for one in kept)
        assert not (work / "made").exists()
        assert len(lab.calls) == 1


async def test_no_chat_outlives_its_server(serve, lab: FakeOpenAI):
    lab.script(Reply(fault=Hang("headers")))
    async with serve() as (process, url), paged(url) as page:
        await page.type("hello\r")
        async with asyncio.timeout(PATIENCE_S):
            while not lab.calls:  # noqa: ASYNC110 - the fake has no event for it
                await asyncio.sleep(0.05)
        (chat,) = _children(process.pid)
        process.kill()
        await _gone(chat)


def _listening() -> str:
    return Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()


def test_a_port_that_is_taken_is_named(run_ally):
    ended = run_ally("serve", "--port", "99999")
    assert ended.returncode == 2
    assert "Port 99999 cannot be used" in ended.stderr
