"""The one way out over HTTP: every request has a purpose, is counted, and is refused when it must not leave."""

import os
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, cast

import httpx2

import ally
from ally.egress import offline
from ally.egress.ledger import Ledger, Transfer
from ally.egress.ledger import ledger as process_ledger
from ally.egress.location import classify_host
from ally.errors import OfflineRefused

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = "ally.origin"
_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key")
_SECRET_WORDS = ("key", "token", "secret", "auth")
_NOTHING_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


class _Route(NamedTuple):
    tls: bool
    proxy: str


class _Account:
    """Counts one request; `close` writes it to the ledger, once."""

    def __init__(self, book: Ledger, purpose: str, request: httpx2.Request, proxy: str) -> None:
        self._book = book
        self._purpose = purpose
        self._request = request
        self._proxy = proxy
        self._started = time.monotonic()
        self._closed = False
        self._status: int | None = None
        self._body_sent = 0
        self._received = 0

    def sent(self, body: bytes) -> bytes:
        self._body_sent += len(body)
        return body

    def received(self, body: bytes) -> bytes:
        self._received += len(body)
        return body

    def answered(self, response: httpx2.Response) -> None:
        self._status = response.status_code
        self._received += len(f"HTTP/1.1 {response.status_code} {response.reason_phrase}\r\n\r\n")
        self._received += _header_bytes(response.headers)

    def close(self, error: BaseException | None = None, *, refused: bool = False) -> None:
        if self._closed:
            return
        self._closed = True
        url = self._request.url
        sent = 0
        if not refused and not isinstance(error, _NOTHING_SENT):
            line = len(self._request.method) + len(url.raw_path) + len("  HTTP/1.1\r\n\r\n")
            sent = line + _header_bytes(self._request.headers) + self._body_sent
        self._book.add(
            Transfer(
                purpose=self._purpose,
                method=self._request.method,
                scheme=url.scheme,
                host=url.host,
                port=_port(url),
                location=classify_host(url.host),
                status=self._status,
                bytes_sent=sent,
                bytes_received=self._received,
                seconds=time.monotonic() - self._started,
                refused=refused,
                error=type(error).__name__ if error is not None else "",
                proxy=httpx2.URL(self._proxy).host if self._proxy else "",
            )
        )


class _CountedBody(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, account: _Account) -> None:
        self._stream = stream
        self._account = account

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield self._account.sent(part)


class _CountedAnswer(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, account: _Account) -> None:
        self._stream = stream
        self._account = account

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield self._account.received(part)
        except GeneratorExit:
            raise
        except BaseException as error:
            self._account.close(error)
            raise

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._account.close()


class _SyncCountedBody(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, account: _Account) -> None:
        self._stream = stream
        self._account = account

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            yield self._account.sent(part)


class _SyncCountedAnswer(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, account: _Account) -> None:
        self._stream = stream
        self._account = account

    def __iter__(self) -> Iterator[bytes]:
        try:
            for part in self._stream:
                yield self._account.received(part)
        except GeneratorExit:
            raise
        except BaseException as error:
            self._account.close(error)
            raise

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._account.close()


class _Gate:
    """What both transports share: who may leave, by which route, and who is told."""

    def __init__(self, purpose: str, book: Ledger | None = None) -> None:
        self._purpose = purpose
        self._book = process_ledger if book is None else book

    def _admit(self, request: httpx2.Request) -> tuple[_Account, _Route]:
        proxy = _find_proxy(request.url)
        purpose = str(request.extensions.get("purpose") or self._purpose)
        account = _Account(self._book, purpose, request, proxy)
        if offline.is_enabled() and classify_host(request.url.host) != "local":
            refusal = OfflineRefused(f"{request.url.host}:{_port(request.url)}")
            account.close(refusal, refused=True)
            raise refusal
        _forget_keys_of_another_host(request)
        return account, _Route(request.url.scheme == "https", proxy)


