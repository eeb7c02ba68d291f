"""A service that drops part of a prompt in silence is found out by its own count; nothing else is."""

import base64
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ally.engine.conversation import Conversation
from ally.engine.cut import find_cut
from ally.engine.fewest import fewest
from ally.engine.loop import send
from ally.errors import ContextTooLong, PromptCut
from ally.events import Compacted, Event, TurnFailed, TurnFinished, UsageReported, check_order
from ally.messages import (
    AssistantMessage,
    Image,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolResult,
    ToolSpec,
    UserMessage,
    assistant,
    user,
)
from ally.providers.model import Chunk, Done, Profile, Request, TextChunk, Usage
from tests.fakes.ollama_window import Prompt, Window, count_bytes
from tests.scripted import NoteTool, ScriptedModel

READ = ToolSpec(
    "read",
    "Read a file of the project and give back its text with the numbers of its lines.",
    {"type": "object", "properties": {"path": {"type": "string", "description": "The file, relative."}}},
)
LOCAL, CLOUD = Profile("openai", "m", "local"), Profile("somewhere", "m", "cloud")
WORDS = "the model reads every file of that folder and tells what changed since yesterday in three short sentences"
PIECES = re.compile(r"[一-鿿]{1,3}|[^\W\d_一-鿿]{1,16}|\d{1,3}|[^\w\s]{1,64}|_+|\s{2,}")

KINDS: dict[str, Callable[[random.Random], str]] = {
    "prose": lambda rng: " ".join(rng.choices(WORDS.split(), k=rng.randint(30, 900))),
    "code": lambda rng: "\n".join(
        f"    value_{rng.randint(1, 9)} = compute(other, index + {rng.randint(1, 99)})"
        for _ in range(rng.randint(5, 90))
    ),
    "json": lambda rng: json.dumps(
        [{"name": f"file {n}", "size": n * 17} for n in range(rng.randint(5, 120))], indent=1
    ),
    "chinese": lambda rng: "人工智能是计算机科学的一个分支它企图了解智能的实质。" * rng.randint(2, 60),
    "base64": lambda rng: base64.b64encode(rng.randbytes(rng.randint(50, 4_000))).decode(),
    "spaces": lambda rng: ("x" + " " * 60) * rng.randint(5, 80),
    "signs": lambda rng: "=" * rng.randint(50, 4_000),
}


def pieces(text: str) -> int:
    """The largest vocabulary there can be: every word, sign and number of three digits is one token."""
    return len(PIECES.findall(text))


