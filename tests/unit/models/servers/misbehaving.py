"""A port that somebody else listens on, or a server gone wrong."""

import json
from typing import Any

from tests.fakes.server import Exchange, Server

HOWS = ("hangs", "html", "garbage", "wrong shape", "error", "drips", "endless", "slow")


class Misbehaving(Server):
    """Answers every request in the one way that `how` names."""

    def __init__(self, how: str) -> None:
        self.how = how
        super().__init__()

    def handle(self, exchange: Exchange) -> None:
        match self.how:
            case "hangs":
                exchange.hang()
            case "html":
                exchange.send(200, b"<!doctype html><title>Router</title>", "text/html")
            case "garbage":
                exchange.write(bytes(range(256)))
                exchange.abort()
            case "wrong shape":
                exchange.send_json(200, [{"models": "none", "data": None}])
            case "error":
                exchange.send_json(500, {"error": "out of order"})
            case "drips" | "slow":
                exchange.open_body(200, "application/json", chunked=True, headers={})
                for byte in b'{"data": [{"id": "m"}], "models": []}':
                    exchange.write_body(bytes([byte]))
                    exchange.pause(1.0 if self.how == "slow" else 0.05)
            case _:
                exchange.open_body(200, "application/json", chunked=True, headers={})
                exchange.write_body(b'{"data": [')
                while True:
                    exchange.write_body(b" " * 65536)


class Says(Server):
    """Answers every path with `value`, or with what `value` has for it."""

    def __init__(self, value: Any) -> None:
        self.value = value
        super().__init__()

    def handle(self, exchange: Exchange) -> None:
        answers = self.value if isinstance(self.value, dict) else {}
        known = exchange.request.path in answers
        found = answers[exchange.request.path] if known else self.value
        if any(path.startswith("/") for path in answers) and not known:
            exchange.send_json(404, {"error": "not found"})
        else:
            exchange.send(200, found if isinstance(found, bytes) else json.dumps(found).encode())
