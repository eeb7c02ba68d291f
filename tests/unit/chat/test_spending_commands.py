"""/cost and /egress."""

import pytest

from ally.chat.commands.registry import run_command
from ally.egress.ledger import Transfer, ledger
from ally.events import UsageReported
from ally.messages import assistant, user
from ally.models.price import Price, Rates
from ally.providers.model import Profile
from tests.fakes.reply import Reply


@pytest.fixture
def transfers():
    """Room for transfers in the ledger of this process."""
    before = ledger.transfers
    yield ledger
    assert ledger.transfers[: len(before)] == before


def transfer(host, location, *, status=200, sent=1000, refused=False, purpose="model"):
    return Transfer(purpose, "POST", "https", host, 443, location, status, sent, 50, 0.1, refused=refused)


PRICE = Price("2026-01-02", (Rates(0, 5, 25, 0.5, 6), Rates(200_000, 10, 50, 1, 12)))


def usage(read=10_000, written=1_000, cached=0):
    return UsageReported(input_tokens=read, output_tokens=written, cached_input_tokens=cached)


async def test_tokens_are_told_once_a_service_counts_them(chat):
    told = await run_command(chat, "/cost")
    assert "No service has counted" in told
    assert "nothing: it runs on this machine" in told
    chat.tally.add(usage(12_000, 345, 9_000), chat.talk.model.profile)
    told = await run_command(chat, "/cost")
    assert "12,000 tokens, 9,000 of them from a cache" in told
    assert "345 tokens" in told
    assert "nothing: it runs on this machine" in told
    assert "MODEL" not in told


async def test_the_cost_is_told_by_model_with_the_day_of_the_prices(chat, desk):
    desk.columns = 130
    chat.tally.add(usage(), chat.talk.model.profile)
    chat.tally.add(usage(cached=6_000), Profile("cloud", "big\x1b[2J", price=PRICE))
    told = await run_command(chat, "/cost")
    assert "cost      about $0.048; prices as listed on 2026-01-02 (!ally models update" in told
    rows = [" ".join(line.split()) for line in told.splitlines()]
    assert "ollama:qwen3:8b 10,000 0 1,000 nothing: this machine" in rows
    listed = "$5 read, $25 written, $0.5 cached; more for long prompts"
    assert f"cloud:big[2J 10,000 6,000 1,000 about $0.048 {listed}" in rows
    assert "\x1b" not in told
    chat.tally.add(usage(), Profile("gateway", "big"))
    told = await run_command(chat, "/cost")
    assert "cost      ≥ $0.048, without 1 of 3 requests whose price nobody lists" in told
    assert any(line.split()[0] == "gateway:big" and line.endswith("not known") for line in told.splitlines())


async def test_a_price_that_nobody_lists_is_not_known(chat):
    chat.tally.add(usage(), Profile("gateway", "big"))
    told = await run_command(chat, "/cost")
    assert "not known: nobody lists a price" in told
    assert "$" not in told


async def test_summaries_count_for_the_model_that_wrote_them(chat, ollama):
    ollama.always(Reply("The summary."))
    chat.talk.messages += [user("a question " * 200), assistant("an answer")]
    await run_command(chat, "/model phi4-mini:latest")
    await run_command(chat, "/compact")
    assert [(one.model, one.requests) for one in chat.tally.spent] == [("phi4-mini:latest", 1)]


async def test_what_left_the_machine_is_told_farthest_first_and_by_purpose(chat, desk, transfers):
    desk.columns = 200  # whatever other tests have left in the ledger
    transfers.add(transfer("127.0.0.1", "local"))
    transfers.add(transfer("10.0.0.7", "lan", sent=2_500_000))
    for status in (200, 429):
        transfers.add(transfer("api.vendor.example", "cloud", status=status))
    transfers.add(transfer("api.vendor.example", "cloud", status=None, refused=True, sent=0))
    transfers.add(transfer("evil\x1b[2J.example", "cloud", purpose="lookup", sent=1))
    lines = (await run_command(chat, "/egress")).splitlines()
    rows = [" ".join(line.split()) for line in lines]
    vendor = next(row for row in rows if row.startswith("api.vendor.example:443"))
    assert vendor == "api.vendor.example:443 cloud model 3 2 kB 150 B 1 refused by Ally, 1"
    assert any(row.startswith("10.0.0.7:443 your network model 1 2.5 MB") for row in rows)
    place = [
        next(at for at, row in enumerate(rows) if word in row) for word in ("cloud", "your network", "this machine")
    ]
    assert place == sorted(place)
    assert not any("\x1b" in line for line in lines)
