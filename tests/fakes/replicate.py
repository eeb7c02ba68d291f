"""Replicate's predictions API, for language models."""

import threading
from collections.abc import Iterator
from typing import Any

from tests.fakes.auto import Asked
from tests.fakes.base import Chat, Event, Fake, Invalid, Problem
from tests.fakes.reply import Failure, Item, Raw, Reply, pieces
from tests.fakes.requests import bearer, decode
from tests.fakes.server import Exchange, encode

CREATED = "2026-11-22T10:00:00.123456Z"
FINAL = ("succeeded", "failed", "canceled")


class FakeReplicate(Fake):
    """Predictions: create (for an official model or a version), get, cancel, and the stream of one.

    A scripted failure answers the create call; an `ErrorEvent` breaks the stream.
    """

    models = ("meta/meta-llama-3-70b-instruct", "meta/meta-llama-3-8b-instruct")
    content_type = "text/event-stream"

    def __init__(self, **options: Any) -> None:
        self._predictions: dict[str, tuple[Chat, Reply, dict[str, Any]]] = {}
        self._guard = threading.Lock()
        super().__init__(**options)

    @property
    def base_url(self) -> str:
        return self.url + "/v1"

    def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        try:
            self._check_token(bearer(request))
            match (request.method, request.path.split("/")[1:]):
                case ("POST", ["v1", "models", owner, name, "predictions"]):
                    self._create(exchange, f"{owner}/{name}")
                case ("POST", ["v1", "predictions"]):
                    body = decode(request, "The request body is not valid JSON.")
                    self._create(exchange, str(body.get("model") or body.get("version") or ""))
                case ("GET", ["v1", "predictions", ident]):
                    exchange.send_json(200, self._get(ident, advance=True))
                case ("POST", ["v1", "predictions", ident, "cancel"]):
                    self._predictions[ident][2]["status"] = "canceled"
                    exchange.send_json(200, self._get(ident))
                case ("GET", ["v1", "stream", ident]):
                    self._get(ident)
                    chat, reply, prediction = self._predictions[ident]
                    self._stream(exchange, chat, reply)
                    self._finish(reply, prediction)
                case ("GET", ["v1", "models"]):
                    names = [name.split("/") for name in self.models]
                    exchange.send_json(200, {"next": None, "results": [{"owner": o, "name": n} for o, n in names]})
                case _:
                    raise Invalid("The requested resource could not be found.", kind="not_found")
        except Invalid as exc:
            status, title = {
                "auth": (401, "Unauthenticated"),
                "not_found": (404, "Not found"),
                "input": (422, "Input validation failed"),
            }.get(exc.kind, (400, "Bad request"))
            exchange.send_json(status, {"title": title, "detail": exc.message, "status": status})

    def problem(self, failure: Failure) -> Problem:
        status, title, detail = _PROBLEMS[failure.kind]
        status = failure.status or status
        headers = {} if failure.retry_after_s is None else {"retry-after": f"{failure.retry_after_s:g}"}
        return Problem(status, {"title": title, "detail": failure.message or detail, "status": status}, headers)

    def error_event(self, failure: Failure) -> bytes:
        detail = encode({"detail": failure.message or "Prediction failed: out of memory"})
        return b"event: error\ndata: " + detail + b'\n\nevent: done\ndata: {"reason": "error"}\n\n'

    def events(self, chat: Chat, reply: Reply) -> list[Event]:
        return list(self._events(reply))

    def _events(self, reply: Reply) -> Iterator[Event]:
        for number, part in enumerate(pieces(reply.text, reply.piece_chars)):
            lines = "".join(f"data: {line}\n" for line in part.split("\n"))
            yield Event("text", f"event: output\nid: {number}\n{lines}\n".encode())
        yield Event("finish", b"event: done\ndata: {}\n\n")

    def _check_token(self, token: str) -> None:
        if self.key is not None and token != self.key:
            what = "a valid authentication token" if token else "an authentication token"
            raise Invalid(f"You did not pass {what}", kind="auth")

    def _create(self, exchange: Exchange, model: str) -> None:
        if not self.has(model):
            raise Invalid("The requested resource could not be found.", kind="not_found")
        body = decode(exchange.request, "The request body is not valid JSON.")
        prompt = (body.get("input") or {}).get("prompt")
        if not isinstance(prompt, str) or not prompt:
            raise Invalid("- input: prompt is required\n", kind="input")
        limit = body["input"].get("max_tokens") or body["input"].get("max_new_tokens")
        chat = Chat(model, bool(body.get("stream")), Asked(prompt, max_tokens=limit), body)
        item: Item = self._next_item(exchange.request, chat)
        if isinstance(item, Failure):
            problem = self.problem(item)
            exchange.send_json(problem.status, problem.body, {**problem.headers, **item.headers})
            return
        if isinstance(item, Raw):
            exchange.send(item.status, item.body, item.content_type, item.headers)
            return
        ident = self.next_id("pred")
        prediction = {
            "id": ident,
            "model": model,
            "version": "hidden",
            "input": body["input"],
            "logs": "",
            "error": None,
        }
        prediction |= {"status": "starting", "created_at": CREATED, "output": None, "metrics": {}}
        prediction["urls"] = {"get": f"{self.url}/v1/predictions/{ident}"}
        prediction["urls"]["cancel"] = prediction["urls"]["get"] + "/cancel"
        prediction["urls"]["stream"] = f"{self.url}/v1/stream/{ident}"
        with self._guard:
            self._predictions[ident] = (chat, item, prediction)
        if "wait" in exchange.request.headers.get("prefer", ""):
            exchange.pause(item.delay_s)
            self._finish(item, prediction)
        exchange.send_json(201, prediction)

    def _get(self, ident: str, *, advance: bool = False) -> dict[str, Any]:
        """The prediction; every look at it moves it on: starting, processing, succeeded."""
        if ident not in self._predictions:
            raise Invalid("The requested resource could not be found.", kind="not_found")
        _, reply, prediction = self._predictions[ident]
        if advance and prediction["status"] == "processing":
            self._finish(reply, prediction)
        elif advance and prediction["status"] == "starting":
            prediction["status"] = "processing"
        return prediction

    def _finish(self, reply: Reply, prediction: dict[str, Any]) -> None:
        if prediction["status"] in FINAL:
            return
        if reply.fault is not None:
            prediction |= {"status": "failed", "error": "Prediction failed: out of memory"}
            return
        prediction |= {"status": "succeeded", "output": pieces(reply.text, reply.piece_chars)}
        if reply.usage is not None:
            counts = {"input_token_count": reply.usage.input, "output_token_count": reply.usage.output}
            prediction["metrics"] = {"predict_time": 0.5, "total_time": 0.6, **counts}


_PROBLEMS = {
    "auth": (401, "Unauthenticated", "You did not pass a valid authentication token"),
    "permission": (403, "Forbidden", "You do not have permission to perform this action."),
    "unknown_model": (404, "Not found", "The requested resource could not be found."),
    "rate_limit": (429, "Too many requests", "Request was throttled. Expected available in 1 second."),
    "quota": (402, "Insufficient credit", "You have insufficient credit to run this model."),
    "overloaded": (503, "Service unavailable", "The service is temporarily unavailable."),
    "server": (500, "Internal server error", "Internal server error"),
    "context": (422, "Input validation failed", "Prompt length exceeds maximum input length of 8192 tokens"),
    "bad_request": (422, "Input validation failed", "- input: prompt is required\n"),
}
