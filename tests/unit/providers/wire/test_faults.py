import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from ally.egress.failures.faults import Faults, Hints
from ally.egress.failures.retry_after import find_retry_after_s
from ally.errors import (
    BadReply,
    BadRequest,
    ContextTooLong,
    Overloaded,
    ProviderError,
    RateLimited,
    RefusedKey,
    UnknownModel,
)
from ally.providers.wire.options import build_target

TARGET = build_target("acme", "acme-1", "https://api.acme.example/v1", api_key="sk-1", key_variable="ACME_KEY")
FAULTS = Faults(TARGET, Hints())


def fault(status: int, body: Any, **headers: str) -> ProviderError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return FAULTS.from_answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


OVERFLOWS = [
    (
        400,
        error(
            "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
            code="context_length_exceeded",
        ),
        8192,
    ),
    (400, error("Your input exceeds the context window of this model.", code="context_length_exceeded"), None),
    (
        400,
        {"type": "error", **error("prompt is too long: 213462 tokens > 200000 maximum", type="invalid_request_error")},
        200000,
    ),
    (400, error("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease"), 200000),
    (413, {"type": "error", **error("Request exceeds the maximum size", type="request_too_large")}, None),
    (
        400,
        error(
            "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).",
            code=400,
            status="INVALID_ARGUMENT",
        ),
        1048576,
    ),
    (400, {"error": "the input length exceeds the context length"}, None),
    (500, {"error": "prompt too long; exceeded max context length by 12 tokens"}, None),
    (400, error("the request exceeds the available context size", type="exceed_context_size_error", n_ctx=4096), 4096),
    (400, error("request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it"), 4096),
    (
        400,
        {"error": "Trying to keep the first 5000 tokens when context the overflows, with context length of only 4096"},
        4096,
    ),
    (
        413,
        error(
            "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 7000",
            type="tokens",
            code="rate_limit_exceeded",
        ),
        6000,
    ),
    (
        400,
        {
            "code": "invalid",
            "error": "This model's maximum prompt length is 131072 but the request contains 538145 tokens.",
        },
        131072,
    ),
    (
        400,
        {
            "object": "error",
            "message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
            "code": "3051",
        },
        32768,
    ),
    (413, b"", None),
    (
        400,
        error(
            "Please reduce the length of the messages or completion. Current length is 8979 while limit is 8192",
            type="invalid_request_error",
            code="context_length_exceeded",
        ),
        8192,
    ),
    (400, error("Request body too large for gpt-4o model. Max size: 8000 tokens.", code="tokens_limit_reached"), 8000),
    (
        400,
        {"message": "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 8000"},
        4081,
    ),
    (
        422,
        error(
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000 `inputs` tokens"
        ),
        4097,
    ),
    (400, error("The prompt is too long: 131073, model maximum context length: 131071"), 131071),
    (400, error("invalid params, context window exceeds limit (2013)", type="bad_request_error"), None),
    (400, error("This endpoint's maximum context length is 128,000 tokens."), 128000),
]


@pytest.mark.parametrize(("status", "body", "limit"), OVERFLOWS)
def test_every_known_shape_of_a_context_overflow(status: int, body: Any, limit: int | None) -> None:
    found = fault(status, body)
    assert isinstance(found, ContextTooLong)
    assert found.limit_tokens == limit
    assert not found.retryable


CASES = [
    (401, error("Incorrect API key provided", code="invalid_api_key"), RefusedKey),
    (401, b"", RefusedKey),
    (403, error("Country not supported", code="unsupported_country_region_territory"), RefusedKey),
    (
        400,
        error(
            "API key not valid. Please pass a valid API key.",
            status="INVALID_ARGUMENT",
            details=[{"reason": "API_KEY_INVALID"}],
        ),
        RefusedKey,
    ),
    (403, error("Your chosen model requires moderation and your input was flagged"), BadRequest),
    (404, error("The model `x` does not exist", code="model_not_found"), UnknownModel),
    (404, {"error": "model 'x' not found"}, UnknownModel),
    (404, b"404 page not found", UnknownModel),
    (400, error("x is not a valid model ID", code=400), UnknownModel),
    (400, {"message": "Invalid model: x", "code": "1500"}, UnknownModel),
    (400, error("Model Not Exist"), UnknownModel),
    (422, {"detail": [{"msg": "field required"}]}, BadRequest),
    (429, error("Slow down"), RateLimited),
    (402, error("Insufficient Balance"), BadRequest),
    (400, error("max_tokens is too large: 100000. This model supports at most 16384 completion tokens"), BadRequest),
    (400, error("max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for m"), BadRequest),
    (400, error("temperature must be <= 2"), BadRequest),
    (400, [error("in a list")], BadRequest),
    (400, {"error": {"message": {"deep": ["x"]}}}, BadRequest),
    (408, b"", Overloaded),
    (409, error("conflict"), Overloaded),
    (500, b"<html><body>nginx</body></html>", Overloaded),
    (503, error("No capacity", status="UNAVAILABLE"), Overloaded),
    (529, {"type": "error", **error("Overloaded", type="overloaded_error")}, Overloaded),
    (302, b"", BadReply),
]


