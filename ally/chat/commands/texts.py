"""/copy /show /thinking /image /edit /init: what was said and done, and what is said next."""

import asyncio
import json
import os
from pathlib import Path

from ally.chat.activity import title_of
from ally.chat.chat import Chat
from ally.chat.clipboard import clipboard_picture
from ally.chat.commands.command import Command
from ally.errors import UsageError
from ally.messages import AssistantMessage, BadToolCall, Thinking, ToolCall, ToolMessage, ToolResult
from ally.terminal.text import clean, one_line

_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_INIT = (
    "Look at this folder and write AGENTS.md for it: what an agent that works here has to know and cannot guess.\n\n"
    "Say in a few lines what the project is, how it is built, run and tested (try the commands if you can), where "
    "things are, and which rules its code follows. Take it from the files, not from what is usual. Be brief, leave out "
    "what any reader of the code sees at once, and if there is an AGENTS.md, correct it instead of replacing it."
)


async def copy(chat: Chat, which: str) -> str:
    """Put the last answer on the clipboard, or one of its code blocks."""
    answer = _last_answer(chat)
    blocks = _code_blocks(answer)
    if not which:
        text, what = answer, "The last answer"
    else:
        number = _number(which)
        if not 1 <= number <= len(blocks):
            has = f"The last answer has {len(blocks) or 'no'} code block{'' if len(blocks) == 1 else 's'}."
            raise UsageError(has, hint="/copy without a number copies all of it")
        text, what = blocks[number - 1], f"Code block {number}"
    if not chat.front.copy(clean(text)):
        raise UsageError("This terminal has no clipboard that Ally can reach.", hint="/export writes a file")
    more = f" (/copy 1 to {len(blocks)} copies a code block.)" if not which and blocks else ""
    return f"{what} is on the clipboard, if the terminal allows it: {len(text):,} characters.{more}"


async def show(chat: Chat, how_many: str) -> str:
    """The whole input and output of the last calls of tools."""
    count = _number(how_many) if how_many else 1
    calls = _calls(chat)
    if not calls:
        return "No tool was called yet."
    return "\n\n".join(_call_in_full(call, result) for call, result in calls[-count:])


async def thinking(chat: Chat, rest: str) -> str:
    """What the model thought before its last answer."""
    for message in reversed(chat.talk.messages):
        if isinstance(message, AssistantMessage):
            thoughts = [part.text for part in message.parts if isinstance(part, Thinking) and part.text.strip()]
            if thoughts:
                return clean("\n\n".join(thoughts)).strip()
    return "The model has shown no thinking yet."


async def image(chat: Chat, path: str) -> str:
    """Begin a message with a picture: the one of that path, or the one on the clipboard."""
    path = path or str(await asyncio.to_thread(clipboard_picture))
    _check_picture(path)
    chat.front.restore(f'@"{path}" ' if " " in path else f"@{path} ")
    return "" if chat.talk.model.profile.images is not False else "(This model says that it sees no pictures.)"


async def edit(chat: Chat, text: str) -> str:
    """Write the next message in an editor."""
    written = await chat.front.write("Your message", text)
    if written is None:
        return "Nothing was written."
    if written.strip():
        chat.front.send(written)
    return ""


async def init(chat: Chat, rest: str) -> str:
    """Let the agent write AGENTS.md for this folder."""
    if not any(spec.name == "write" for spec in chat.talk.tool_specs()):
        raise UsageError("This agent writes no files.", hint="/agent code_gen does")
    chat.front.send(f"{_INIT}\n\n{rest}".strip())
    return ""


def _check_picture(path: str) -> None:
    file = Path(os.path.expanduser(path))  # noqa: PTH111 - Path raises for odd names
    if not file.is_file():
        raise UsageError(f"There is no file {one_line(path)}.")
    if file.suffix.lower() not in _PICTURES:
        hint = f"they take {' '.join(_PICTURES)}"
        raise UsageError(f"{one_line(file.name)} is no picture that models take.", hint=hint)


def _last_answer(chat: Chat) -> str:
    for message in reversed(chat.talk.messages):
        if isinstance(message, AssistantMessage) and message.text.strip():
            return message.shown_text.strip("\n")
    raise UsageError("There is no answer yet.")


def _code_blocks(text: str) -> list[str]:
    from markdown_it import MarkdownIt  # heavy

    return [token.content.rstrip("\n") for token in MarkdownIt().parse(text) if token.type in ("fence", "code_block")]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 5 and int(text)):
        raise UsageError(f"{one_line(text)} is no number from 1 on.")
    return int(text)


def _calls(chat: Chat) -> list[tuple[ToolCall | BadToolCall, ToolResult | None]]:
    """Every call of a tool with its result, in order."""
    messages = chat.talk.messages
    results = {
        result.call_id: result for message in messages if isinstance(message, ToolMessage) for result in message.results
    }
    return [
        (part, results.get(part.id))
        for message in messages
        if isinstance(message, AssistantMessage)
        for part in message.parts
        if isinstance(part, ToolCall | BadToolCall)
    ]


def _call_in_full(call: ToolCall | BadToolCall, result: ToolResult | None) -> str:
    given = call.raw if isinstance(call, BadToolCall) else _arguments(call)
    came = "(no result)" if result is None else result.for_model or "(nothing)"
    mark = "✗" if result is not None and result.is_error else "→"
    return "\n".join([f"· {title_of(call)}", _indented(clean(given)), f"  {mark}", _indented(clean(came))])


def _arguments(call: ToolCall) -> str:
    """The arguments one to a line, texts of several lines as they are."""
    said: list[str] = []
    for name, value in call.args.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        said.append(f"{name}:\n{text}" if "\n" in text else f"{name}: {text}")
    return "\n".join(said)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip("\n").split("\n"))


COMMANDS = {
    "/copy": Command(
        "/copy [N]",
        "the last answer to the clipboard, or its code block N",
        copy,
        "The terminal does it (OSC 52), so it works over SSH too; some terminals have to be told to allow it.",
    ),
    "/show": Command("/show [N]", "the last call of a tool in full, or the last N", show),
    "/thinking": Command("/thinking", "what the model thought last", thinking),
    "/image": Command(
        "/image [PATH]",
        "add a picture to the next message",
        image,
        "The same as @PATH in a message; without a path it is the picture on the clipboard.",
    ),
    "/edit": Command("/edit [TEXT]", "write the next message in your editor", edit, "$VISUAL or $EDITOR says which."),
    "/init": Command("/init [WISHES]", "have AGENTS.md written for this folder", init),
}
