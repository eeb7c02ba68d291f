"""The checks in order, each with a time limit, none able to take the others down."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ally.errors import (
    AllyError,
    ConfigError,
    MissingKey,
    OfflineRefused,
    ProviderError,
    RefusedKey,
    UnknownModel,
    Unreachable,
)
from ally.messages import user
from ally.providers.check import checks
from ally.providers.check.answers import ask
from ally.providers.check.checks import Finding, Known, Verdict, failed, not_supported, passed
from ally.providers.model import Model, Request

WRONG_KEY = "ally-check-wrong-key-0000"
"""The key for the second factory of `check_model`."""
LIMIT_S = 90.0
HOPELESS = (MissingKey, RefusedKey, UnknownModel, Unreachable, OfflineRefused)
"""After one of these there is no use in going on."""
CHECKS: dict[str, checks.Check] = {
    "invoke": checks.invoke,
    "stream": checks.stream,
    "usage": checks.usage,
    "stop reason": checks.stop_reason,
    "tool call": checks.tool_call,
    "tool result": checks.tool_result,
    "parallel calls": checks.parallel_calls,
    "structured output": checks.structured_output,
    "Unicode": checks.unicode,
    "cancellation": checks.cancellation,
}
NAMES = ("init", *CHECKS, "wrong key")
ModelFactory = Callable[[], Model]


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One line of the table."""

    name: str
    verdict: Verdict
    reason: str
    seconds: float


async def check_model(
    open_model: ModelFactory,
    open_with_wrong_key: ModelFactory | None = None,
    *,
    limit_s: float = LIMIT_S,
    report: Callable[[CheckRow], None] = lambda row: None,
) -> list[CheckRow]:
    """Run all checks, in the order of `NAMES`, and give a row for each.

    `open_with_wrong_key` makes the model with `WRONG_KEY`; None if the provider needs no key. `limit_s` is the time
    for one check. `report` gets each row as soon as it is there. Nothing but cancellation is raised.
    """
    rows: list[CheckRow] = []

    def add(row: CheckRow) -> None:
        rows.append(row)
        report(row)

    opened: list[Model] = []

    async def init() -> Finding:
        opened.append(await asyncio.to_thread(open_model))
        profile = opened[0].profile
        return passed(f"{profile.model} ({profile.location}, {profile.road} road)")

    first, _ = await _row("init", init, limit_s)
    add(first)
    hopeless = "" if opened else "init failed"
    known = Known()
    for name, check in CHECKS.items():
        if hopeless:
            add(CheckRow(name, "not supported", f"not tried: {hopeless}", 0.0))
            continue
        row, error = await _row(name, lambda check=check: check(opened[0], known), limit_s)
        add(row)
        if isinstance(error, HOPELESS):
            hopeless = f"{name} failed with {type(error).__name__}"
    for model in opened:
        await _close(model)
    add((await _row("wrong key", lambda: _wrong_key(open_with_wrong_key, hopeless), limit_s))[0])
    return rows


async def _wrong_key(open_model: ModelFactory | None, hopeless: str) -> Finding:
    if open_model is None:
        return not_supported("this provider needs no key")
    if hopeless:
        return not_supported(f"not tried: {hopeless}")
    try:
        model = await asyncio.to_thread(open_model)
    except (RefusedKey, MissingKey, ConfigError) as error:
        return _without_leak(error, "refused before the first request")
    try:
        await ask(model, Request([user("hi")], purpose="check"))
    except RefusedKey as error:
        return _without_leak(error, "")
    except ProviderError as error:
        return failed(f"reported as {type(error).__name__}: {error.message}")
    finally:
        await _close(model)
    return not_supported("the service takes any key")


def _without_leak(error: AllyError, reason: str) -> Finding:
    if WRONG_KEY in error.message + error.hint:
        return failed("the error text shows the key")
    return passed(reason)


async def _row(
    name: str, run: Callable[[], Awaitable[Finding]], limit_s: float
) -> tuple[CheckRow, BaseException | None]:
    began = time.perf_counter()
    caught: BaseException | None = None
    try:
        async with asyncio.timeout(limit_s):
            finding = await run()
    except TimeoutError as error:
        caught, finding = error, failed(f"no result within {limit_s:g} s")
    except AllyError as error:
        caught, finding = error, failed(error.message)
    except Exception as error:  # noqa: BLE001 - boundary: a stranger's provider runs here
        caught, finding = error, failed(f"{type(error).__name__}: {error}")
    return CheckRow(name, finding.verdict, finding.reason, time.perf_counter() - began), caught


async def _close(model: Model) -> None:
    try:
        await model.close()
    except Exception:  # noqa: BLE001 - boundary: as above; the checks are over
        return
