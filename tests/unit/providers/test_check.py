import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest

from ally.errors import ConfigError, RateLimited, RefusedKey
from ally.messages import BadToolCall, ToolCall, ToolMessage
from ally.providers.check import NAMES, WRONG_KEY, CheckRow, check_model
from ally.providers.model import Chunk, Done, Model, Profile, Request, TextChunk, Usage
from ally.providers.wire.openai import model as wire_model
from ally.providers.wire.target import Target
from tests.fakes import KEY, Failure, FakeOpenAI, Reply
from tests.unit.providers.langchain_objects import VENDORS

CALL = ToolCall("1", "get_weather", {"city": "Paris"})
END = Done("end", Usage(3, 2))


@dataclass
class Played:
    """A model that answers each kind of request as told; the rest with a plain text in two pieces."""

    called: Sequence[Chunk] = (CALL, Done("tool_calls", Usage(3, 2)))
    both: Sequence[Chunk] = (CALL, ToolCall("2", "get_weather", {"city": "Rome"}), Done("tool_calls", Usage(3, 2)))
    continued: Sequence[Chunk] = (TextChunk("17 degrees, kiwi"), END)
    plain: Sequence[Chunk] = (TextChunk("Grüße, 世界, "), TextChunk("🌍, שלום"), END)
    json: Sequence[Chunk] = (TextChunk('{"name": "Ada", "age": 36}'), END)
    tools: bool = True
    error: Exception | None = None
    busy: int = 0
    deaf: bool = False

    @property
    def profile(self) -> Profile:
        return Profile("played", "m", location="local", tools=self.tools)

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        if self.busy:
            self.busy -= 1
            raise RateLimited("slow down", retry_after_s=0.01)
        if self.error:
            raise self.error
        for chunk in self._chunks(request):
            yield chunk
            if "story" in str(request.messages):
                try:
                    await asyncio.sleep(10)
                except asyncio.CancelledError:
                    if not self.deaf:
                        raise
                    await asyncio.sleep(0.5)

    def _chunks(self, request: Request) -> Sequence[Chunk]:
        if request.json_schema:
            return self.json
        if any(isinstance(message, ToolMessage) for message in request.messages):
            return self.continued
        if request.tools:
            return self.both if "Rome" in str(request.messages) else self.called
        return self.plain

    async def close(self) -> None:
        pass


def refusing() -> Played:
    return Played(error=RefusedKey("wrong key"))


async def rows_of(model: Model, wrong: Model | None = None, **options: float) -> dict[str, CheckRow]:
    rows = await check_model(lambda: model, (lambda: wrong) if wrong else None, **options)  # type: ignore[arg-type] - one option
    assert tuple(row.name for row in rows) == NAMES
    return {row.name: row for row in rows}


async def test_a_good_model_passes_everything() -> None:
    rows = await rows_of(Played(), refusing())
    assert {row.verdict for row in rows.values()} == {"pass"}


async def test_the_real_wire_passes_everything(fake_openai: FakeOpenAI) -> None:
    def opened(key: str) -> Model:
        return wire_model(Target("openai", "gpt-4o", fake_openai.base_url, api_key=key))

    told: list[CheckRow] = []
    rows = await check_model(lambda: opened(KEY), lambda: opened(WRONG_KEY), report=told.append)
    assert told == rows
    assert [(row.name, row.reason) for row in rows if row.verdict == "fail"] == []
    assert {row.verdict for row in rows if row.name in ("tool call", "tool result", "wrong key", "usage")} == {"pass"}


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
async def test_the_guides_road_fails_nothing(vendor) -> None:
    with vendor.fake() as fake:
        rows = await check_model(lambda: vendor.wrap(fake), lambda: vendor.wrap(fake, key=WRONG_KEY))
    expected = ["usage"] if vendor.name == "anthropic" else []  # its class ignores the counts of message_start
    assert [row.name for row in rows if row.verdict == "fail"] in (expected, [])


