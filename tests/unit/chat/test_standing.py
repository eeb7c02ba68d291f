"""How a chat stands is known without asking anybody."""

import pytest

from ally.chat.chat import Chat
from ally.chat.standing import (
    Sent,
    Standing,
    bytes_text,
    fill_text,
    find_tier,
    percent,
    sent_text,
    standing,
    tokens_text,
    window_text,
)
from ally.chat.tally import Tally
from ally.egress.ledger import Ledger, Transfer
from ally.egress.location import Location
from ally.events import TurnStarted, UsageReported
from ally.messages import assistant, user


async def test_a_chat_tells_what_answers_and_what_it_took(chat: Chat):
    now = standing(chat)
    assert (now.agent, now.provider, now.model, now.location) == ("general", "ollama", "qwen3:8b", "local")
    assert (now.mode, now.tier, now.confined, now.is_offline) == ("ask", None, None, False)
    assert now.used_tokens > 0
    assert now.window == chat.talk.model.profile.context_window
    assert now.reused is None
    find_tier(chat)
    for event in (TurnStarted("ollama", "m"), UsageReported(100, 20, 80), UsageReported(150, 5, 100)):
        chat.tally.add(event)
    now = standing(chat)
    assert now.tier == chat.app.sandbox.tier
    assert (now.input_tokens, now.output_tokens, now.cached_input_tokens) == (250, 25, 180)
    assert chat.tally.requests == 2


async def test_a_history_is_counted_again_only_when_it_grew(chat: Chat):
    chat.talk.messages += [user("a question"), assistant("an answer")]
    counted = standing(chat).used_tokens
    chat.talk.messages[0] = user("a question " * 1_000)  # nobody does that: were it counted again, it would show
    assert standing(chat).used_tokens == counted
    chat.talk.messages.append(user("more " * 100))
    assert standing(chat).used_tokens > counted
    chat.talk.count(77)
    assert standing(chat).used_tokens != counted


def test_services_that_do_not_count_are_not_counted():
    tally = Tally()
    tally.add(UsageReported(0, 0, 0))
    assert tally.requests == 0


def test_the_ledger_adds_up_what_it_no_longer_keeps():
    ledger = Ledger()

    def transfer(location: Location) -> Transfer:
        return Transfer("chat", "POST", "https", "h", 443, location, 200, 3, 9, 0.1)

    for _ in range(10_050):
        ledger.add(transfer("cloud"))
    ledger.add(transfer("lan"))
    assert len(ledger.transfers) == 10_000
    assert (ledger.sent_bytes("cloud"), ledger.sent_bytes("lan"), ledger.sent_bytes("local")) == (30_150, 3, 0)


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1k"),
        (1_234, "1.2k"),
        (9_960, "10k"),
        (999_600, "1M"),
        (1_500_000, "1.5M"),
    ],
)
def test_numbers_of_tokens_are_short(tokens: int, text: str):
    assert tokens_text(tokens) == text


def test_words_are_exact_where_it_matters():
    assert [window_text(size) for size in (32_768, 131_072, 200_000, 256_000)] == ["32k", "128k", "200k", "256k"]
    assert [bytes_text(size) for size in (0, 950, 1_234, 32_000_000)] == ["0 B", "950 B", "1.2 kB", "32 MB"]
    assert [percent(share) for share in (0, 0.001, 0.5, 0.999, 1, 1.2)] == [
        "0 %",
        "<1 %",
        "50 %",
        ">99 %",
        "100 %",
        "120 %",
    ]
    assert sent_text(Sent()) == "nothing"
    assert sent_text(Sent(lan=3_000, cloud=12_000)) == "12 kB to the cloud, 3 kB to your network"
    assert fill_text(Standing("a", "p", "m", used_tokens=1_500)) == "1.5k tokens"
    assert fill_text(Standing("a", "p", "m", used_tokens=4_096, window=32_768)) == "12 % of 32k"
