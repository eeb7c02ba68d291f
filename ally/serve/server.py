"""A web server on loopback: one page, and a chat of its own behind each open tab."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, cast

import textual_serve
from aiohttp import WSMsgType, web

from ally.errors import UsageError
from ally.serve.chat_process import ChatProcess
from ally.serve.doors import Doors
from ally.serve.guard import Guard

ADDRESS = "127.0.0.1"
MAX_TABS = 16
"""So many chats may be open at once: each is a process."""

_PAGE = Path(__file__).parent / "page"
_LIBRARY = Path(textual_serve.__file__).parent / "static"
_FILES: Mapping[str, tuple[Path, str]] = {
    "page.css": (_PAGE / "page.css", "text/css"),
    "page.js": (_PAGE / "page.js", "text/javascript"),
    "xterm.css": (_LIBRARY / "css" / "xterm.css", "text/css"),
    "textual.js": (_LIBRARY / "js" / "textual.js", "text/javascript"),
    "mono.ttf": (_LIBRARY / "fonts" / "RobotoMono-VariableFont_wght.ttf", "font/ttf"),
    "mono-italic.ttf": (_LIBRARY / "fonts" / "RobotoMono-Italic-VariableFont_wght.ttf", "font/ttf"),
}
_FEWEST, _MOST_COLUMNS, _MOST_LINES = 1, 1_000, 500
_LARGEST_MESSAGE = 64 * 2**20
"""The page refuses pastes long before."""
_ENDED_WITHIN_S = 12.0
"""More than a chat takes that has to be ended by force."""


class ChatServer:
    """Serves the chat that `command` starts; `url` is the one address that leads to it.

    `tell` is given what a chat says when it ends, which may hold anything.

    Raises:
        UsageError: the port cannot be had.
    """

    def __init__(self, command: Sequence[str], port: int = 0, tell: Callable[[str], None] = lambda text: None) -> None:
        self._command = command
        self._tell = tell
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._token = secrets.token_urlsafe(32)
        self._guard = Guard(self._token, self.port)
        self._doors: Doors | None = None
        self._tabs: set[web.WebSocketResponse] = set()

    @property
    def url(self) -> str:
        """Where the chat is; whoever knows it can use Ally as the user."""
        return f"http://{ADDRESS}:{self.port}/{self._token}/"

    async def run(self) -> None:
        """Serve until cancelled; then every chat is told to end, and waited for."""
        app = web.Application(middlewares=[self._guard.middleware()])
        app.router.add_get("/{token}/", self._index)
        app.router.add_get("/{token}/ws", self._chat)
        app.router.add_get("/{token}/{file}", self._file)
        app.router.add_get("/{rest:.*}", _nothing)
        app.on_shutdown.append(self._close_tabs)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_ENDED_WITHIN_S)
        await runner.setup()
        self._doors = Doors(cast("Callable[[], asyncio.Protocol]", runner.server))
        server = await asyncio.get_running_loop().create_server(self._doors.open, sock=self._socket)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            await runner.cleanup()

    async def _close_tabs(self, app: web.Application) -> None:
        await asyncio.gather(*(tab.close() for tab in self._tabs), return_exceptions=True)

    async def _index(self, request: web.Request) -> web.Response:
        page = Template((_PAGE / "index.html").read_text(encoding="utf-8"))
        text = page.substitute(socket=f"ws://{request.host}/{self._token}/ws")
        return web.Response(text=text, content_type="text/html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        found = _FILES.get(request.match_info["file"])
        if found is None:
            raise web.HTTPNotFound
        path, kind = found
        return web.FileResponse(path, headers={"Content-Type": kind})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        if len(self._tabs) >= MAX_TABS:
            raise web.HTTPServiceUnavailable
        tab = web.WebSocketResponse(heartbeat=15, max_msg_size=_LARGEST_MESSAGE)
        self._tabs.add(tab)
        try:
            await tab.prepare(request)
            if self._doors is not None:
                self._doors.let_in(request.protocol)
            await self._run_chat(tab, _size(request.query.get("width", "80"), request.query.get("height", "24")))
        finally:
            self._tabs.discard(tab)
        return tab

    async def _run_chat(self, tab: web.WebSocketResponse, size: tuple[int, int]) -> None:
        try:
            chat = await ChatProcess.start(self._command, size)
        except OSError as error:
            self._tell(f"A chat could not be started: {error.strerror}.")
            await tab.close()
            return
        painting = asyncio.create_task(_paint(chat, tab))
        try:
            with contextlib.suppress(ConnectionError):
                async for message in tab:
                    if message.type is WSMsgType.TEXT:
                        await _pass_on(message, tab, chat)
        finally:
            if said := await chat.end():
                self._tell(said.strip())
            await asyncio.wait({painting}, timeout=1)  # what it left in the background may hold the pipe
            painting.cancel()


async def _paint(chat: ChatProcess, tab: web.WebSocketResponse) -> None:
    """Hand on what the chat paints. It is read to its end, also with no page any more: else the chat could not end."""
    async for data in chat.output():
        if not tab.closed:
            with contextlib.suppress(ConnectionError):
                await tab.send_bytes(data)
    await tab.close()


async def _pass_on(message: Any, tab: web.WebSocketResponse, chat: ChatProcess) -> None:
    """One message of the page; what is none of those it sends is ignored. `Any`: aiohttp's messages have no type."""
    try:
        kind, data = (*message.json(), None)[:2]
    except (ValueError, TypeError, RecursionError):
        return
    match kind, data:
        case "stdin", str():
            await chat.tell("stdin", data.encode("utf-8", "replace").decode())
        case "resize", {"width": width, "height": height}:
            columns, rows = _size(width, height)
            await chat.tell("resize", {"width": columns, "height": rows})
        case "ping", str() | int() | float():
            await tab.send_json(["pong", data])
        case (("blur" | "focus"), _):
            await chat.tell(kind)
        case _:
            pass


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port))
        listening.listen()  # from here on the address may be told
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"Port {port} cannot be used: {why}.", hint="--port 0 takes a free one") from error
    return listening


def _size(width: object, height: object) -> tuple[int, int]:
    """Columns and lines within reason, whatever the page says."""
    return _between(width, 80, _MOST_COLUMNS), _between(height, 24, _MOST_LINES)


def _between(value: object, otherwise: int, most: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = otherwise
    return max(_FEWEST, min(number, most))


async def _nothing(request: web.Request) -> web.Response:
    raise web.HTTPNotFound
