"""How a chat stands is known without asking anybody."""

import asyncio
from dataclasses import replace

import pytest

from ally.chat.chat import Chat
from ally.chat.commands.registry import run_command
from ally.chat.standing import (
    Sent,
    Standing,
    bytes_text,
    cost_text,
    dollars_text,
    fill_text,
    find_tier,
    percent,
    sandbox_text,
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
from ally.models.price import Price, Rates
from ally.providers.model import Profile

HERE = Profile("ollama", "m", "local")
FAR = Profile("cloud", "big", price=Price("2026-01-02", (Rates(0, 5, 25, 0.5, 6), Rates(200_000, 10, 50, 1, 12))))


async def test_a_chat_tells_what_answers_and_what_it_took(chat: Chat):
    now = standing(chat)
    assert (now.agent, now.provider, now.model, now.location) == ("general", "ollama", "qwen3:8b", "local")
    assert (now.mode, now.tier, now.confined, now.is_offline) == ("ask", None, None, False)
    assert now.used_tokens > 0
    assert now.window == chat.talk.model.profile.context_window
    assert now.reused is None
    find_tier(chat)
    for event in (TurnStarted("ollama", "m"), UsageReported(100, 20, 80), UsageReported(150, 5, 100)):
        chat.tally.add(event, chat.talk.model.profile)
    now = standing(chat)
    assert now.tier == chat.app.sandbox.tier
    assert (now.input_tokens, now.output_tokens, now.cached_input_tokens) == (250, 25, 180)
    assert chat.tally.requests == 2


async def test_status_says_it_in_the_words_of_the_status_line_and_blocks_nothing(chat: Chat):
    chat.tally.add(UsageReported(12_000, 345, 9_000), FAR)
    asked, turns = asyncio.create_task(run_command(chat, "/status")), 0
    while not asked.done():  # the sandbox is tried meanwhile
        await asyncio.sleep(0)
        turns += 1
    assert turns > 1
    rows = dict(line.split(maxsplit=1) for line in asked.result().splitlines())
    now = standing(chat)
    assert rows["window"].startswith(fill_text(now))
    assert rows["sandbox"].startswith(f"{sandbox_text(now)} (")
    assert rows["tokens"] == "12k read, 345 written, about $0.028"
    assert rows["left"] == sent_text(now.sent)
    assert (rows["model"], rows["mode"][:4]) == ("ollama:qwen3:8b (this machine)", "ask:")


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
    tally.add(UsageReported(0, 0, 0), HERE)
    assert tally.requests == 0


def test_each_model_has_its_own_sum_and_its_own_price():
    tally = Tally()
    assert (tally.cost, tally.is_cost_whole) == (None, True)
    tally.add(UsageReported(5_000, 100, 0), HERE)
    assert (tally.cost, tally.is_cost_whole) == (None, True)
    tally.add(UsageReported(10_000, 1_000, 6_000, cache_written_tokens=1_000), FAR)
    tally.add(UsageReported(200_001, 0, 0), FAR)
    first = (3_000 * 5 + 6_000 * 0.5 + 1_000 * 6 + 1_000 * 25) / 1e6
    assert tally.cost == pytest.approx(first + 200_001 * 10 / 1e6)
    assert tally.is_cost_whole
    tally.add(UsageReported(7, 7, 0), replace(FAR, provider="gateway", price=None))
    assert not tally.is_cost_whole
    tally.add(UsageReported(1_000_000, 0, 2_000_000), replace(FAR, model="other"))
    assert [(one.provider, one.model, one.requests) for one in tally.spent] == [
        ("ollama", "m", 1),
        ("cloud", "big", 2),
        ("gateway", "big", 1),
        ("cloud", "other", 1),
    ]
    assert tally.cost == pytest.approx(first + 200_001 * 10 / 1e6 + 1)
    assert tally.input_tokens == 5_000 + 10_000 + 200_001 + 7 + 1_000_000


def test_what_nobody_lists_has_no_cost_and_what_is_free_has_one():
    tally = Tally()
    tally.add(UsageReported(5, 5, 0), Profile("vllm", "m", "lan"))
    assert (tally.cost, tally.is_cost_whole) == (None, False)
    tally.add(UsageReported(5, 5, 0), Profile("router", "m:free", price=Price("2026-01-02", (Rates(0, 0, 0, 0, 0),))))
    assert tally.cost == 0
    assert not cost_text(Standing("a", "p", "m", cost=tally.cost, is_cost_whole=False))


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
    amounts = (0, 0.00001, 0.000_07, 0.0031, 0.0123, 0.0996, 1.2, 1234.5)
    assert [dollars_text(amount) for amount in amounts] == [
        "$0",
        "<$0.0001",
        "$0.0001",
        "$0.0031",
        "$0.012",
        "$0.10",
        "$1.20",
        "$1,234",
    ]
    assert [dollars_text(amount, is_whole=False) for amount in (0.00001, 0.12)] == [">$0", "≥ $0.12"]
    assert cost_text(Standing("a", "p", "m", cost=0.12)) == "about $0.12"
