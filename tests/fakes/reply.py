"""What a fake is told to answer, and what it is told to break."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Mark = Literal["headers", "start", "thinking", "text", "call", "arguments", "finish", "bytes"]
"""A place in an answer. `text` means the middle of the text, `finish` just before the service's own finish mark."""

Kind = Literal[
    "auth", "permission", "unknown_model", "rate_limit", "quota", "overloaded", "server", "context", "bad_request"
]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; `input` includes `cached`."""

    input: int = 12
    output: int = 7
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends at `at`.

    `how`: `abort` closes it without a proper end, `reset` sends a TCP reset, `clean` ends the HTTP body properly
    although the answer is not complete. `bytes` counts body bytes for `at="bytes"`.
    """

    at: Mark = "text"
    how: Literal["abort", "reset", "clean"] = "abort"
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing more comes after `at`, but the connection stays open until the client leaves."""

    at: Mark = "headers"


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """After a 200 and the answer up to `at`, the service reports an error of `kind` inside the stream."""

    at: Mark = "text"
    kind: Kind = "overloaded"
    message: str = ""


Fault = Cut | Hang | ErrorEvent


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in no vendor's format.

    `tool_calls` holds (name, arguments); arguments given as a string are sent as they are, JSON or not (a service
    whose arguments are JSON values cannot do that and refuses to be scripted so). `stop` empty means the natural one.
    `piece_chars` is the size of a delta, `write_bytes` > 0 cuts the network writes to that size, so that lines and
    UTF-8 sequences are split. `delay_s` is the pause before every event after the first.
    """

    text: str = ""
    thinking: str = ""
    tool_calls: Sequence[tuple[str, dict[str, Any] | str]] = ()
    usage: Usage | None = field(default_factory=Usage)
    stop: Literal["", "end", "tool_calls", "length", "stop_sequence", "refused"] = ""
    fault: Fault | None = None
    framing: Literal["chunked", "close"] = "chunked"
    delay_s: float = 0.0
    piece_chars: int = 6
    write_bytes: int = 0
    keep_alives: bool = False

    @property
    def stop_reason(self) -> str:
        """The stop reason, the natural one filled in."""
        return self.stop or ("tool_calls" if self.tool_calls else "end")


@dataclass(frozen=True, slots=True)
class Failure:
    """An error answer in the vendor's shape. `status` None means the vendor's usual one for `kind`.

    `retry_after_s` goes where the vendor puts it (a header, or RetryInfo in Gemini's body).
    """

    kind: Kind
    message: str = ""
    status: int | None = None
    retry_after_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Raw:
    """Exactly these bytes as the body."""

    body: bytes
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


HTML = Raw(b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>")
"""What a captive portal or a misconfigured proxy sends with status 200."""

Item = Reply | Failure | Raw


def pieces(text: str, size: int) -> list[str]:
    """`text` cut into deltas of `size` characters; an empty text has none."""
    return [text[start : start + size] for start in range(0, len(text), size)]
