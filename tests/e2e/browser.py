"""A real browser, driven over its DevTools protocol."""

import asyncio
import base64
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-port=0",
    "--window-size=1000,640",
)
PATIENCE_S = 20


class Tab:
    """One page; `requested` are the addresses it asked for, `complaints` what its console said."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requested: list[str] = []
        self.complaints: list[str] = []

    async def read(self) -> None:
        """Take what the browser sends until it is closed."""
        async for message in self._socket:
            said = message.json()
            if (waiting := self._answers.pop(said.get("id", 0), None)) is not None:
                waiting.set_result(said)
            match said.get("method"):
                case "Network.requestWillBeSent":
                    self.requested.append(said["params"]["request"]["url"])
                case "Network.webSocketCreated":
                    self.requested.append(said["params"]["url"])
                case "Log.entryAdded":
                    self.complaints.append(said["params"]["entry"]["text"])
                case _:
                    pass

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of one command of the protocol."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        said = await asyncio.wait_for(self._answers[number], PATIENCE_S)
        assert "result" in said, said
        return said["result"]

    async def open(self, url: str) -> None:
        """Go to `url` and wait until a terminal has painted there."""
        for part in ("Page", "Network", "Log"):
            await self.call(f"{part}.enable")
        await self.call("Page.navigate", url=url)
        await self.until("document.body && document.body.classList.contains('-first-byte')")

    async def evaluate(self, expression: str) -> Any:
        """What `expression` gives in the page."""
        said = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return said["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until `expression` is true in the page."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.evaluate(expression):  # noqa: ASYNC110 - the page has no event for it
                await asyncio.sleep(0.05)

    async def type(self, text: str) -> None:
        """Type as a keyboard would; a line feed is Enter."""
        for char in text:
            is_enter = char == "\n"
            key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13} if is_enter else {"key": char}
            await self.call("Input.dispatchKeyEvent", type="keyDown", text="\r" if is_enter else char, **key)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    async def picture(self) -> bytes:
        """What the page looks like, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Tab]:
    """A browser with nothing in its profile, which lies in `folder`, and its first tab."""
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *_OPTIONS,
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (port := _port(folder)):  # noqa: ASYNC110 - the browser only writes a file
                await asyncio.sleep(0.05)
        async with aiohttp.ClientSession() as session:
            address = await _first_page(session, port)
            async with session.ws_connect(address, max_msg_size=0) as socket:
                tab = Tab(socket)
                reading = asyncio.create_task(tab.read())
                try:
                    yield tab
                finally:
                    reading.cancel()
    finally:
        process.kill()
        await process.wait()


def _port(folder: Path) -> str:
    found = folder / "DevToolsActivePort"
    return found.read_text().partition("\n")[0] if found.exists() else ""


async def _first_page(session: aiohttp.ClientSession, port: str) -> str:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [one for one in await answer.json() if one["type"] == "page"]
            if pages:
                return pages[0]["webSocketDebuggerUrl"]
            await asyncio.sleep(0.05)
