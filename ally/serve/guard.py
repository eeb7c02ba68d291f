"""Who may reach the chat: a page of this server, opened by somebody who was given its address.

The token in the path keeps out other users and programs of this machine, the `Host` check pages whose name was bound
to a loopback address, the `Origin` check pages of other servers, which a browser lets open web sockets everywhere.
"""

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SAME = ("same-origin", "none")


def _host(request: web.Request) -> str:
    """The one `Host` of the request. Not `request.host`: where there is none, it looks the machine's name up."""
    named = request.headers.getall("Host", [])
    return named[0].lower() if len(named) == 1 else ""


class Guard:
    """Lets requests through that name the token and come from a page of this server, and nothing else."""

    def __init__(self, token: str, port: int) -> None:
        self._token = token.encode()
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    def why_not(self, request: web.Request) -> str:
        """Why `request` is refused; empty if it is not."""
        host = _host(request)
        if host not in self._hosts:
            return "this address is not one of Ally's"
        # The name would tell a page with a rebound name nothing, so the order does not matter.
        if not hmac.compare_digest(request.match_info.get("token", "").encode(), self._token):
            return "the address holds no valid token: open the one that ally serve printed"
        origin = request.headers.get("Origin")
        is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        if (origin is None and is_socket) or (origin is not None and origin.lower() != f"http://{host}"):
            return "the request comes from another page"
        if not is_socket and request.headers.get("Sec-Fetch-Site", "none") not in _SAME:
            return "the request comes from another site"
        return ""

    def middleware(self) -> Middleware:
        """The guard as aiohttp calls it, before anything else."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            if why := self.why_not(request):
                return web.Response(status=403, text=f"Refused: {why}.\n", headers=_HEADERS)
            try:
                response = await handler(request)
            except web.HTTPException as error:
                response = web.Response(status=error.status, text=f"{error.reason}\n")
            if not response.prepared:
                response.headers.update(_HEADERS)
                response.headers["Content-Security-Policy"] = _POLICY.format(host=_host(request))
            return response

        return guarded
