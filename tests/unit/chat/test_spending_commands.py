"""/cost and /egress."""

import pytest

from ally.chat.commands.registry import run_command
from ally.egress.ledger import Transfer, ledger
from ally.events import UsageReported


@pytest.fixture
def transfers():
    """Room for transfers in the ledger of this process."""
    before = ledger.transfers
    yield ledger
    assert ledger.transfers[: len(before)] == before


def transfer(host, location, *, status=200, sent=1000, refused=False, purpose="model"):
    return Transfer(purpose, "POST", "https", host, 443, location, status, sent, 50, 0.1, refused=refused)


async def test_tokens_are_told_once_a_service_counts_them(chat):
    assert "No service has counted" in await run_command(chat, "/cost")
    chat.tally.add(UsageReported(input_tokens=12_000, output_tokens=345, cached_input_tokens=9_000))
    told = await run_command(chat, "/cost")
    assert "12,000 tokens, 9,000 of them from a cache" in told
    assert "345 tokens" in told
    assert "nothing for this model" in told


async def test_what_left_the_machine_is_told_farthest_first_and_by_purpose(chat, transfers):
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
