"""Ollama's native API."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fakes.base import Chat, Event, Fake, Invalid, Problem
from tests.fakes.ollama_rules import METADATA, Pulled, check, pulled, to_asked
from tests.fakes.ollama_window import Count, Prompt, Window, count_bytes, seconds
from tests.fakes.reply import Failure, Reply, pieces
from tests.fakes.requests import bearer, decode
from tests.fakes.server import Exchange, encode
from tests.fakes.spelling import as_object

__all__ = ["FakeOllama", "Pulled"]

VERSION = "0.13.5"
CREATED = "2026-11-22T10:00:00.123456789Z"
DONE = {"end": "stop", "tool_calls": "stop", "length": "length", "stop_sequence": "stop", "refused": "stop"}
KEEP_ALIVE_S = 300.0
KNOWS_TRUNCATE, HALVES, COUNTS_CACHE = (0, 12, 6), (0, 30), (0, 33)
LAUNCH_OPTIONS = ("num_batch", "num_gpu", "main_gpu", "num_thread", "use_mmap", "use_mlock", "numa")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How this server differs from a usual one.

    `version` decides what it knows and how it cuts. `context_length` is its OLLAMA_CONTEXT_LENGTH. `serves` is a window
    that it takes for every model, whatever is asked for; `hides`: /api/ps says nothing of it. `keeps_truncating`: it
    cuts although it was told not to. `counts`: what a prompt has is reported, not what the script says. `odd`: numbers
    come as text, NaN or nonsense.
    """

    version: str = VERSION
    context_length: int = 4_096
    serves: int | None = None
    hides: bool = False
    keeps_truncating: bool = False
    counts: bool = False
    drops_thinking: bool = True
    odd: bool = False
    count: Count = count_bytes

    def knows(self, since: tuple[int, ...]) -> bool:
        """Whether it is of version `since` or newer."""
        return tuple(int(part) for part in self.version.split(".")) >= since


@dataclass(frozen=True, slots=True)
class InMemory:
    """A loaded model: its window, what else it was started with, and when it goes."""

    num_ctx: int
    launched_with: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class OllamaChat(Chat):
    """A chat request and what the model reads of it."""

    prompt: Prompt