def halves(text: str) -> int:
    """A small vocabulary: two bytes a token."""
    return -(-len(text.encode()) // 2)


@dataclass
class Talk:
    """A conversation with a model whose window is `size`; `before` is what Ally remembers of the last call."""

    rng: random.Random
    window: Window
    kinds: tuple[str, ...] = ("prose", "code")
    system: str = WORDS * 6
    messages: list[Message] = field(default_factory=list)
    before: tuple[Request, int] | None = None

    def go_on(self) -> tuple[Request, Prompt]:
        """One more call of the model: a question, or the result of a tool."""
        said = KINDS[self.rng.choice(self.kinds)](self.rng)
        thought = Thinking(KINDS["prose"](self.rng)[:600])
        number = len(self.messages)
        if not self.messages or self.rng.random() < 0.25:
            if self.messages:
                self.messages.append(AssistantMessage((thought, Text("Done."))))
            self.messages.append(user(said))
        else:
            call = ToolCall(f"c{number}", "read", {"path": f"src/{number}.py"})
            self.messages.append(AssistantMessage((thought, call)))
            self.messages.append(ToolMessage((ToolResult(f"c{number}", said, name="read"),)))
        request = Request(tuple(self.messages), system=self.system, tools=(READ,))
        return request, self.window.read(*as_sent(request))

    def remember(self, request: Request, tokens: int) -> None:
        self.before = request, tokens


def as_sent(request: Request) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    written: list[dict[str, Any]] = [{"role": "system", "content": request.system}]
    for message in request.messages:
        match message:
            case UserMessage():
                written.append({"role": "user", "content": message.text})
            case ToolMessage(results):
                written += [{"role": "tool", "content": result.for_model} for result in results]
            case AssistantMessage(parts):
                thinking = "".join(part.text for part in parts if isinstance(part, Thinking))
                calls = [{"name": part.name, "arguments": part.args} for part in parts if isinstance(part, ToolCall)]
                kept = {"thinking": thinking, "tool_calls": calls} if calls else {}
                written.append({"role": "assistant", "content": message.text, **kept})
    return written, [{"name": tool.name, "about": tool.description, **tool.parameters} for tool in request.tools]


def cut_calls(talk: Talk, profile: Profile) -> Iterator[tuple[Prompt, bool]]:
    """The calls from the first one that was cut, and whether that was noticed."""
    for _ in range(60):
        request, prompt = talk.go_on()
        found = find_cut(request, prompt.tokens, profile, talk.before)
        if prompt.is_cut or found is not None:
            yield prompt, found is not None
        talk.remember(request, prompt.tokens)


@pytest.mark.parametrize("size", [2_048, 3_000, 4_096, 8_192])
@pytest.mark.parametrize("keeps_half", [False, True])
def test_every_cut_of_many_is_noticed_at_once_or_if_small_by_the_next_call(size: int, keeps_half: bool):
    at_once = 0
    for seed in range(25):  # with the parameters 200 conversations
        talk = Talk(random.Random(seed), Window(size, keeps_half))
        calls = cut_calls(talk, LOCAL)
        prompt, noticed = next(calls)
        assert prompt.is_cut  # and nothing was said before
        at_once += noticed
        if not noticed:
            assert prompt.tokens > prompt.sent * 0.8
            assert any(told for _, (_, told) in zip(range(2), calls, strict=False))
    assert at_once >= 12


@pytest.mark.parametrize("keeps_half", [False, True])
def test_a_front_that_is_gone_is_noticed_on_the_first_call(keeps_half: bool):
    for size in (2_048, 4_096, 8_192, 32_768):
        for factor in (1.3, 2, 7):
            request = Request((user("word and more " * round(size * factor / 3)),), system=WORDS, tools=(READ,))
            prompt = Window(size, keeps_half).read(*as_sent(request))
            assert not prompt.has_front
            cut = find_cut(request, prompt.tokens, LOCAL, None)
            assert cut is not None
            assert cut.window == size
            assert cut.read == prompt.tokens < cut.sent


@pytest.mark.parametrize("count", [count_bytes, halves, pieces])
@pytest.mark.parametrize("drops_thinking", [False, True])
def test_nothing_is_said_of_a_hundred_conversations_that_fit(count: Callable[[str], int], drops_thinking: bool):
    kinds = ("prose", "code", "json", "chinese", "base64", "spaces", "signs")
    for seed in range(17):
        window = Window(10**9, drops_thinking=drops_thinking, count=count)
        talk = Talk(random.Random(seed), window, kinds if count is not count_bytes else ("prose", "code"))
        for _ in range(12):
            request, prompt = talk.go_on()
            assert find_cut(request, prompt.tokens, LOCAL, talk.before) is None
            talk.remember(request, prompt.tokens)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fewest_tokens_are_never_more_than_the_largest_vocabulary_makes(kind: str):
    text = KINDS[kind](random.Random(1))
    assert fewest(text) <= pieces(text)


def test_a_service_that_leaves_out_what_it_had_in_its_cache_is_not_blamed():
    talk, whole = Talk(random.Random(3), Window(10**9, drops_thinking=False), system=f"{WORDS} " * 150), 0
    for _ in range(15):
        request, prompt = talk.go_on()
        apart = prompt.tokens - whole
        assert find_cut(request, apart, LOCAL, talk.before) is None
        talk.remember(request, apart)
        whole = prompt.tokens
    assert find_cut(request, 7, LOCAL, None) is None  # all of a conversation that goes on was in the cache


@pytest.mark.parametrize("read", [0, -1, 12])
def test_a_service_that_does_not_count_is_not_blamed(read: int):
    request = Request((user(WORDS * 200),))
    assert find_cut(request, read, LOCAL, None) is None
    assert find_cut(request, read, CLOUD, (Request(()), 5)) is None


def test_pictures_count_nothing_as_nobody_knows_what_they_take():
    picture = UserMessage((Text("What is this?"), Image("image/png", b"x" * 400_000)))
    assert find_cut(Request((picture,), system=WORDS * 60), 1_100, LOCAL, None) is None


@pytest.mark.parametrize("source", ["user", "server", "measured"])
def test_a_prompt_of_exactly_the_known_window_is_cut(source: Any):
    profile = replace(LOCAL, context_window=5_000, context_window_source=source)
    request = Request((user("word " * 9_000),))
    cut = find_cut(request, 5_000, profile, None)
    assert cut is not None
    assert cut.window == 5_000
    assert find_cut(request, 5_000, replace(profile, context_window_source="catalogue"), (request, 5_000)) is None


def test_a_list_is_no_proof_of_what_a_cloud_service_serves():
    request = Request((user("word " * 8_000),))
    assert find_cut(request, 8_192, CLOUD, None) is None


@dataclass
class Lying(ScriptedModel):
    """A server that says nothing of its window and cuts what does not fit."""

    window: Window = field(default_factory=lambda: Window(4_096))
    answers: list[list[Chunk]] = field(default_factory=list)

    async def stream(self, request: Request) -> Any:
        self.requests.append(request)
        read = self.window.read(*as_sent(request)).tokens
        answer = self.answers.pop(0) if self.answers else [TextChunk("ok")]
        for chunk in answer:
            yield chunk
        yield Done("tool_calls" if any(isinstance(chunk, ToolCall) for chunk in answer) else "end", Usage(read, 20))


async def play(talk: Conversation, text: str) -> list[Event]:
    events = [event async for event in send(talk, user(text))]
    check_order(events)
    return events


async def test_the_turn_fails_with_numbers_and_no_call_of_the_answer_runs():
    note = NoteTool()
    model = Lying([], answers=[[TextChunk("Sure."), ToolCall("c1", "note", {"text": "x"})]])
    talk = Conversation(model, system=WORDS, tools=[note])
    events = await play(talk, "word and more " * 3_000)
    end = events[-1]
    assert isinstance(end, TurnFailed)
    assert isinstance(end.error, PromptCut)
    assert end.error.read_tokens == 4_096 < end.error.sent_tokens
    assert "4,096" in end.error.message
    assert "OLLAMA_CONTEXT_LENGTH" in end.error.hint
    assert "/compact" in end.error.hint
    assert not note.calls
    assert any(isinstance(event, UsageReported) for event in events)
    assert "Sure." not in str(talk.messages)


async def test_the_next_turn_makes_room_in_the_window_that_was_found():
    model = Lying([], window=Window(2_048, halves=True))
    talk = Conversation(model, system=WORDS)
    for _ in range(3):
        talk.messages += [user("word and more " * 150), assistant("I see. " * 20)]
    events = await play(talk, "word and more " * 300)
    assert isinstance(events[-1], TurnFailed)
    profile = talk.model.profile
    assert profile.context_window is not None
    assert 1_000 < profile.context_window <= 2_048
    assert profile.context_window_source == "measured"
    model.answers = [[TextChunk("SUMMARY")]]
    events = await play(talk, "go on")
    assert any(isinstance(event, Compacted) for event in events) or isinstance(events[-1], TurnFailed)
    assert "SUMMARY" in str(talk.messages) or isinstance(events[-1], TurnFailed)


async def test_a_summary_of_a_cut_conversation_is_not_believed():
    model = Lying([], window=Window(1_024))
    talk = Conversation(model, system=WORDS * 5, messages=[user("word and more " * 2_000), assistant("I see.")])
    model.answers = [[TextChunk("WRONG")] for _ in range(3)]
    before = list(talk.messages)
    with pytest.raises(ContextTooLong):
        await compacted(talk)
    assert talk.messages == before


async def compacted(talk: Conversation) -> None:
    from ally.engine.compaction import compact  # late: the one use of it

    async for _ in compact(talk):
        pass


async def test_a_prompt_that_fits_is_answered():
    talk = Conversation(Lying([]), system=WORDS, tools=[NoteTool()])
    for _ in range(5):
        events = await play(talk, "word and more " * 60)
        assert isinstance(events[-1], TurnFinished)
    assert talk.model.profile.context_window is None


def test_a_server_that_knows_no_tools_is_not_blamed_for_leaving_them_out():
    tools = tuple(replace(READ, name=f"read_{n}", description=READ.description * 3) for n in range(12))
    for seed in range(20):
        talk = Talk(random.Random(seed), Window(10**9))
        for _ in range(8):
            request, _ = talk.go_on()
            request = replace(request, tools=tools)
            read = talk.window.read(as_sent(request)[0], ()).tokens
            assert find_cut(request, read, LOCAL, talk.before) is None
            talk.remember(request, read)


def test_a_prefix_that_another_process_left_in_the_cache_is_not_missed():
    system = f"{WORDS} " * 60
    for words in (20, 600, 2_000):
        request = Request((user("word " * words),), system=system, tools=(READ,))
        front = Window(10**9).tokens([{"role": "system", "content": system}], as_sent(request)[1])
        whole = Window(10**9).read(*as_sent(request)).tokens
        assert find_cut(request, whole - front, LOCAL, None) is None


def test_old_pictures_that_a_template_leaves_out_are_not_missed():
    picture = UserMessage((Text("What is this? " * 40), Image("image/png", b"x" * 400)))
    before = Request((picture,), system=WORDS * 60)
    request = replace(before, messages=(picture, assistant("A cat."), user("And its colour? " * 20)))
    assert find_cut(request, 1_500, LOCAL, (before, 2_900)) is None


def test_a_service_that_gives_another_model_of_its_own_accord_is_not_blamed():
    messages = [user("word and more " * 2_000)]
    before = Request(tuple(messages), system=WORDS)
    request = replace(before, messages=(*messages, assistant("I see."), user("go on")))
    assert find_cut(request, 6_500, CLOUD, (before, 9_500)) is None  # other vocabularies differ by a third
    assert find_cut(request, 4_000, CLOUD, (before, 9_500)) is not None


def test_a_tiny_model_is_never_shown_tools_and_results_so_they_cannot_be_cut():
    profile = replace(LOCAL, parameters=135_000_000, tool_calling="schema", context_window=8_192)
    profile = replace(profile, context_window_source="server")
    first = Request((user("read notes.txt"),), system=f"{WORDS} " * 40, tools=(READ,) * 9)
    assert find_cut(first, 760, profile, None) is None
    call, result = ToolCall("c1", "read", {"path": "notes.txt"}), ToolResult("c1", "word " * 3_000, name="read")
    said = (*first.messages, AssistantMessage((call,)), ToolMessage((result,)), assistant("word"), user("thanks"))
    assert find_cut(replace(first, messages=said), 790, profile, (first, 760)) is None
    assert find_cut(replace(first, messages=said), 8_192, profile, (first, 760)) is not None
