"""Ollama's native API."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fakes.auto import Asked, Tool
from tests.fakes.base import Chat, Event, Fake, Invalid, Problem
from tests.fakes.reply import Failure, Reply, pieces
from tests.fakes.requests import bearer, decode, is_base64
from tests.fakes.server import Exchange, encode
from tests.fakes.spelling import as_object

VERSION = "0.13.5"
CREATED = "2026-11-22T10:00:00.123456789Z"
DONE = {"end": "stop", "tool_calls": "stop", "length": "length", "stop_sequence": "stop", "refused": "stop"}
DEFAULT_CONTEXT = 4096
INTEGER_OPTIONS = ("num_ctx", "num_predict", "num_gpu", "num_batch", "num_thread", "seed", "top_k", "num_keep")


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model on the server's disk. `num_ctx` None means that its Modelfile sets none."""

    capabilities: tuple[str, ...] = ("completion", "tools", "thinking", "vision")
    trained_context: int = 131_072
    num_ctx: int | None = None
    size_bytes: int = 4_683_087_332


class FakeOllama(Fake):
    """`/api/chat`, `/api/generate`, `/api/tags`, `/api/show`, `/api/ps`, `/api/version`.

    Asks for no key unless `key` is given (Ollama's cloud). `pulled` says what each model can do; `loaded` maps the
    models that answered to the context they were loaded with.
    """

    models = ("qwen3:8b", "llama3.2:latest", "qwen2.5-coder:7b")
    content_type = "application/x-ndjson"
    keep_alive = b""

    def __init__(self, *, key: str | None = None, models: Any = None, port: int = 0) -> None:
        self.loaded: dict[str, int] = {}
        self.pulled: dict[str, Pulled] = {name: Pulled() for name in (self.models if models is None else models)}
        super().__init__(key=key, models=models, port=port)

    def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        try:
            if self.key is not None and bearer(request) != self.key:
                raise Invalid("unauthorized", kind="auth")
            match (request.method, request.path):
                case ("GET" | "HEAD", "/"):
                    exchange.send(200, b"Ollama is running", "text/plain; charset=utf-8")
                case ("GET", "/api/version"):
                    exchange.send_json(200, {"version": VERSION})
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
            return {**self._base(chat), "response": reply.text, **fields, **_final(reply)}
        message = {"role": "assistant", "content": reply.text, **fields}
        if reply.tool_calls:
            message["tool_calls"] = [self._call(index, *call) for index, call in enumerate(reply.tool_calls)]
        return {**self._base(chat), "message": message, **_final(reply)}

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
        yield Event("finish", line("", {}, _final(reply)))

    def _generate(self, exchange: Exchange) -> None:
        chat = self._chat(exchange)
        options = chat.body.get("options") or {}
        fact = self.pulled[chat.model]
        self.loaded[chat.model] = options.get("num_ctx") or fact.num_ctx or DEFAULT_CONTEXT
        if not chat.body.get("messages") and not chat.body.get("prompt"):
            empty = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "load"}
            exchange.send_json(200, {**self._base(chat), **empty})
            return
        self.answer(exchange, chat)

    def _chat(self, exchange: Exchange) -> Chat:
        body = decode(exchange.request, "invalid character in request body")
        model = self._known(body.get("model"))
        check(body, model, self.pulled[model])
        return Chat(model, body.get("stream") is not False, to_asked(body, self.pulled[model]), body)

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
        return {
            "name": name,
            "model": name,
            "modified_at": CREATED,
            "size": self.pulled[name].size_bytes,
            "digest": "a" * 64,
            "details": _DETAILS,
        }

    def _running(self, name: str) -> dict[str, Any]:
        tag = self._tag(name)
        return {**tag, "expires_at": CREATED, "size_vram": 0, "context_length": self.loaded[name]}

    def _show(self, exchange: Exchange) -> dict[str, Any]:
        body = decode(exchange.request, "invalid character in request body")
        fact = self.pulled[self._known(body.get("model") or body.get("name"))]
        parameters = 'stop                           "<|im_end|>"'
        if fact.num_ctx is not None:
            parameters += f"\nnum_ctx                        {fact.num_ctx}"
        return {
            "license": "Apache-2.0",
            "modelfile": "FROM fake",
            "parameters": parameters,
            "template": "{{ .Prompt }}",
            "details": _DETAILS,
            "model_info": {"general.architecture": "qwen3", "qwen3.context_length": fact.trained_context},
            "capabilities": list(fact.capabilities),
            "modified_at": CREATED,
        }


