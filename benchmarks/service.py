"""A service that answers at once with what it was given, in the format of OpenAI's chat completions."""

import http.server
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its body, when its first line had arrived, and when the last byte of the answer was out."""

    body: bytes
    at: float
    answered_at: float


class Service:
    """Listens on loopback and gives its answers in turn; it looks at no request, so that its own time stays flat."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self.asked: list[Asked] = []
        self._answers = answers
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # its delay of 40 ms would hide what a step costs

            def do_GET(self) -> None:
                self.send_error(404)

            def do_POST(self) -> None:
                at = time.monotonic()
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = service._answers[len(service.asked)]
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                self.wfile.flush()
                service.asked.append(Asked(body, at, time.monotonic()))

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def text_of(text: str) -> bytes:
    """An answer that is `text`."""
    return _events({"content": text}, "stop")


def call_of(number: int, name: str, arguments: dict[str, Any]) -> bytes:
    """An answer that calls one tool."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return _events(
        {"tool_calls": [{"index": 0, "id": f"call_{number}", "type": "function", "function": function}]}, "tool_calls"
    )


def _events(delta: dict[str, Any], reason: str) -> bytes:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    pieces = (
        {"choices": [{"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
        {"choices": [], "usage": usage},
    )
    lines = [json.dumps({"id": "c", "object": "chat.completion.chunk", "model": "m", **piece}) for piece in pieces]
    return "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()
