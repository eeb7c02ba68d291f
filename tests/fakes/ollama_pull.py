"""Ollama that fetches models from a library of its own, and deletes them."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from tests.fakes import FakeOllama, Pulled
from tests.fakes.requests import decode
from tests.fakes.server import Exchange, encode

LIBRARY = {"tiny:latest": (4_000_000, 11_000, 500), "qwen3:4b": (2_600_000_000, 1_500, 18)}
STEPS = 4


class PullingOllama(FakeOllama):
    """A `FakeOllama` with `/api/pull` and `/api/delete`.

    `library` maps what can be fetched to the sizes of its layers. `pace_s` passes between two lines. `said` replaces
    the lines of a pull, as JSON or raw bytes; after them the answer ends as `ends` says. What was fetched when a
    client left is kept in `parts`, by digest.
    """

    def __init__(
        self, *, library: Mapping[str, Sequence[int]] = LIBRARY, pace_s: float = 0.0, models: Any = ()
    ) -> None:
        self.library = library
        self.pace_s = pace_s
        self.said: Sequence[Any] | None = None
        self.ends = "properly"
        self.parts: dict[str, int] = {}
        self.deleted: list[str] = []
        super().__init__(models=models)

    def handle(self, exchange: Exchange) -> None:
        match (exchange.request.method, exchange.request.path):
            case ("POST", "/api/pull"):
                self._pull(exchange, decode(exchange.request, "invalid character in request body")["model"])
            case ("DELETE", "/api/delete"):
                self._delete(exchange, decode(exchange.request, "invalid character in request body")["model"])
            case _:
                super().handle(exchange)

    def _pull(self, exchange: Exchange, model: str) -> None:
        if not model or " " in model:
            exchange.send_json(400, {"error": "invalid model name"})
            return
        exchange.open_body(200, self.content_type, chunked=True, headers={})
        if self.said is not None:
            for line in self.said:
                exchange.write_body(line if isinstance(line, bytes) else encode(line) + b"\n")
            match self.ends:
                case "abort" | "reset":
                    exchange.abort(reset=self.ends == "reset")
                case "hang":
                    exchange.hang()
            exchange.end_body()
            return
        self._fetch(exchange, model)
        exchange.end_body()

    def _fetch(self, exchange: Exchange, model: str) -> None:
        def line(**fields: Any) -> None:
            exchange.write_body(encode(fields) + b"\n")
            exchange.pause(self.pace_s)

        line(status="pulling manifest")
        name = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
        if name not in self.library:
            line(error="pull model manifest: file does not exist")
            return
        for number, size in enumerate(self.library[name]):
            digest = f"sha256:{sha256(f'{name}/{number}'.encode()).hexdigest()}"
            status = f"pulling {digest[7:19]}"
            done = self.parts.get(digest, 0)
            line(status=status, digest=digest, total=size, **({"completed": done} if done else {}))
            for step in range(1, STEPS + 1):
                done = max(done, size * step // STEPS)
                self.parts[digest] = done
                line(status=status, digest=digest, total=size, completed=done)
        for status in ("verifying sha256 digest", "writing manifest"):
            line(status=status)
        self.pulled[name] = Pulled(size_bytes=sum(self.library[name]))
        line(status="success")

    def _delete(self, exchange: Exchange, model: str) -> None:
        if model not in self.pulled:
            exchange.send_json(404, {"error": f"model '{model}' not found"})
            return
        del self.pulled[model]
        self.deleted.append(model)
        exchange.send(200, b"")
