"""/context /compact: what fills the model's window."""

from contextlib import aclosing

from ally.cli.commands.chat import Chat, Command
from ally.cli.terminal import clean, one_line
from ally.engine.compaction import compact
from ally.engine.context import shares, used
from ally.events import Compacted, Notice

BAR_COLUMNS = 30


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
    of_window = f" of {window:,} ({total / whole:.0%})" if window else "; the size of the window is not known"
    return "\n".join([*lines, f"about {total:,} tokens{of_window}"])


async def shorten(chat: Chat, focus: str) -> str:
    """Put a summary in place of the history."""
    if not chat.talk.messages:
        return "There is nothing to summarise."
    chat.talk.interrupt.start(chat.talk.limits.max_seconds)
    said = ""
    async with aclosing(compact(chat.talk, focus)) as events:
        async for event in events:
            match event:
                case Notice(text):
                    chat.say(f"({one_line(text)})")
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
