"""Trying the ways of calling tools one after the other, and choosing the best."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from ally.errors import AllyError, MissingKey, OfflineRefused, RefusedKey, UnknownModel, Unreachable
from ally.models.verdicts import Verdict
from ally.providers.model import Model, Profile, ToolCalling
from ally.providers.tool_calling import ToolCallingModel, with_tools
from ally.providers.tool_calling.probes import PROBES, Probe

LIMIT_S = 120.0
"""Seconds for one probe: a model may have to be loaded first."""

MARGIN = 2
MOST_ERRORS = 3
"""After so many probes in a row that could not be tried, the others of that way are not tried either."""

WAYS: tuple[ToolCalling, ...] = ("native", "schema", "text")
HOPELESS = (MissingKey, RefusedKey, UnknownModel, Unreachable, OfflineRefused)
"""After one of these there is no use in going on."""

State = Literal["passed", "failed", "error"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one probe showed. `error`: it could not be tried, which says nothing of the model."""

    name: str
    state: State
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Tried:
    """One way, and what its probes showed; with `refused` the service does not do it, and none was tried."""

    way: ToolCalling
    outcomes: Sequence[Outcome] = ()
    refused: str = ""

    @property
    def passed(self) -> int:
        """How many probes passed."""
        return sum(outcome.state == "passed" for outcome in self.outcomes)

    @property
    def errors(self) -> int:
        """How many probes could not be tried."""
        return sum(outcome.state == "error" for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class Report:
    """Who is told of what happens: each way as it begins, each probe as it ends."""

    begin: Callable[[ToolCalling], None] = lambda way: None
    outcome: Callable[[Outcome], None] = lambda outcome: None


async def check(
    model: Model,
    report: Report,
    *,
    only: ToolCalling | None = None,
    limit_s: float = LIMIT_S,
    probes: Mapping[str, Probe] = PROBES,
) -> list[Tried]:
    """Try the ways in the order of `WAYS`, up to the first in which everything passes; or `only` that one.

    Raises:
        ProviderError: the model cannot be reached or used at all.
    """
    inner = model.inner if isinstance(model, ToolCallingModel) else model
    found: list[Tried] = []
    ways: tuple[ToolCalling, ...] = (only,) if only else WAYS
    for way in ways:
        refused = _refused(way, inner.profile)
        if refused:
            found.append(Tried(way, refused=refused))
            continue
        report.begin(way)
        found.append(await _try(with_tools(inner, way), way, report, limit_s, probes))
        if found[-1].outcomes and found[-1].passed == len(probes):
            break
    return found


def best(tried: Sequence[Tried]) -> Tried | None:
    """The way in which most probes passed; None if nothing could be tried.

    A way replaces an earlier one only if it passes `MARGIN` more: one probe is chance, and the earlier way is closer to
    what the service was made for.
    """
    chosen: Tried | None = None
    for one in tried:
        if one.refused or one.errors * 2 >= len(one.outcomes):
            continue
        if chosen is None or one.passed >= chosen.passed + MARGIN or (one.passed and not chosen.passed):
            chosen = one
    return chosen


def verdict_of(chosen: Tried, profile: Profile) -> Verdict:
    """What is kept of the check of the model with `profile`."""
    passed = {outcome.name: outcome.state == "passed" for outcome in chosen.outcomes}
    return Verdict(chosen.way, passed, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", profile.digest)


async def _try(
    model: ToolCallingModel, way: ToolCalling, report: Report, limit_s: float, probes: Mapping[str, Probe]
) -> Tried:
    outcomes: list[Outcome] = []
    for name, probe in probes.items():
        outcome = await _outcome(name, probe, model, limit_s)
        if model.profile.tool_calling != way:
            # The service refused, and the model went over to the next way, which has its own turn.
            return Tried(way, refused="the service refuses it")
        outcomes.append(outcome)
        report.outcome(outcome)
        if len(outcomes) >= MOST_ERRORS and all(one.state == "error" for one in outcomes[-MOST_ERRORS:]):
            reason = f"not tried: the {MOST_ERRORS} before it could not be tried"
            outcomes += [Outcome(other, "error", reason, 0.0) for other in list(probes)[len(outcomes) :]]
            break
    return Tried(way, outcomes)


async def _outcome(name: str, probe: Probe, model: Model, limit_s: float) -> Outcome:
    began = time.perf_counter()
    state: State = "error"
    try:
        async with asyncio.timeout(limit_s):
            reason = await probe(model)
        state = "failed" if reason else "passed"
    except TimeoutError:
        reason = f"no answer within {limit_s:g} s"
    except HOPELESS:
        raise
    except AllyError as error:
        reason = error.message
    except Exception as error:  # noqa: BLE001 - boundary: a stranger's provider runs here
        reason = f"{type(error).__name__}: {error}"
    return Outcome(name, state, reason, time.perf_counter() - began)


def _refused(way: ToolCalling, profile: Profile) -> str:
    if way == "native" and not profile.tools:
        return "the service says that this model takes no tools"
    if way == "schema" and not profile.constrains:
        return "the service cannot hold an answer to a schema"
    return ""
