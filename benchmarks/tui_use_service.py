"""A service for an hour of use: what a message is called decides how it is answered."""

import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

MODEL = "bench-model"
TOKENS_PER_S = 200
_NUMBERED = re.compile(r"message (\d+): (\w+)")
_BYTES_PER_TOKEN = 4

MARKDOWN = """## What there is

Some **bold** and *slanted* words with `code`, and a list:

1. the first point, which is long enough to be folded on a screen of a hundred columns or fewer than that
2. the second, with ~~struck~~ words and 日本語
   - one below it

| name | value | note |
|------|------:|------|
| one  |     1 | short |
| two  |    22 | a little longer |

```python
def greet(name: str) -> str:
    return f"hello {name}"  # a comment
```

> quoted, and done.
"""
CODE = "```python\n" + "\n".join(f"value_{i} = compute({i}, 'text')  # number {i}" for i in range(40)) + "\n```\n"
LINES = 5_000
LONG = "\n".join(
    f"Line {i} of a *long* answer with `words` in it." if i % 10 else f"\n## Part {i}\n" for i in range(LINES)
)
FENCE = "```python\n" + "\n".join(f"x{i} = compute({i})  # value {i}" for i in range(LINES)) + "\n```\n"
CALLS: dict[str, tuple[str, dict[str, Any]]] = {  # Any: arguments as tools take them
    "shell": ("shell", {"command": "echo hello; ls"}),
    "output": ("shell", {"command": f"seq 1 {LINES}"}),
    "read": ("read", {"path": "notes.txt"}),
    "write": ("write", {"path": "made.txt", "content": "one\ntwo\nthree\n"}),
}
_TEXTS = {"markdown": MARKDOWN, "code": CODE, "long": LONG, "fence": FENCE, "stream": MARKDOWN * 6}


@dataclass(frozen=True, slots=True)
class Answer:
    """Deltas, and the seconds between two of them."""

    deltas: tuple[dict[str, Any], ...]  # Any: JSON
    pause_s: float = 0.0
    reason: str = "stop"


def answer_to(body: bytes) -> tuple[int, Answer]:
    """(the number of the last message, how it is answered); a summary is a short text."""
    messages = json.loads(body)["messages"]
    number, kind, is_result = 0, "short", False
    for message in reversed(messages):
        is_result = is_result or message["role"] == "tool"
        if message["role"] == "user" and (found := _NUMBERED.findall(_text_of(message["content"]))):
            number, kind = int(found[-1][0]), found[-1][1]
            break
    if messages[-1]["role"] == "user" and not _NUMBERED.search(_text_of(messages[-1]["content"])):
        return 0, Answer(({"content": "What was said so far, in short."},))
    if kind in CALLS and not is_result:
        name, arguments = CALLS[kind]
        call = {"name": name, "arguments": json.dumps(arguments)}
        entry = {"index": 0, "id": f"call_{number}", "type": "function", "function": call}
        return number, Answer(({"content": "I look. "}, {"tool_calls": [entry]}), reason="tool_calls")
    if kind == "think":
        thought = tuple({"reasoning_content": f"Step {i}: this is thought about at some length. "} for i in range(20))
        return number, Answer((*thought, {"content": "The answer is 42."}))
    text = _TEXTS.get(kind, f"A short answer to number {number}.")
    if kind == "stream":
        return number, Answer(tuple(_pieces(text, _BYTES_PER_TOKEN)), 1 / TOKENS_PER_S)
    return number, Answer(tuple(_pieces(text, 200)))


def _text_of(content: Any) -> str:  # Any: as the format allows
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content or ())


def _pieces(text: str, size: int) -> Iterator[dict[str, Any]]:  # Any: JSON
    return ({"content": text[start : start + size]} for start in range(0, len(text), size))


class Service:
    """Listens on loopback. `answered` is the number of the last message whose last answer is out."""

    def __init__(self) -> None:
        self.answered = 0
        self.summaries = 0
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

    def _note(self, number: int, answer: Answer) -> None:
        if not number:
            self.summaries += 1
        elif answer.reason == "stop":
            self.answered = max(self.answered, number)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self.send_error(404)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                number, answer = answer_to(body)
                events = _events(answer, len(body) // _BYTES_PER_TOKEN)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Content-Length", str(sum(map(len, events))))
                self.end_headers()
                for event in events if answer.pause_s else [b"".join(events)]:
                    self.wfile.write(event)
                    time.sleep(answer.pause_s)
                service._note(number, answer)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _events(answer: Answer, prompt_tokens: int) -> list[bytes]:
    count = sum(len(json.dumps(delta)) for delta in answer.deltas) // _BYTES_PER_TOKEN
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": count, "total_tokens": prompt_tokens + count}
    pieces = [
        *({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in answer.deltas),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": answer.reason}]},
        {"choices": [], "usage": usage},
    ]
    lines = [json.dumps({"id": "c", "object": "chat.completion.chunk", "model": MODEL, **piece}) for piece in pieces]
    return [f"data: {line}\n\n".encode() for line in (*lines, "[DONE]")]