class EgressTransport(_Gate, httpx2.AsyncBaseTransport):
    """An asynchronous transport for `httpx2.AsyncClient`.

    `purpose` is what the ledger says a request was for, unless its `extensions["purpose"]` says otherwise. The
    system's proxy settings are followed, but never for this machine. Certificates are loaded at the first https
    request.

    Raises:
        OfflineRefused: offline mode is on and the host is not this machine; nothing was sent.
    """

    def __init__(self, purpose: str, book: Ledger | None = None) -> None:
        super().__init__(purpose, book)
        self._roads: dict[_Route, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request`; the transfer is noted when the answer is closed."""
        account, route = self._admit(request)
        try:
            response = await self._road(route, request).handle_async_request(
                _copy(request, _CountedBody(cast("httpx2.AsyncByteStream", request.stream), account))
            )
        except BaseException as error:
            account.close(error, refused=offline.find_blocked(error) is not None)
            raise
        account.answered(response)
        response.stream = _CountedAnswer(cast("httpx2.AsyncByteStream", response.stream), account)
        return response

    def _road(self, route: _Route, request: httpx2.Request) -> httpx2.AsyncHTTPTransport:
        if route not in self._roads:
            self._roads[route] = httpx2.AsyncHTTPTransport(verify=_ssl_context(route), proxy=_proxy(route, request))
        return self._roads[route]

    async def aclose(self) -> None:
        """Close every connection."""
        for road in self._roads.values():
            await road.aclose()


class SyncEgressTransport(_Gate, httpx2.BaseTransport):
    """The same for `httpx2.Client`."""

    def __init__(self, purpose: str, book: Ledger | None = None) -> None:
        super().__init__(purpose, book)
        self._roads: dict[_Route, httpx2.HTTPTransport] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request`; the transfer is noted when the answer is closed."""
        account, route = self._admit(request)
        try:
            response = self._road(route, request).handle_request(
                _copy(request, _SyncCountedBody(cast("httpx2.SyncByteStream", request.stream), account))
            )
        except BaseException as error:
            account.close(error, refused=offline.find_blocked(error) is not None)
            raise
        account.answered(response)
        response.stream = _SyncCountedAnswer(cast("httpx2.SyncByteStream", response.stream), account)
        return response

    def _road(self, route: _Route, request: httpx2.Request) -> httpx2.HTTPTransport:
        if route not in self._roads:
            self._roads[route] = httpx2.HTTPTransport(verify=_ssl_context(route), proxy=_proxy(route, request))
        return self._roads[route]

    def close(self) -> None:
        """Close every connection."""
        for road in self._roads.values():
            road.close()


def open_client(
    purpose: str, *, connect_timeout_s: float, idle_timeout_s: float, headers: Mapping[str, str] | None = None
) -> httpx2.AsyncClient:
    """A client over `EgressTransport`; it follows no redirects and takes nothing else from the environment."""
    return httpx2.AsyncClient(
        transport=EgressTransport(purpose),
        trust_env=False,
        timeout=_timeout(connect_timeout_s, idle_timeout_s),
        headers={"User-Agent": f"ally/{ally.__version__}", **(headers or {})},
    )


def open_sync_client(
    purpose: str, *, connect_timeout_s: float, idle_timeout_s: float, headers: Mapping[str, str] | None = None
) -> httpx2.Client:
    """The same as `open_client` for code that does not wait asynchronously."""
    return httpx2.Client(
        transport=SyncEgressTransport(purpose),
        trust_env=False,
        timeout=_timeout(connect_timeout_s, idle_timeout_s),
        headers={"User-Agent": f"ally/{ally.__version__}", **(headers or {})},
    )


def _timeout(connect_s: float, idle_s: float) -> httpx2.Timeout:
    return httpx2.Timeout(connect=connect_s, read=idle_s, write=idle_s, pool=connect_s)


def _copy(request: httpx2.Request, body: httpx2.AsyncByteStream | httpx2.SyncByteStream) -> httpx2.Request:
    """The same request over `body`; the original keeps its own stream for the client's bookkeeping."""
    return httpx2.Request(
        request.method, request.url, headers=request.headers, stream=body, extensions=request.extensions
    )


def _forget_keys_of_another_host(request: httpx2.Request) -> None:
    """Drop the keys of a request that a redirect leads to another origin; clients drop only `Authorization`."""
    origin = (request.url.scheme, request.url.host, _port(request.url))
    # A redirected request is built with the extensions of the request before it.
    if request.extensions.setdefault(_ORIGIN, origin) != origin:
        for name in list(request.headers):
            if name.lower() in _SECRET_HEADERS or any(word in name.lower() for word in _SECRET_WORDS):
                del request.headers[name]


def _find_proxy(url: httpx2.URL) -> str:
    """The proxy that the system's settings name for `url`, empty for none."""
    if offline.is_enabled() or classify_host(url.host) == "local":
        return ""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all") or ""
    if not proxy or urllib.request.proxy_bypass(f"{url.host}:{_port(url)}"):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _proxy(route: _Route, request: httpx2.Request) -> httpx2.Proxy | None:
    if not route.proxy:
        return None
    url = httpx2.URL(route.proxy)
    if url.scheme not in ("http", "https"):
        raise httpx2.ProxyError(f"Ally cannot use a {url.scheme} proxy ({url.host}).", request=request)
    return httpx2.Proxy(url)


def _ssl_context(route: _Route) -> ssl.SSLContext:
    if route.tls or route.proxy.startswith("https:"):
        return _trusting_context(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))
    # Never used on a plain connection; with no authorities loaded it would trust nobody.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@lru_cache(maxsize=4)
def _trusting_context(file: str, folder: str) -> ssl.SSLContext:
    """The system's authorities, or those of `file` and `folder`, which the call below reads from the environment.

    Loading them takes 30 ms and more, so models share the context.
    """
    return httpx2.create_ssl_context()


def _port(url: httpx2.URL) -> int:
    return url.port or _DEFAULT_PORTS.get(url.scheme, 0)


def _header_bytes(headers: httpx2.Headers) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers.raw)
