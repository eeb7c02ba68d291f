"""Fetching and removing models of an Ollama server. The server downloads them by itself and says how far it is."""

import json
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, cast

from ally.egress import offline
from ally.egress.lookup import NoAnswer, get_json
from ally.errors import AllyError, BadReply, ModelFileError, UnknownModel, Unreachable
from ally.messages import JsonObject
from ally.models.progress import OnProgress, Progress, ignore

if TYPE_CHECKING:
    import httpx2

_LOOKUP_S = 1.0
_CONNECT_S = 10.0
_IDLE_S = 1800.0  # Ollama says nothing while it reads back 100 GB from a slow disk to check it
_DELETE_S = 60.0
_LONGEST_LINE = 1_000_000
_SHOWN_TEXT = 300
_AGAIN = "run the same command again: it goes on where it stopped"
_CHECKING = ("verifying", "writing", "removing")
_CAUSES = (
    (
        r"newer version|\b412\b",
        ModelFileError,
        "{name} needs a newer Ollama.",
        "update Ollama, then run the same command again",
    ),
    (
        "file does not exist|not found|invalid model name",
        UnknownModel,
        "Ollama finds no model {name} to fetch ({detail}).",
        "check name and tag in the library on ollama.com; a GGUF of the hub is hf.co/OWNER/REPO:QUANT",
    ),
    (
        "no space left|quota|not enough space",
        ModelFileError,
        "The disk of Ollama is full; {name} is not complete.",
        f"free some space, then {_AGAIN}",
    ),
    (
        r"unauthorized|forbidden|\b401\b|\b403\b",
        ModelFileError,
        "Ollama may not fetch {name}: {detail}",
        "sign in with `ollama signin`, or accept the model's terms where it is kept",
    ),
    (
        "digest mismatch",
        ModelFileError,
        "What Ollama fetched for {name} is damaged, and deleted.",
        "run the same command again",
    ),
    (
        r"no such host|misbehaving|dial tcp|lookup |timeout|deadline|refused|reset|max retries|\beof\b|tls:|x509",
        Unreachable,
        "Ollama could not fetch {name}: {detail}",
        f"see whether its machine is online (a proxy is HTTPS_PROXY of the server), then {_AGAIN}",
    ),
)
"""Words of Ollama's messages, the error they mean, its text and what to do."""