@pytest.mark.parametrize(("status", "body", "kind"), CASES)
def test_what_an_answer_means(status: int, body: Any, kind: type[ProviderError]) -> None:
    found = fault(status, body, location="https://login.example/")
    assert type(found) is kind
    assert (found.provider, found.model) == ("acme", "acme-1")
    assert "<html" not in found.message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (error("Overloaded", type="overloaded_error"), Overloaded),
        (error("Too many", type="rate_limit_error"), RateLimited),
        (error("Bad key", type="authentication_error"), RefusedKey),
        (error("prompt is too long: 10 tokens > 5 maximum", type="invalid_request_error"), ContextTooLong),
        (error("Provider returned error", code=502, metadata={"raw": "upstream died"}), Overloaded),
        (error("quota", code=429, status="RESOURCE_EXHAUSTED"), RateLimited),
        ({"error": "model runner has unexpectedly stopped"}, Overloaded),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, RefusedKey),
        ({"base_resp": {"status_code": 1002, "status_msg": "slow down"}}, RateLimited),
        ({"object": "error", "message": "bad", "code": 400}, BadRequest),
        ([], Overloaded),
        ("text", Overloaded),
        (None, Overloaded),
    ],
)
def test_what_an_error_inside_an_answer_means(body: Any, kind: type[ProviderError]) -> None:
    assert type(FAULTS.from_event(body)) is kind


def test_the_words_of_a_provider_behind_another_are_shown() -> None:
    found = FAULTS.from_event(error("Provider returned error", code=502, metadata={"raw": "upstream died"}))
    assert "upstream died" in found.message


def test_hints_say_what_to_do() -> None:
    assert "ACME_KEY" in fault(401, b"").hint
    assert "base_url (api.acme.example)" in fault(404, b"<html>").hint
    assert "ally providers show acme" in fault(404, error("no such model")).hint
    assert "balance" in fault(402, error("Insufficient credits")).hint
    assert "final address" in fault(301, b"").hint


def test_a_long_message_is_shortened_to_one_line() -> None:
    message = fault(400, error("line\n" * 2000)).message
    assert "\n" not in message
    assert len(message) < 700


LATER = datetime.now(UTC) + timedelta(hours=1)
IN_AN_HOUR = LATER.isoformat()


@pytest.mark.parametrize(
    ("headers", "body", "wait_s"),
    [
        ({"retry_after": "20"}, {}, 20),
        ({"retry_after": "0"}, {}, 0),
        ({"retry_after": "1.5"}, {}, 1.5),
        ({"retry_after_ms": "1500", "retry_after": "9"}, {}, 1.5),
        ({"retry_after": format_datetime(LATER, usegmt=True)}, {}, 3600),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, {}, 0),
        ({"retry_after": "6m0s"}, {}, 360),
        ({"retry_after": "soon"}, {}, None),
        ({"retry_after": "-5"}, {}, None),
        ({"retry_after": "nan"}, {}, None),
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "1m2s"}, {}, 62),
        ({"x_ratelimit_remaining_tokens": "5", "x_ratelimit_reset_tokens": "1m2s"}, {}, None),
        ({"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "120ms"}, {}, 0.12),
        (
            {"anthropic_ratelimit_tokens_remaining": "0", "anthropic_ratelimit_tokens_reset": LATER.isoformat()},
            {},
            3600,
        ),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(LATER.timestamp() * 1000))}, {}, 3600),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(LATER.timestamp()))}, {}, 3600),
        ({}, error("Quota", details=[{"@type": "RetryInfo", "retryDelay": "34s"}]), 34),
        ({}, error("Quota", details=[{"retryDelay": "34.5s"}]), 34.5),
        ({}, error("Rate limit reached. Please try again in 7.66s. Visit us"), 7.66),
        ({}, error("Please try again in 6m0s."), 360),
        ({}, {"detail": "Request was throttled. Expected available in 12 seconds."}, 12),
        ({}, error("Slow down"), None),
        ({}, b"", None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], body: Any, wait_s: float | None) -> None:
    found = fault(429, body, **headers)
    assert isinstance(found, RateLimited)
    assert found.retry_after_s == (
        None if wait_s is None else pytest.approx(wait_s, abs=3000 if wait_s == 3600 else 0.01)
    )


@pytest.mark.parametrize(
    "body",
    [
        error("You exceeded your current quota", type="insufficient_quota", code="insufficient_quota"),
        error("You have reached your spend limit"),
        error("Insufficient balance"),
    ],
)
def test_a_spent_budget_names_no_time_to_wait(body: Any) -> None:
    found = fault(429, body, retry_after="60")
    assert isinstance(found, RateLimited)
    assert found.retry_after_s is None
    assert "balance" in found.hint


def test_no_source_at_all() -> None:
    assert find_retry_after_s({}, None, "") is None


HOSTILE_BODIES = (
    {"error": {"code": "²²²", "message": "no"}},
    {"base_resp": {"status_code": {}, "status_msg": ""}},
    {"base_resp": {"status_code": [1004]}},
    b'{"detail":' + b"[" * 985 + b"]" * 985 + b"}",
    b'{"detail":' + b"[" * 100_000,
)


@pytest.mark.parametrize("body", HOSTILE_BODIES, ids=range(len(HOSTILE_BODIES)))
def test_a_body_made_to_confuse_is_still_an_error_of_the_service(body: Any) -> None:
    assert isinstance(fault(500, body), Overloaded)


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "9" * 5000 + "h"},
        {"retry-after": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "²"},
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9" * 400},
    ],
    ids=["hours", "year", "superscript", "infinite"],
)
def test_a_waiting_time_that_is_none_is_ignored(headers: dict[str, str]) -> None:
    assert find_retry_after_s(headers, "9" * 5000 + "h", "retry in " + "9" * 5000 + "h") is None


def test_a_redirect_to_something_that_is_no_address_is_named() -> None:
    assert isinstance(fault(302, {}, location="http://["), BadReply)


def test_a_key_in_the_host_of_a_redirect_is_not_shown() -> None:
    faults = Faults(build_target("acme", "m", "https://acme.example", api_key="sk-ABCDEF"), Hints())
    error = faults.from_answer(307, {"location": "https://sk-ABCDEF.stranger.example/"}, b"")
    assert "sk-abcdef" not in error.message.lower()