class FakeOllama(Fake):
    """`/api/chat`, `/api/generate`, `/api/tags`, `/api/show`, `/api/ps`, `/api/version`.

    Asks for no key unless `key` is given (Ollama's cloud). `pulled` says what each model can do, `memory` what is
    loaded. `loads` counts loading, `reloads` those of it that replaced the same model; `prompts` is what was read.
    """

    models = ("qwen3:8b", "llama3.2:latest", "qwen2.5-coder:7b")
    content_type = "application/x-ndjson"
    keep_alive = b""

    def __init__(
        self, *, key: str | None = None, models: Any = None, port: int = 0, behaviour: Behaviour | None = None
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.memory: dict[str, InMemory] = {}
        self.loads = self.reloads = 0
        self.prompts: list[Prompt] = []
        self.pulled: dict[str, Pulled] = {name: pulled(name) for name in (self.models if models is None else models)}
        super().__init__(key=key, models=models, port=port)

    @property
    def loaded(self) -> dict[str, int]:
        """The window of each model in memory."""
        now = time.monotonic()
        return {name: one.num_ctx for name, one in self.memory.items() if one.expires_at > now}

    def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        try:
            if self.key is not None and bearer(request) != self.key:
                raise Invalid("unauthorized", kind="auth")
            match (request.method, request.path):
                case ("GET" | "HEAD", "/"):
                    exchange.send(200, b"Ollama is running", "text/plain; charset=utf-8")
                case ("GET", "/api/version"):
                    exchange.send_json(200, {"version": self.behaviour.version})
                case ("GET", "/api/tags"):
                    exchange.send_json(200, {"models": [self._tag(name) for name in self.pulled]})
                case ("GET", "/api/ps"):
                    exchange.send_json(200, {"models": [self._running(name) for name in self.loaded]})
                case ("POST", "/api/show"):
                    exchange.send_json(200, self._show(exchange))
                case ("POST", "/api/chat" | "/api/generate"):
                    self._generate(exchange)
                case _:
                    exchange.send(404, b"404 page not found", "text/plain")
        except Invalid as exc:
            status = {"auth": 401, "unknown_model": 404}.get(exc.kind, 400)
            exchange.send_json(status, {"error": exc.message})

    def problem(self, failure: Failure) -> Problem:
        status, message = _PROBLEMS[failure.kind]
        headers = {} if failure.retry_after_s is None else {"retry-after": f"{failure.retry_after_s:g}"}
        return Problem(failure.status or status, {"error": failure.message or message}, headers)

    def error_event(self, failure: Failure) -> bytes:
        return encode(self.problem(failure).body) + b"\n"

    def whole(self, chat: Chat, reply: Reply) -> Any:
        fields = {"thinking": reply.thinking} if self._shows_thinking(chat, reply) else {}
        if "prompt" in chat.body:
            return {**self._base(chat), "response": reply.text, **fields, **self._final(chat, reply)}
        message = {"role": "assistant", "content": reply.text, **fields}
        if reply.tool_calls:
            message["tool_calls"] = [self._call(index, *call) for index, call in enumerate(reply.tool_calls)]
        return {**self._base(chat), "message": message, **self._final(chat, reply)}

    def events(self, chat: Chat, reply: Reply) -> list[Event]:
        return list(self._events(chat, reply))

    def _events(self, chat: Chat, reply: Reply) -> Iterator[Event]:
        def line(content: str, extra: dict[str, Any], final: dict[str, Any] | None = None) -> bytes:
            if "prompt" in chat.body:
                said: dict[str, Any] = {"response": content, **extra}
            else:
                said = {"message": {"role": "assistant", "content": content, **extra}}
            return encode({**self._base(chat), **said, **(final or {"done": False})}) + b"\n"

        if self._shows_thinking(chat, reply):
            for part in pieces(reply.thinking, reply.piece_chars):
                yield Event("thinking", line("", {"thinking": part}))
        for part in pieces(reply.text, reply.piece_chars):
            yield Event("text", line(part, {}))
        for index, call in enumerate(reply.tool_calls):
            yield Event("arguments", line("", {"tool_calls": [self._call(index, *call)]}))
        yield Event("finish", line("", {}, self._final(chat, reply)))

    def _generate(self, exchange: Exchange) -> None:
        body = decode(exchange.request, "invalid character in request body")
        model = self._known(body.get("model"))
        fact = self.pulled[model]
        check(body, model, fact)
        size = self._load(model, body)
        messages = body.get("messages") or ([{"role": "user", "content": body["prompt"]}] if body.get("prompt") else [])
        if not messages:
            empty = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "load"}
            exchange.send_json(200, {"model": body["model"], "created_at": CREATED, **empty})
            return
        prompt = self._read(body, messages, size)
        self.prompts.append(prompt)
        seen: dict[str, Any] = {**body, "messages": list(prompt.messages)} if body.get("messages") else body
        asked = to_asked(seen if prompt.has_front else {**seen, "tools": []}, fact)
        self.answer(exchange, OllamaChat(model, body.get("stream") is not False, asked, body, prompt))

    def _load(self, model: str, body: dict[str, Any]) -> int:
        """Load the model if it is not loaded in just this way; gives its window."""
        options, fact, how = body.get("options") or {}, self.pulled[model], self.behaviour
        wanted = options.get("num_ctx") or fact.num_ctx or how.context_length
        size = how.serves or min(wanted, fact.trained_context)
        launch = {name: options.get(name) for name in LAUNCH_OPTIONS}
        if how.knows(HALVES):
            launch["shift"] = body.get("shift") is not False
        launched_with = json.dumps(launch, sort_keys=True)
        stays_s = KEEP_ALIVE_S if body.get("keep_alive") is None else seconds(body["keep_alive"])
        before = self.memory.get(model) if model in self.loaded else None
        if before is None or (before.num_ctx, before.launched_with) != (size, launched_with):
            self.loads += 1
            self.reloads += before is not None
        self.memory[model] = InMemory(size, launched_with, time.monotonic() + stays_s)
        return size

    def _read(self, body: dict[str, Any], messages: list[dict[str, Any]], size: int) -> Prompt:
        how = self.behaviour
        window = Window(size, how.knows(HALVES), how.drops_thinking, how.count)
        tools = body.get("tools") or []
        prompt = window.read(messages, tools)
        if not prompt.is_cut or not how.knows(KNOWS_TRUNCATE) or how.keeps_truncating:
            return prompt
        if body.get("truncate") is False:
            raise Invalid(_too_long(prompt.sent, size) if how.knows(HALVES) else _PROBLEMS["context"][1])
        if not prompt.has_front and body.get("shift") is False and how.knows(HALVES):
            raise Invalid("the prompt is longer than the context length currently available to the model")
        return prompt

    def _final(self, chat: Chat, reply: Reply) -> dict[str, Any]:
        counts = {"total_duration": 5_000_000_000, "load_duration": 1_000_000, "prompt_eval_duration": 1_000_000}
        if reply.usage is not None:
            assert isinstance(chat, OllamaChat)
            is_counted = self.behaviour.counts or chat.prompt.is_cut
            counts |= {"prompt_eval_count": chat.prompt.tokens if is_counted else reply.usage.input}
            counts |= {"eval_count": reply.usage.output, "eval_duration": 1_000_000}
            if self.behaviour.knows(COUNTS_CACHE):
                counts["prompt_eval_cached_count"] = reply.usage.cached
        return {"done": True, "done_reason": DONE[reply.stop_reason], **counts}

    def _known(self, model: Any) -> str:
        if not isinstance(model, str) or not model:
            raise Invalid("model is required")
        full = model if ":" in model else f"{model}:latest"
        for name in self.pulled:
            if name in {model, full}:
                return name
        raise Invalid(f"model '{model}' not found", kind="unknown_model")

    def _shows_thinking(self, chat: Chat, reply: Reply) -> bool:
        return bool(reply.thinking) and chat.body.get("think") is not False

    def _base(self, chat: Chat) -> dict[str, Any]:
        return {"model": chat.body["model"], "created_at": CREATED}

    def _call(self, index: int, name: str, args: dict[str, Any] | str) -> dict[str, Any]:
        return {"id": self.next_id("call_"), "function": {"index": index, "name": name, "arguments": as_object(args)}}

    def _tag(self, name: str) -> dict[str, Any]:
        fact = self.pulled[name]
        remote = {"remote_model": name, "remote_host": "https://ollama.com:443"} if fact.is_remote else {}
        return {
            "name": name,
            "model": name,
            "modified_at": CREATED,
            "size": str(fact.size_bytes) if self.behaviour.odd else fact.size_bytes,
            "digest": None if self.behaviour.odd else fact.digest,
            "details": "none" if self.behaviour.odd else _details(fact),
            **remote,
        }

    def _running(self, name: str) -> dict[str, Any]:
        fact, size = self.pulled[name], self.loaded[name]
        window: dict[str, Any] = {} if self.behaviour.hides else {"context_length": size}
        if self.behaviour.odd:
            window = {"context_length": float("nan")}
        return {**self._tag(name), "expires_at": CREATED, "size_vram": fact.vram_bytes, **window}

    def _show(self, exchange: Exchange) -> dict[str, Any]:
        body = decode(exchange.request, "invalid character in request body")
        name = self._known(body.get("model") or body.get("name"))
        fact = self.pulled[name]
        parameters = 'stop                           "<|im_end|>"'
        if fact.num_ctx is not None:
            parameters += f"\nnum_ctx                        {fact.num_ctx}"
        metadata: dict[str, Any] = {**METADATA, "context_length": fact.trained_context}
        if self.behaviour.odd:
            metadata = dict.fromkeys(metadata, "NaN") | {"context_length": -1, "attention.head_count_kv": [None, "x"]}
        remote = {"remote_model": name, "remote_host": "https://ollama.com:443"} if fact.is_remote else {}
        return {
            "license": "Apache-2.0",
            "modelfile": "FROM fake",
            "parameters": parameters,
            "template": "{{ .Prompt }}",
            "details": _details(fact),
            "model_info": {
                "general.architecture": "qwen3",
                "general.parameter_count": fact.parameters,
                **{f"qwen3.{key}": value for key, value in metadata.items()},
            },
            "capabilities": list(fact.capabilities),
            "modified_at": CREATED,
            **remote,
        }


def _too_long(tokens: int, size: int) -> str:
    """llama.cpp's error, which Ollama passes on as text since 0.30."""
    text = f"request ({tokens} tokens) exceeds the available context size ({size} tokens), try increasing it"
    facts = {
        "code": 400,
        "message": text,
        "type": "exceed_context_size_error",
        "n_prompt_tokens": tokens,
        "n_ctx": size,
    }
    return json.dumps({"error": facts}, separators=(",", ":"))


def _details(fact: Pulled) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "qwen3",
        "families": ["qwen3"],
        "parameter_size": fact.parameter_size,
        "quantization_level": "Q4_K_M",
    }


_PROBLEMS = {
    "auth": (401, "unauthorized"),
    "permission": (403, "forbidden"),
    "unknown_model": (404, "model 'unknown' not found"),
    "rate_limit": (429, "you have reached your hourly usage limit, please try again later"),
    "quota": (402, "you have reached your weekly usage limit, upgrade to continue"),
    "overloaded": (503, "server busy, please try again.  maximum pending requests exceeded"),
    "server": (500, "model runner has unexpectedly stopped, this may be due to resource limitations"),
    "context": (400, "the input length exceeds the context length"),
    "bad_request": (400, "invalid request"),
}
