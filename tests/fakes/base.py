"""What all fakes have in common: the script, the key, the delivery of a stream with its faults."""

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tests.fakes.auto import Asked, automatic
from tests.fakes.reply import Cut, ErrorEvent, Failure, Hang, Item, Mark, Raw, Reply
from tests.fakes.server import Exchange, Recorded, Server, encode

KEY = "test-key-3f9a51c07e"
"""The key that every fake accepts unless told otherwise."""

Scripted = Item | Callable[[Recorded], Item]


class Event(NamedTuple):
    """Bytes of a stream and the place of the answer they stand for."""

    mark: Mark
    data: bytes


class Problem(NamedTuple):
    """An error in the vendor's shape."""

    status: int
    body: Any
    headers: dict[str, str]


class Invalid(Exception):
    """The request is not what the service accepts."""

    def __init__(self, message: str, *, kind: str = "bad_request", param: str | None = None, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code


@dataclass(frozen=True, slots=True)
class Chat:
    """One accepted chat request."""

    model: str
    stream: bool
    asked: Asked
    body: dict[str, Any]


class Fake(Server):
    """A service of language models. Give it answers with `script` (in turn) or `always`; else it answers by itself.

    `key` None accepts any request; `models` are the ones it has, and `*` among them stands for any name.
    """

    models: tuple[str, ...] = ()
    content_type = "text/event-stream; charset=utf-8"
    keep_alive = b": keep-alive\n\n"

    def __init__(self, *, key: str | None = KEY, models: Sequence[str] | None = None, port: int = 0) -> None:
        self.key = key
        if models is not None:
            self.models = tuple(models)
        self.calls: list[Recorded] = []
        self._script: list[Scripted] = []
        self._fallback: Scripted | None = None
        self._turn = threading.Lock()
        self._ids = itertools.count(1)
        super().__init__(port=port)

    @property
    def base_url(self) -> str:
        """What a client is configured with."""
        return self.url

    def has(self, model: str) -> bool:
        """Whether it serves the model."""
        return model in self.models or "*" in self.models

    def script(self, *items: Scripted) -> None:
        """Answer the next calls with these, one each."""
        self._script.extend(items)

    def always(self, item: Scripted) -> None:
        """Answer every call that has no script with this."""
        self._fallback = item

    def forget(self) -> None:
        """Drop what was scripted and not answered yet."""
        with self._turn:
            self._script.clear()

    def next_id(self, prefix: str) -> str:
        """An id that this server has not used."""
        return f"{prefix}{next(self._ids):08d}"

    def answer(self, exchange: Exchange, chat: Chat) -> None:
        """Answer an accepted request with the next item of the script."""
        item = self._next_item(exchange.request, chat)
        match item:
            case Failure():
                problem = self.problem(item)
                exchange.send_json(problem.status, problem.body, {**problem.headers, **item.headers})
            case Raw():
                exchange.send(item.status, item.body, item.content_type, item.headers)
            case Reply():
                if isinstance(item.fault, Hang) and item.fault.at == "headers":
                    exchange.hang()
                if isinstance(item.fault, Cut) and item.fault.at == "headers":
                    exchange.abort(reset=item.fault.how == "reset")
                if chat.stream:
                    self._stream(exchange, chat, item)
                else:
                    self._whole(exchange, chat, item)

    def problem(self, failure: Failure) -> Problem:
        """The vendor's error answer."""
        raise NotImplementedError

    def events(self, chat: Chat, reply: Reply) -> list[Event]:
        """The stream of an answer."""
        raise NotImplementedError

    def error_event(self, failure: Failure) -> bytes:
        """An error inside a stream."""
        raise NotImplementedError

    def whole(self, chat: Chat, reply: Reply) -> Any:
        """The answer as one JSON value."""
        raise NotImplementedError

    def _next_item(self, request: Recorded, chat: Chat) -> Item:
        with self._turn:
            self.calls.append(request)
            item = self._script.pop(0) if self._script else self._fallback
        if item is None:
            item = automatic(chat.asked)
        return item if isinstance(item, Reply | Failure | Raw) else item(request)

    def _whole(self, exchange: Exchange, chat: Chat, reply: Reply) -> None:
        exchange.pause(reply.delay_s)
        match reply.fault:
            case ErrorEvent() as fault:
                problem = self.problem(Failure(fault.kind, fault.message))
                exchange.send_json(problem.status, problem.body, problem.headers)
            case Hang():
                exchange.hang()
            case Cut() as fault:
                value = self.whole(chat, replace(reply, fault=None))
                _cut_whole(exchange, value, fault)
            case None:
                exchange.send_json(200, self.whole(chat, reply))

    def _stream(self, exchange: Exchange, chat: Chat, reply: Reply) -> None:
        events = self.events(chat, reply)
        if reply.fault is not None:
            events = until(events, reply.fault)
        exchange.open_body(200, self.content_type, chunked=reply.framing == "chunked", headers={})
        for number, event in enumerate(events):
            if number:
                exchange.pause(reply.delay_s)
                if reply.keep_alives:
                    exchange.write_body(self.keep_alive)
            for part in _parts(event.data, reply.write_bytes):
                exchange.write_body(part)
        match reply.fault:
            case Hang():
                exchange.hang()
            case Cut(how="abort" | "reset") as fault:
                exchange.abort(reset=fault.how == "reset")
            case ErrorEvent() as fault:
                exchange.write_body(self.error_event(Failure(fault.kind, fault.message)))
            case _:
                pass
        exchange.end_body()


def until(events: list[Event], fault: Cut | Hang | ErrorEvent) -> list[Event]:
    """The events that come before the fault; a lone event in whose middle it lies is cut in half."""
    if isinstance(fault, Cut) and fault.at == "bytes":
        whole = b"".join(event.data for event in events)
        return [Event("bytes", whole[: fault.bytes])]
    if fault.at in {"headers", "start"}:
        return []
    places = [index for index, event in enumerate(events) if event.mark == fault.at]
    if not places:
        raise ValueError(f"the answer has no {fault.at} to break")
    if fault.at == "finish":
        return events[: places[0]]
    if len(places) > 1:
        return events[: places[len(places) // 2]]
    lone = events[places[0]]
    if not isinstance(fault, Cut):
        return events[: places[0] + 1]
    return [*events[: places[0]], Event(lone.mark, lone.data[: len(lone.data) // 2])]


def sse(value: Any, event: str = "") -> bytes:
    """A server-sent event that carries a JSON value."""
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + encode(value) + b"\n\n"


def _cut_whole(exchange: Exchange, value: Any, fault: Cut) -> None:
    body = encode(value)
    size = fault.bytes if fault.at == "bytes" else len(body) // 2
    announced = size if fault.how == "clean" else len(body)
    exchange.open_body(200, "application/json", chunked=False, headers={"content-length": str(announced)})
    exchange.write_body(body[:size])
    exchange.abort(reset=fault.how == "reset")


def _parts(data: bytes, size: int) -> list[bytes]:
    if size <= 0:
        return [data]
    return [data[start : start + size] for start in range(0, len(data), size)]
