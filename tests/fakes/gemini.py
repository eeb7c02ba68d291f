"""Google's Gemini API."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from tests.fakes.auto import Asked, Tool, tokens
from tests.fakes.base import Chat, Event, Fake, Invalid, Problem, sse
from tests.fakes.gemini_rules import check, pick, text_of
from tests.fakes.reply import Failure, Reply, pieces
from tests.fakes.requests import decode
from tests.fakes.server import Exchange
from tests.fakes.spelling import as_object, spell

FINISH = {"end": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "stop_sequence": "STOP", "refused": "SAFETY"}
PREFIX = "/v1beta/models"


class FakeGemini(Fake):
    """`models/X:generateContent`, `:streamGenerateContent?alt=sse`, `:countTokens` and `models`, under `/v1beta`.

    Thoughts are shown only when the request asks for them. Function calls carry a thought signature, which models
    from Gemini 3 on want back.
    """

    models = (
        "gemini-2.5-flash",
        "gemini-3-pro-preview",
        "gemini-3.1-pro-preview",
        "gemini-3.6-flash",
        "gemini-3.8-flash",
    )

    def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        try:
            self._check_key(request.headers.get("x-goog-api-key") or request.query.get("key"))
            if request.method == "GET" and request.path == PREFIX:
                exchange.send_json(200, {"models": [_model(name) for name in self.models if name != "*"]})
                return
            if not request.path.startswith(PREFIX + "/"):
                exchange.send(404, b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", "text/html")
                return
            name, _, method = request.path.removeprefix(PREFIX + "/").partition(":")
            self._route(exchange, name, method)
        except Invalid as exc:
            status, code = {
                "unregistered": (403, "PERMISSION_DENIED"),
                "unknown_model": (404, "NOT_FOUND"),
            }.get(exc.kind, (400, "INVALID_ARGUMENT"))
            details = [_key_detail()] if exc.kind == "auth" else []
            exchange.send_json(status, _error(status, exc.message, code, details))

    def problem(self, failure: Failure) -> Problem:
        status, code, message = _PROBLEMS[failure.kind]
        details: list[dict[str, Any]] = []
        if failure.kind == "auth":
            details.append(_key_detail())
        if failure.retry_after_s is not None:
            delay = f"{failure.retry_after_s:g}s"
            details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
        status = failure.status or status
        return Problem(status, _error(status, failure.message or message, code, details), {})

    def error_event(self, failure: Failure) -> bytes:
        return sse(self.problem(failure).body)

    def whole(self, chat: Chat, reply: Reply) -> Any:
        parts: list[dict[str, Any]] = []
        if reply.thinking and _wants_thoughts(chat):
            parts.append({"text": reply.thinking, "thought": True})
        if reply.text:
            parts.append({"text": reply.text})
        parts += [self._call(index, *call) for index, call in enumerate(reply.tool_calls)]
        return self._response(chat, parts, reply, FINISH[reply.stop_reason])

    def events(self, chat: Chat, reply: Reply) -> list[Event]:
        return list(self._events(chat, reply))

    def _events(self, chat: Chat, reply: Reply) -> Iterator[Event]:
        if reply.thinking and _wants_thoughts(chat):
            for part in pieces(reply.thinking, reply.piece_chars):
                yield Event("thinking", sse(self._response(chat, [{"text": part, "thought": True}], reply)))
        for part in pieces(reply.text, reply.piece_chars):
            yield Event("text", sse(self._response(chat, [{"text": part}], reply)))
        for index, call in enumerate(reply.tool_calls):
            yield Event("arguments", sse(self._response(chat, [self._call(index, *call)], reply)))
        yield Event("finish", sse(self._response(chat, [{"text": ""}], reply, FINISH[reply.stop_reason])))

    def _route(self, exchange: Exchange, name: str, method: str) -> None:
        request = exchange.request
        if not self.has(name):
            text = (
                f"models/{name} is not found for API version v1beta, or is not supported for {method or 'get'}. "
                "Call ListModels to see the list of available models and their supported methods."
            )
            raise Invalid(text, kind="unknown_model")
        if request.method == "GET" and not method:
            exchange.send_json(200, _model(name))
            return
        body = decode(request, "Invalid JSON payload received. Unexpected token.")
        if method == "countTokens":
            exchange.send_json(200, {"totalTokens": tokens(str(body.get("contents")))})
            return
        if method not in {"generateContent", "streamGenerateContent"}:
            raise Invalid(f"Unknown method {method}", kind="unknown_model")
        check(body, name)
        stream = method == "streamGenerateContent"
        if stream and request.query.get("alt") != "sse":
            raise Invalid("This fake streams server-sent events only: add alt=sse.")
        self.answer(exchange, Chat(name, stream, to_asked(body), body))

    def _check_key(self, key: str | None) -> None:
        if self.key is None or key == self.key:
            return
        if key:
            raise Invalid("API key not valid. Please pass a valid API key.", kind="auth")
        text = "Method doesn't allow unregistered callers (callers without established identity)."
        raise Invalid(text + " Please use API Key or other form of API consumer identity.", kind="unregistered")

    def _call(self, index: int, name: str, args: dict[str, Any] | str) -> dict[str, Any]:
        part: dict[str, Any] = {"functionCall": {"name": name, "args": as_object(args)}}
        if index == 0:  # the service signs the first call of a step
            part["thoughtSignature"] = signature(name, args)
        return part

    def _response(
        self, chat: Chat, parts: list[dict[str, Any]], reply: Reply, finish: str | None = None
    ) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if finish is not None:
            candidate["finishReason"] = finish
        value = {"candidates": [candidate], "modelVersion": chat.model, "responseId": "fake-response"}
        if reply.usage is not None:
            value["usageMetadata"] = _usage(reply, done=finish is not None)
        return value


def signature(name: str, args: dict[str, Any] | str) -> str:
    """The opaque proof that comes with a call."""
    return base64.b64encode(hashlib.sha256(f"{name}{spell(args)}".encode()).digest()).decode()


def to_asked(body: dict[str, Any]) -> Asked:
    """What a generateContent request asks for."""
    contents = body["contents"]
    users = [turn for turn in contents if turn.get("role", "user") == "user" and text_of(turn)]
    results = [
        pick(part, "functionResponse")["response"] for part in contents[-1]["parts"] if pick(part, "functionResponse")
    ]
    tools = [
        Tool(spec["name"], pick(spec, "parametersJsonSchema") or spec.get("parameters") or {})
        for tool in body.get("tools") or ()
        for spec in pick(tool, "functionDeclarations") or ()
    ]
    calling = pick(pick(body, "toolConfig") or {}, "functionCallingConfig") or {}
    allowed = pick(calling, "allowedFunctionNames") or []
    choice = {"ANY": allowed[0] if len(allowed) == 1 else "required", "NONE": "none"}.get(
        calling.get("mode", ""), "auto"
    )
    config = pick(body, "generationConfig") or {}
    wants_json = pick(config, "responseMimeType") == "application/json"
    schema = pick(config, "responseJsonSchema") or pick(config, "responseSchema") or {}
    return Asked(
        prompt=text_of(users[-1]) if users else "",
        results=[str(result.get("output") or result.get("result") or result) for result in results],
        tools=tools,
        tool_choice=choice,
        schema=schema if wants_json else None,
        max_tokens=pick(config, "maxOutputTokens"),
        images=sum(1 for part in contents[-1]["parts"] if pick(part, "inlineData")),
        all_text=text_of(pick(body, "systemInstruction") or {}) + "".join(text_of(turn) for turn in contents),
        thinking=bool(pick(pick(config, "thinkingConfig") or {}, "includeThoughts")),
        stops=pick(config, "stopSequences") or (),
    )


def _wants_thoughts(chat: Chat) -> bool:
    config = pick(chat.body, "generationConfig") or {}
    return bool(pick(pick(config, "thinkingConfig") or {}, "includeThoughts"))


def _usage(reply: Reply, *, done: bool) -> dict[str, Any]:
    assert reply.usage is not None
    counts = {"promptTokenCount": reply.usage.input, "totalTokenCount": reply.usage.input}
    if reply.usage.cached:
        counts["cachedContentTokenCount"] = reply.usage.cached
    if done:
        counts["candidatesTokenCount"] = reply.usage.output
        counts["totalTokenCount"] += reply.usage.output
    return counts


def _model(name: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "description": "fake",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
    }


def _error(status: int, message: str, code: str, details: list[dict[str, Any]]) -> dict[str, Any]:
    error: dict[str, Any] = {"code": status, "message": message, "status": code}
    if details:
        error["details"] = details
    return {"error": error}


def _key_detail() -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }


_PROBLEMS = {
    "auth": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "permission": (403, "PERMISSION_DENIED", "Your API key was reported as leaked. Please use another API key."),
    "unknown_model": (404, "NOT_FOUND", "models/unknown is not found for API version v1beta."),
    "rate_limit": (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    "quota": (
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "server": (500, "INTERNAL", "An internal error has occurred. Please retry."),
    "context": (
        400,
        "INVALID_ARGUMENT",
        "The input token count (1200013) exceeds the maximum number of tokens allowed (1048576).",
    ),
    "bad_request": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
}