@pytest.mark.parametrize(
    ("model", "name", "verdict", "reason"),
    [
        (Played(called=[TextChunk("It is sunny."), END]), "tool call", "not supported", "answered in text"),
        (Played(tools=False), "tool call", "not supported", "takes no tools"),
        (Played(tools=False), "tool result", "not supported", "takes no tools"),
        (Played(called=[CALL, END]), "tool call", "fail", "stop reason is 'end'"),
        (Played(called=[BadToolCall("1", "get_weather", "{", "cut off"), END]), "tool call", "fail", "cut off"),
        (Played(called=[TextChunk("…"), Done("length")]), "tool call", "not supported", "length limit"),
        (Played(called=[ToolCall("1", "rm", {}), Done("tool_calls")]), "tool call", "not supported", "not offered"),
        (
            Played(called=[ToolCall("1", "get_weather", {"town": 1}), Done("tool_calls")]),
            "tool call",
            "not supported",
            "do not fit",
        ),
        (Played(continued=[TextChunk("I see."), END]), "tool result", "pass", "made no use"),
        (Played(both=[CALL, Done("tool_calls")]), "parallel calls", "not supported", "one call at a time"),
        (Played(both=[CALL, CALL, Done("tool_calls")]), "parallel calls", "fail", "same id"),
        (Played(json=[TextChunk("Ada is 36."), END]), "structured output", "not supported", "other text"),
        (Played(json=[TextChunk('{"name": 1}'), END]), "structured output", "not supported", "does not fit"),
        (Played(plain=[TextChunk("GrÃ¼Ã\x9fe"), END]), "Unicode", "fail", "garbled"),
        (Played(plain=[TextChunk("Sure, "), TextChunk("here."), END]), "Unicode", "not supported", "left out"),
        (Played(plain=[TextChunk("1, 2, 3, 4, 5, 6, 7, 8, 9"), END]), "stream", "fail", "in one piece"),
        (Played(plain=[TextChunk("hi"), END]), "stream", "not supported", "too short"),
        (Played(plain=[TextChunk("hi"), Done("end", None)]), "usage", "not supported", "reported none"),
        (Played(plain=[TextChunk("hi"), Done("end", Usage(0, 3))]), "usage", "fail", "impossible"),
        (Played(plain=[TextChunk("hi"), Done("tool_calls")]), "stop reason", "fail", "plain answer"),
        (Played(plain=[TextChunk("hi")]), "invoke", "fail", "exactly one Done"),
        (Played(plain=[END]), "invoke", "fail", "no text"),
        (Played(deaf=True), "cancellation", "fail", "cancelled"),
        (Played(error=KeyError("oops")), "invoke", "fail", "KeyError: 'oops'"),
        (Played(error=RefusedKey("no")), "tool call", "not supported", "invoke failed with RefusedKey"),
    ],
)
async def test_a_weak_model_is_told_from_a_broken_contract(model, name: str, verdict: str, reason: str) -> None:
    row = (await rows_of(model))[name]
    assert (row.verdict, reason in row.reason) == (verdict, True), row


async def test_a_busy_service_is_asked_again() -> None:
    assert (await rows_of(Played(busy=2)))["invoke"].verdict == "pass"


async def test_a_model_that_cannot_be_made() -> None:
    def fails() -> Model:
        raise ConfigError("no such thing")

    rows = await check_model(fails, fails)
    assert rows[0].verdict == "fail"
    assert rows[0].reason == "no such thing"
    assert {row.verdict for row in rows[1:]} == {"not supported"}


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        (None, "not supported", "takes any key"),
        (RefusedKey(f"wrong: {WRONG_KEY}"), "fail", "shows the key"),
        (RateLimited("later", retry_after_s=None), "fail", "RateLimited"),
    ],
)
async def test_what_a_wrong_key_leads_to(error: Exception | None, verdict: str, reason: str) -> None:
    row = (await rows_of(Played(), Played(error=error)))["wrong key"]
    assert (row.verdict, reason in row.reason) == (verdict, True), row


async def test_a_check_that_does_not_end(fake_openai: FakeOpenAI) -> None:
    fake_openai.always(Reply("slow answer that takes its time", delay_s=30))
    target = Target("openai", "gpt-4o", fake_openai.base_url, api_key=KEY)
    rows = await rows_of(wire_model(target), limit_s=0.3)
    assert rows["invoke"].reason == "no result within 0.3 s"
    assert rows["wrong key"].reason == "this provider needs no key"


async def test_a_service_that_refuses_tools(fake_openai: FakeOpenAI) -> None:
    fake_openai.always(
        lambda request: Failure("bad_request", "no tools here") if "tools" in request.json else Reply("hello")
    )
    rows = await rows_of(wire_model(Target("openai", "gpt-4o", fake_openai.base_url, api_key=KEY)))
    assert rows["tool call"].verdict == "not supported"
    assert "no tools here" in rows["tool call"].reason
