"""Fetching a newer list of hosted models, when the user asks for it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ally.config.paths import Paths
from ally.egress import offline
from ally.egress.location import classify
from ally.errors import BadReply, ConfigError, OfflineRefused, Unreachable
from ally.models.hosted import HostedList, fetched_file
from ally.models.hosted_reduce import NotTheList, encode, reduce
from ally.storage.atomic import write_atomic

if TYPE_CHECKING:
    import httpx2

_CONNECT_S, _IDLE_S = 10.0, 30.0
_LARGEST_BYTES = 50_000_000
_KEPT = "the list that was here stays in use; try again later"


def update(paths: Paths, source: str) -> HostedList:
    """Take the list from `source`, an address or a file, keep it in the data folder, and give it.

    It is as of today, a file as of the day on which it was last changed.

    One GET without key, cookie or any fact of this machine. What is not the list replaces nothing.

    Raises:
        OfflineRefused: offline mode is on and the address is not on this machine.
        Unreachable: no answer.
        BadReply: the answer is not the list.
        ConfigError: the file cannot be read, or is not the list.
        StorageError: it cannot be kept.
    """
    is_address = source.startswith(("http://", "https://"))
    data, changed = _download(source) if is_address else _read(Path(source).expanduser())
    try:
        found = reduce(data, as_of=changed.date().isoformat(), source=source)
    except NotTheList as exc:
        if not is_address:
            raise ConfigError(f"{source} is not the list of models.dev: {exc}.", file=Path(source)) from exc
        raise BadReply(f"{source} did not give the list of models: {exc}.", hint=_KEPT) from exc
    write_atomic(fetched_file(paths), encode(found))
    return found


def _read(file: Path) -> tuple[bytes, datetime]:
    try:
        return file.read_bytes(), datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError as exc:
        raise ConfigError(f"{file} cannot be read: {exc.strerror or exc}.", file=file) from exc


def _download(url: str) -> tuple[bytes, datetime]:
    import httpx2  # heavy

    from ally.egress.transport import open_sync_client  # heavy

    host = httpx2.URL(url).host
    if offline.is_enabled() and classify(url) != "local":
        raise OfflineRefused(host)
    try:
        with (
            open_sync_client("list of models", connect_timeout_s=_CONNECT_S, idle_timeout_s=_IDLE_S) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as response,
        ):
            return _body(url, response), datetime.now(UTC)
    except (httpx2.HTTPError, OSError) as exc:
        raise Unreachable(f"{host} did not answer: {exc or type(exc).__name__}.", hint=_KEPT) from exc


def _body(url: str, response: "httpx2.Response") -> bytes:
    if response.status_code != 200:
        raise BadReply(f"{url} answered with status {response.status_code}.", hint=_KEPT)
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > _LARGEST_BYTES:
            raise BadReply(f"{url} sent more than {_LARGEST_BYTES // 1_000_000} MB.", hint=_KEPT)
    return bytes(body)
