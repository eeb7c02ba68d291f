"""Stands between an agent and a llama.cpp server: the server really reads every prompt, the answers are a script's.

A request goes on as it came, but for one token of an answer and no chance in it; `timings` of the server are the
counter. The agent gets its first byte when the server has its first token.
"""

import contextlib
import http.client
import http.server
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from benchmarks.warm_record import Read, find_break
from benchmarks.warm_script import Reply

TIMEOUT_S = 1_800
SIDE = "Notes of the harbour"
"""The reply to a request beside the conversation."""

Script = Callable[[int, Mapping[str, Any]], Reply]


@dataclass(frozen=True, slots=True)
class Counted:
    """What the server said of one prompt."""

    prompt_n: int
    cache_n: int
    first_token_at: float


class ServerRefused(Exception):
    """The server answered with an error; the agent gets it as it is."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:300].decode(errors='replace')}")
        self.status, self.body = status, body


class Proxy:
    """Listens on loopback as long as the block; `script` gives the reply to each step, from 1.

    `is_step` tells a request of the conversation from one beside it. With `weights` the model is said to have so many.
    """

    def __init__(
        self, root: str, script: Script, is_step: Callable[[Mapping[str, Any]], bool], weights: int = 0
    ) -> None:
        self.reads: list[Read] = []
        self.problems: list[str] = []
        self._host = urlsplit(root).netloc
        self._script, self._is_step, self._weights = script, is_step, weights
        self._step, self._before = 0, None
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))

    @property
    def root(self) -> str:
        """The address without /v1."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def pass_on(self, method: str, path: str, body: bytes) -> tuple[int, str, bytes]:
        """(status, content type, body) of the server itself."""
        with self._connect() as connection:
            connection.request(method, path, body or None, {"Content-Type": "application/json"} if body else {})
            response = connection.getresponse()
            said = response.read()
        if self._weights:
            said = re.sub(rb'("n_params": ?)\d+', rb"\g<1>%d" % self._weights, said)
        return response.status, response.headers.get("Content-Type", "application/json"), said

    def answer(self, body: dict[str, Any], send: Callable[[str], None]) -> tuple[Reply, Counted]:
        """The reply to a chat request; `send` gets the comments that keep a waiting client there.

        Raises:
            ServerRefused: the server did not take the request.
        """
        arrived_at = time.monotonic()
        is_step = self._is_step(body)
        with self._lock:
            step = self._step = self._step + is_step
            before = self._before
            self._before = body if is_step else before
        counted = self._read(body, send)
        tools = len(body.get("tools") or [])
        where = find_break(before, body) if is_step else ""
        total = counted.prompt_n + counted.cache_n
        self.reads.append(Read(total, counted.cache_n, is_step, tools, arrived_at, counted.first_token_at, where))
        return (self._script(step, body) if is_step else Reply(SIDE)), counted

    def _read(self, body: dict[str, Any], send: Callable[[str], None]) -> Counted:
        asked = {key: value for key, value in body.items() if key not in {"max_completion_tokens", "n_predict"}}
        asked |= {"max_tokens": 1, "temperature": 0, "stream": True, "stream_options": {"include_usage": True}}
        with self._connect() as connection:
            connection.request("POST", "/v1/chat/completions", json.dumps(asked), {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != http.HTTPStatus.OK:
                raise ServerRefused(response.status, response.read())
            first_token_at = 0.0
            for raw in response:
                line = raw.decode().strip()
                if line.startswith(":"):
                    send(line + "\n\n")
                if line.startswith("data: {"):
                    first_token_at = first_token_at or time.monotonic()
                    timings = json.loads(line.removeprefix("data: ")).get("timings")
                    if timings:
                        return Counted(timings["prompt_n"], timings["cache_n"], first_token_at)
            raise ServerRefused(502, b'{"error": {"message": "the server counted nothing"}}')

    @contextlib.contextmanager
    def _connect(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT_S)
        try:
            yield connection
        finally:
            connection.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: Proxy

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # an agent that ends says no goodbye
            super().handle()

    def do_GET(self) -> None:
        self._send(*self.proxy.pass_on("GET", self.path, b""))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.path.endswith("/chat/completions"):
            self._send(*self.proxy.pass_on("POST", self.path, raw))
            return
        body = json.loads(raw)
        begun = False

        def send(text: str) -> None:
            nonlocal begun
            if not body.get("stream"):
                return
            if not begun:
                self._begin()
                begun = True
            self._chunk(text)

        try:
            reply, counted = self.proxy.answer(body, send)
        except ServerRefused as exc:
            self.proxy.problems.append(str(exc))
            self._send(exc.status, "application/json", exc.body)
        except (OSError, http.client.HTTPException, ValueError, KeyError) as exc:
            self.proxy.problems.append(f"{type(exc).__name__}: {exc}")
            self.close_connection = True
        else:
            with contextlib.suppress(ConnectionError):
                self._reply(body, reply, counted, send)

    def _reply(self, body: Mapping[str, Any], reply: Reply, counted: Counted, send: Callable[[str], None]) -> None:
        delta, reason = _message(reply, len(self.proxy.reads))
        usage = {
            "prompt_tokens": counted.prompt_n + counted.cache_n,
            "completion_tokens": 1,
            "total_tokens": counted.prompt_n + counted.cache_n + 1,
            "prompt_tokens_details": {"cached_tokens": counted.cache_n},
        }
        timings = {"prompt_n": counted.prompt_n, "cache_n": counted.cache_n, "predicted_n": 1}
        head = {"id": "chatcmpl-bench", "created": int(time.time()), "model": body.get("model", "")}
        if not body.get("stream"):
            whole = {"index": 0, "message": delta, "finish_reason": reason}
            answer = {**head, "object": "chat.completion", "choices": [whole], "usage": usage, "timings": timings}
            self._send(200, "application/json", json.dumps(answer).encode())
            return
        pieces = (
            {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
            {"choices": [], "usage": usage, "timings": timings},
        )
        for piece in pieces:
            send(f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', **piece})}\n\n")
        send("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, text: str) -> None:
        data = text.encode()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass


def _message(reply: Reply, number: int) -> tuple[dict[str, Any], str]:
    """(the message or its delta, why it ended)."""
    if not reply.tool:
        return {"role": "assistant", "content": reply.text}, "stop"
    function = {"name": reply.tool, "arguments": json.dumps(dict(reply.arguments))}
    call = {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
    return {"role": "assistant", "content": reply.text or None, "tool_calls": [call]}, "tool_calls"