def full_name(name: str) -> str:
    """`name` as Ollama lists it: without a tag it means `latest`."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def names(root: str) -> list[str]:
    """The models that the Ollama server at `root` has, by the names it lists.

    Raises:
        Unreachable: no server of this machine or network answers there.
    """
    try:
        rows: object = get_json(f"{root}/api/tags", _LOOKUP_S).get("models")
    except NoAnswer as reason:
        raise _silent(root, str(reason)) from reason
    listed = cast("list[object]", rows) if isinstance(rows, list) else []
    found = [cast(JsonObject, row).get("name") for row in listed if isinstance(row, dict)]
    return [name for name in found if isinstance(name, str) and name]


def pull(root: str, name: str, on_progress: OnProgress = ignore) -> None:
    """Let the Ollama server at `root` fetch `name`, or bring it up to date.

    An interruption ends the download; Ollama keeps what it has and goes on with it the next time.

    Raises:
        ModelFileError: offline mode is on, or the server could not fetch it.
        UnknownModel: there is no such model where the server looks for it.
        Unreachable: the server does not answer, the connection broke, or the server reached nobody itself.
        BadReply: no Ollama answers there.
    """
    if offline.is_enabled():  # the server is on this machine, but what it would do leaves it
        raise ModelFileError(
            f"Offline mode: {name} is not on this machine, and Ollama would fetch it from the network.",
            provider="ollama",
            model=name,
            hint=f"run `ally models pull ollama:{name}` once without --offline",
        )
    source = f"Ollama at {root}"
    try:
        _ask(root, name, lambda: _stream(root, name, _Account(name, source, on_progress)))
    except BaseException:
        on_progress(Progress(name, "stopped", source=source))
        raise


def remove(root: str, name: str) -> None:
    """Delete `name`, exactly as it is listed, from the Ollama server at `root`.

    Raises:
        UnknownModel: the server has no model of exactly this name.
        ModelFileError: the server does not delete it.
        Unreachable: the server does not answer.
    """
    listed = names(root)
    if name not in listed:
        raise missing(name, listed)
    _ask(root, name, lambda: _delete(root, name))


def missing(name: str, listed: list[str]) -> UnknownModel:
    """The error for a model that the server does not have under exactly this name."""
    near = [full_name(name)] if full_name(name) in listed else get_close_matches(name, listed, n=1)
    hint = f"did you mean {near[0]}? It has to be the exact name" if near else "`ally models list` shows what it has"
    return UnknownModel(f"Ollama has no model {name}.", provider="ollama", model=name, hint=hint)


class _Account:
    """What was said so far of one download: layers come one after the other, each with its size."""

    def __init__(self, name: str, source: str, on_progress: OnProgress) -> None:
        self._name = name
        self._source = source
        self._tell = on_progress
        self._layers: dict[str, tuple[int, int]] = {}
        self.is_complete = False

    def add(self, line: JsonObject) -> None:
        """Take the next line of the stream."""
        status, digest, total = str(line.get("status") or ""), line.get("digest"), _count(line.get("total"))
        if isinstance(digest, str) and total:
            self._layers[digest] = min(_count(line.get("completed")), total), total
        if status == "success":
            self.is_complete = True
            self._report("done")
        else:
            self._report("check" if status.startswith(_CHECKING) else "fetch")

    def _report(self, phase: Literal["fetch", "check", "done"]) -> None:
        done = sum(layer[0] for layer in self._layers.values())
        total = sum(layer[1] for layer in self._layers.values())
        # Ollama does not say how far its check is.
        known = phase != "check" and total
        self._tell(Progress(self._name, phase, done if known else 0, total if known else None, self._source))


def _stream(root: str, name: str, account: _Account) -> None:
    from ally.egress.transport import open_sync_client  # heavy

    with (
        open_sync_client("model download", connect_timeout_s=_CONNECT_S, idle_timeout_s=_IDLE_S) as client,
        client.stream("POST", f"{root}/api/pull", json={"model": name, "stream": True}) as response,
    ):
        if response.status_code != 200:
            raise _refusal(root, name, _whole(response))
        for line in _lines(root, response):
            if error := line.get("error"):
                raise _explain(name, str(error))
            account.add(line)
    if not account.is_complete:
        raise _broken(root, name)


def _delete(root: str, name: str) -> None:
    from ally.egress.transport import open_sync_client  # heavy

    with (
        open_sync_client("model removal", connect_timeout_s=_CONNECT_S, idle_timeout_s=_DELETE_S) as client,
        client.stream("DELETE", f"{root}/api/delete", json={"model": name}) as response,
    ):
        if response.status_code == 404:
            raise missing(name, [])
        if response.status_code != 200:
            raise _refusal(root, name, _whole(response))


def _ask(root: str, name: str, work: Callable[[], None]) -> None:
    """Do `work`, and give what goes wrong on the way as errors of Ally."""
    import httpx2  # heavy

    try:
        work()
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise _silent(root, "it does not run", name) from error
    except httpx2.TimeoutException as error:
        raise Unreachable(
            f"Ollama at {root} says nothing more about {name}.", provider="ollama", model=name, hint=_AGAIN
        ) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _broken(root, name) from error


def _whole(response: "httpx2.Response") -> bytes:
    """The first part of an answer that is no stream; enough for any message."""
    body = b""
    for part in response.iter_bytes():
        body += part
        if len(body) > _LONGEST_LINE:
            break
    return body


def _lines(root: str, response: "httpx2.Response") -> Iterator[JsonObject]:
    rest = b""
    for part in response.iter_bytes():
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            if line.strip():
                yield _parse(root, line)
        if len(rest) > _LONGEST_LINE:
            raise _stranger(root)
    if rest.strip().endswith(b"}"):  # else it was cut in the middle
        yield _parse(root, rest)


def _parse(root: str, line: bytes) -> JsonObject:
    try:
        said: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _stranger(root) from error
    if not isinstance(said, dict):
        raise _stranger(root)
    return cast(JsonObject, said)


def _count(value: object) -> int:
    """A number of bytes, 0 for what is none."""
    return value if isinstance(value, int) and value > 0 else 0


def _refusal(root: str, name: str, body: bytes) -> AllyError:
    """The error for an answer with another status than 200."""
    try:
        said: object = json.loads(body)
    except (ValueError, RecursionError):
        return _stranger(root)
    error: object = cast(JsonObject, said).get("error") if isinstance(said, dict) else None
    return _explain(name, error) if isinstance(error, str) else _stranger(root)


def _explain(name: str, said: str) -> AllyError:
    """The error for what Ollama says went wrong, known by the words of its messages."""
    # Addresses of the storage behind the library carry signatures; nobody needs to read them.
    detail = " ".join(re.sub(r"\?[^\s\"']*", "?…", said).split())[:_SHOWN_TEXT]
    for words, kind, message, hint in _CAUSES:
        if re.search(words, said, re.IGNORECASE):
            return kind(message.format(name=name, detail=detail), provider="ollama", model=name, hint=hint)
    message, hint = f"Ollama could not fetch or change {name}: {detail}", "its log says more (ollama serve)"
    return ModelFileError(message, provider="ollama", model=name, hint=hint)


def _silent(root: str, reason: str, name: str = "") -> Unreachable:
    return Unreachable(
        f"No Ollama at {root}: {reason}.",
        provider="ollama",
        model=name,
        hint="start it with `ollama serve`; OLLAMA_HOST or provider_options.ollama.base_url names another address",
    )


def _broken(root: str, name: str) -> Unreachable:
    return Unreachable(f"The connection to Ollama at {root} broke.", provider="ollama", model=name, hint=_AGAIN)


def _stranger(root: str) -> BadReply:
    return BadReply(
        f"What answers at {root} is no Ollama.", provider="ollama", hint="check OLLAMA_HOST and provider_options.ollama"
    )
