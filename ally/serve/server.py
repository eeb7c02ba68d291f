"""A web server on loopback: one page, and a chat of its own behind each open tab."""

import asyncio
import secrets
import shlex
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

import textual_serve
from aiohttp import WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from ally.errors import UsageError
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
_LONGEST_PASTE = 16 * 2**20


class ChatServer:
    """Serves the chat that `command` starts; `url` is the one address that leads to it.

    Raises:
        UsageError: the port cannot be had.
    """

    def __init__(self, command: Sequence[str], port: int = 0) -> None:
        self._command = shlex.join(command)
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._token = secrets.token_urlsafe(32)
        self._guard = Guard(self._token, self.port)
        self._tabs = 0

    @property
    def url(self) -> str:
        """Where the chat is; whoever knows it can use Ally as the user."""
        return f"http://{ADDRESS}:{self.port}/{self._token}/"

    async def run(self) -> None:
        """Serve until cancelled; then every chat is told to end."""
        app = web.Application(middlewares=[self._guard.middleware()])
        app.router.add_get("/{token}/", self._index)
        app.router.add_get("/{token}/ws", self._chat)
        app.router.add_get("/{token}/{file}", self._file)
        app.router.add_get("/{rest:.*}", _nothing)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=5)
        await runner.setup()
        try:
            await web.SockSite(runner, self._socket).start()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

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
        if self._tabs >= MAX_TABS:
            raise web.HTTPServiceUnavailable
        tab = web.WebSocketResponse(heartbeat=15, max_msg_size=_LONGEST_PASTE)
        self._tabs += 1
        try:
            await tab.prepare(request)
            await self._run_chat(tab, _size(request.query.get("width", "80"), request.query.get("height", "24")))
        finally:
            self._tabs -= 1
        return tab

    async def _run_chat(self, tab: web.WebSocketResponse, size: tuple[int, int]) -> None:
        async def close() -> None:
            await tab.close()

        service = AppService(
            self._command,
            write_bytes=tab.send_bytes,
            write_str=tab.send_str,
            close=close,
            download_manager=DownloadManager(),
        )
        await service.start(*size)
        try:
            async for message in tab:
                if message.type is WSMsgType.TEXT:
                    await _pass_on(message, tab, service)
        finally:
            await service.stop()


async def _pass_on(message: Any, tab: web.WebSocketResponse, service: AppService) -> None:
    """One message of the page; what is none of those it sends is ignored. `Any`: aiohttp's messages have no type."""
    try:
        kind, data = (*message.json(), None)[:2]
    except (ValueError, TypeError):
        return
    match kind, data:
        case "stdin", str():
            await service.send_bytes(data.encode("utf-8", "replace"))
        case "resize", {"width": width, "height": height}:
            await service.set_terminal_size(*_size(width, height))
        case "ping", _:
            await tab.send_json(["pong", data])
        case "blur", _:
            await service.blur()
        case "focus", _:
            await service.focus()
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
