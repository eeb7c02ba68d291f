"""MiniMax's OpenAI-compatible endpoint."""

from collections.abc import Iterator
from typing import Any

from tests.fakes.base import Chat, Invalid, Problem
from tests.fakes.openai import FakeOpenAI
from tests.fakes.reply import Failure, Reply, pieces


class FakeMiniMax(FakeOpenAI):
    """OpenAI's chat completions with MiniMax's ways.

    Thinking is `<think>` text inside the content, or `reasoning_details` when the request says `reasoning_split`.
    The streamed details are pieces, as the service was seen to send them; its documentation reads as if each held the
    whole text so far, which `cumulative` imitates. Errors have MiniMax's own shape; the temperature must be above 0.
    """

    models = ("MiniMax-M2", "MiniMax-M2.1", "MiniMax-M2.5", "MiniMax-M2.7", "MiniMax-M3")
    reasoning = "think_tags"
    lenient = True
    cumulative = False

    def refusal(self, exc: Invalid) -> Problem:
        if exc.kind == "auth":
            return self._error(401, "authorized_error", "login fail: invalid api key (1004)")
        if exc.kind == "unknown_model":
            return self._error(400, "bad_request_error", f"invalid params, {exc.message} (2013)")
        return self._error(404 if exc.kind == "not_found" else 400, "bad_request_error", exc.message + " (2013)")

    def problem(self, failure: Failure) -> Problem:
        status, kind, message = _PROBLEMS[failure.kind]
        problem = self._error(failure.status or status, kind, failure.message or message)
        if failure.retry_after_s is not None:
            problem.headers["retry-after"] = f"{failure.retry_after_s:g}"
        return problem

    def check(self, body: dict[str, Any]) -> None:
        super().check(body)
        temperature = body.get("temperature")
        if temperature is not None and not 0 < temperature <= 1:
            raise Invalid("invalid params, temperature must be in (0.0, 1.0]")
        if any(message["role"] == "system" for message in body["messages"][1:]):
            raise Invalid("invalid params, invalid chat setting")

    def whole(self, chat: Chat, reply: Reply) -> Any:
        return {**super().whole(chat, reply), "base_resp": {"status_code": 0, "status_msg": ""}}

    def add_thinking(self, message: dict[str, Any], reply: Reply, chat: Chat) -> None:
        if chat.body.get("reasoning_split"):
            message["reasoning_content"] = reply.thinking
            message["reasoning_details"] = _details(reply.thinking)
        else:
            super().add_thinking(message, reply, chat)

    def thinking_deltas(self, chat: Chat, reply: Reply) -> Iterator[dict[str, Any]]:
        if not chat.body.get("reasoning_split"):
            yield from super().thinking_deltas(chat, reply)
            return
        so_far = ""
        for part in pieces(reply.thinking, reply.piece_chars):
            so_far += part
            yield {"reasoning_details": _details(so_far if self.cumulative else part)}

    def _error(self, status: int, kind: str, message: str) -> Problem:
        error = {"type": kind, "message": message, "http_code": str(status)}
        return Problem(status, {"type": "error", "error": error, "request_id": self.next_id("")}, {})


def _details(text: str) -> list[dict[str, Any]]:
    base = {"type": "reasoning.text", "id": "reasoning-text-1", "format": "MiniMax-response-v1", "index": 0}
    return [{**base, "text": text}]


_PROBLEMS = {
    "auth": (401, "authorized_error", "login fail: invalid api key (1004)"),
    "permission": (403, "authorized_error", "no permission to use this model (1043)"),
    "unknown_model": (400, "bad_request_error", "invalid params, unknown model (2013)"),
    "rate_limit": (429, "rate_limit_error", "rate limit exceeded (1002)"),
    "quota": (429, "insufficient_balance_error", "insufficient balance (1008)"),
    "overloaded": (529, "overloaded_error", "the service is busy, please try again later (2064)"),
    "server": (500, "server_error", "unknown error, 794 (1000)"),
    "context": (400, "bad_request_error", "invalid params, context window exceeds limit (2013)"),
    "bad_request": (400, "bad_request_error", "invalid params (2013)"),
}
