"""/context /compact: what fills the model's window."""

from contextlib import aclosing

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.engine.compaction import compact
from ally.engine.context import shares, used
from ally.events import Compacted, Notice
from ally.models.facts import SMALL_WINDOW
from ally.providers.model import Profile
from ally.terminal.text import clean, one_line

BAR_COLUMNS = 30
SOURCES = {
    "measured": "measured",
    "server": "says the server",
    "catalogue": "says the catalogue",
    "user": "as you set it",
    "guess": "a guess",
}
"""Who says how large the window is."""
NO_WINDOW = "; the size of the window is not known (context_window in provider_options sets it)"


async def context(chat: Chat, rest: str) -> str:
    """The parts of the next request, with bars."""
    parts, total = shares(chat.talk), used(chat.talk)
    window = chat.talk.model.profile.context_window
    whole = window or total or 1
    rows = [(share.name, share.tokens) for share in parts]
    if window is not None:
        rows.append(("free", max(0, window - total)))
    width = max(len(name) for name, _ in rows)
    lines = [
        f"{name:<{width}}  {tokens:>9,}  {tokens / whole:>4.0%}  {_bar(tokens / whole)}".rstrip()
        for name, tokens in rows
    ]
    lines.append(f"about {total:,} tokens{_of_window(chat.talk.model.profile, total)}")
    if turn := last_turn(chat):
        lines.append(f"last turn: {turn}")
    return "\n".join(lines)


def _of_window(profile: Profile, total: int) -> str:
    """What follows a number of tokens: the window they are of, and who says how large it is."""
    window = profile.context_window
    if window is None:
        return NO_WINDOW
    return f" of {window:,} ({total / window:.0%}; {SOURCES[profile.context_window_source]})"


def doubt_window(profile: Profile) -> str:
    """A word on a window that is too small for work with tools; empty for others."""
    window = profile.context_window
    if window is None or window >= SMALL_WINDOW or profile.is_tiny:
        return ""
    return f"its window holds {window:,} tokens, little for work with tools: !ally doctor says how to get a larger one"


def last_turn(chat: Chat) -> str:
    """How much of its prompts the model read anew in the last turn; empty before the first."""
    turn = chat.talk.meter.turn
    if not turn.requests:
        return ""
    calls = f"{turn.requests} request{'' if turn.requests == 1 else 's'}"
    reused = "reuse not reported" if turn.reused is None else f"{turn.reused:,} reused"
    seconds = "" if turn.seconds is None else f", in {turn.seconds:.1f} s"
    broken = f"; broken: {turn.broken_at}" if turn.broken_at else ""
    return f"{calls}, {turn.prefilled:,} tokens read, {reused}{seconds}{broken}"


async def shorten(chat: Chat, focus: str) -> str:
    """Put a summary in place of the history."""
    if not chat.talk.messages:
        return "There is nothing to summarise."
    chat.talk.interrupt.start(chat.talk.limits.max_seconds)
    said = ""
    async with aclosing(compact(chat.talk, focus)) as events:
        async for event in events:
            chat.tally.add(event, chat.talk.model.profile)
            match event:
                case Notice(text):
                    chat.front.say(f"({one_line(text)})")
                case Compacted(before, after, summary):
                    said = f"About {before:,} tokens became {after:,}. The summary:\n\n{clean(summary)}"
                case _:
                    pass
    return said or "There is nothing to summarise."


def _bar(share: float) -> str:
    return "█" * min(BAR_COLUMNS, round(share * BAR_COLUMNS))


COMMANDS = {
    "/context": Command("/context", "what fills the model's window", context),
    "/compact": Command("/compact [FOCUS]", "put a summary in place of the conversation", shorten),
}