def check(body: dict[str, Any], model: str, fact: Pulled) -> None:
    """Raise `Invalid` for a request that the server would answer with 400."""
    for name, value in (body.get("options") or {}).items():
        if name in INTEGER_OPTIONS and not isinstance(value, int):
            raise Invalid(f'option "{name}" must be of type integer')
        if name in {"temperature", "top_p"} and not isinstance(value, int | float):
            raise Invalid(f'option "{name}" must be of type float32')
    form = body.get("format")
    if form not in (None, "", "json") and not isinstance(form, dict):
        raise Invalid(f'invalid format: "{form}"; expected "json" or a valid JSON Schema object')
    if body.get("think") and "thinking" not in fact.capabilities:
        raise Invalid(f'"{model}" does not support thinking')
    if body.get("tools") and "tools" not in fact.capabilities:
        raise Invalid(f"registry.ollama.ai/library/{model} does not support tools")
    for tool in body.get("tools") or ():
        if not isinstance((tool.get("function") or {}).get("name"), str):
            raise Invalid("json: cannot unmarshal tools into Go struct field ChatRequest.tools")
    for message in body.get("messages") or ():
        _check_message(message, fact)


def to_asked(body: dict[str, Any], fact: Pulled) -> Asked:
    """What a chat or generate request asks for."""
    messages = body.get("messages") or [{"role": "user", "content": body.get("prompt", "")}]
    users = [message for message in messages if message["role"] == "user"]
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, message.get("content", ""))
    form = body.get("format")
    options = body.get("options") or {}
    limit = options.get("num_predict")
    return Asked(
        prompt=users[-1].get("content", "") if users else "",
        results=results,
        tools=[
            Tool(tool["function"]["name"], tool["function"].get("parameters") or {}) for tool in body.get("tools") or ()
        ],
        schema={} if form == "json" else form or None,
        max_tokens=limit if isinstance(limit, int) and limit > 0 else None,
        images=len(users[-1].get("images") or ()) if users else 0,
        all_text="".join(message.get("content", "") for message in messages),
        thinking=bool(body.get("think")) and "thinking" in fact.capabilities,
        stops=options.get("stop") or (),
    )


def _check_message(message: dict[str, Any], fact: Pulled) -> None:
    if message.get("role") not in {"system", "user", "assistant", "tool"}:
        raise Invalid(f'invalid role: {message.get("role")}, must be one of ["system", "user", "assistant", "tool"]')
    if not isinstance(message.get("content", ""), str):
        kind = "array" if isinstance(message["content"], list) else "object"
        raise Invalid(f"json: cannot unmarshal {kind} into Go struct field ChatRequest.messages.content of type string")
    for image in message.get("images") or ():
        if not is_base64(image):
            raise Invalid("illegal base64 data at input byte 0")
        if "vision" not in fact.capabilities:
            raise Invalid("this model is missing data required for image input")
    for call in message.get("tool_calls") or ():
        if not isinstance((call.get("function") or {}).get("arguments"), dict):
            raise Invalid(
                "json: cannot unmarshal string into Go struct field ChatRequest.messages.tool_calls.function.arguments "
                "of type map[string]interface {}"
            )


def _final(reply: Reply) -> dict[str, Any]:
    counts = {"total_duration": 5_000_000_000, "load_duration": 1_000_000, "prompt_eval_duration": 1_000_000}
    if reply.usage is not None:
        counts |= {"prompt_eval_count": reply.usage.input, "eval_count": reply.usage.output}
    return {"done": True, "done_reason": DONE[reply.stop_reason], **counts, "eval_duration": 1_000_000}


_DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "qwen3",
    "families": ["qwen3"],
    "parameter_size": "8.2B",
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
