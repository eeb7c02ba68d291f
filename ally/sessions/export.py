"""A session as a document: Markdown, JSON, or one HTML file that runs and fetches nothing."""

import base64
import html
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ally.messages import JsonObject
from ally.sessions.codec import VERSION, encode, encode_all
from ally.sessions.entries import Entry
from ally.sessions.masking import mask_json
from ally.sessions.session import Session
from ally.sessions.transcript import Called, Fact, Item, Picture, Said, Thought, transcript

FORMAT = "ally-session"

_NAMES = {"user": "You", "assistant": "Ally"}
_SHOWABLE = ("image/png", "image/jpeg", "image/gif", "image/webp")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_ACTIVE = re.compile(r"(\\*)(<(?=[A-Za-z/!?])|!\[)")
_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1d1d1f; --dim: #63666b; --line: #d8dadd; --user: #eef3fb; }
@media (prefers-color-scheme: dark) {
  :root { --back: #17181a; --text: #e4e4e6; --dim: #9b9ea4; --line: #3a3c40; --user: #20293a; }
}
body { background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 50rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
.dim, summary { color: var(--dim); font-size: .9rem; }
.user, .assistant { margin: 1rem 0; overflow-wrap: anywhere; white-space: pre-wrap; }
.user { background: var(--user); border-radius: .5rem; padding: .6rem .9rem; }
pre { border: 1px solid var(--line); border-radius: .4rem; font-size: .85rem; overflow-x: auto; padding: .6rem; }
img { max-width: 100%; }
.error summary { color: #c9302c; }
"""


def to_json(session: Session, entries: Sequence[Entry], mask: Callable[[str], str]) -> str:
    """Everything that was written, as one JSON object in plain ASCII; messages carry their version `v`."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "id": session.id,
        "folder": str(session.folder),
        "agent": session.agent,
        "title": session.title,
        "entries": [_entry(entry) for entry in entries],
    }
    return json.dumps(mask_json(document, mask), indent=2) + "\n"


def to_markdown(session: Session, entries: Sequence[Entry], clean: Callable[[str], str]) -> str:
    """The conversation as Markdown; calls of tools are code blocks which their text cannot close."""
    head = [
        f"# {_plain(clean(session.title)) or 'Session'}",
        f"Session {session.id} · {session.agent} · {_began(entries)}",
    ]
    blocks = [_markdown(item) for item in transcript(entries, clean)]
    return "\n\n".join([*head, *filter(None, blocks)]) + "\n"


def to_html(session: Session, entries: Sequence[Entry], clean: Callable[[str], str]) -> str:
    """The conversation as one HTML file; all text is escaped, and its policy forbids scripts and requests."""
    title = html.escape(clean(session.title) or "Session")
    about = html.escape(clean(f"Session {session.id} · {session.agent} · {session.folder} · {_began(entries)}"))
    body = "\n".join(_html(item) for item in transcript(entries, clean))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{title}</h1>\n<p class="dim">{about}</p>\n{body}\n</body>\n</html>\n'
    )


def fenced(text: str, language: str = "") -> str:
    """`text` as a code block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip(chr(10))}\n{fence}"


def date_text(at: int, *, local: bool = False) -> str:
    """A time of an entry for people, in UTC or as the clock on the wall says; "?" for one that no calendar has."""
    try:
        when = datetime.fromtimestamp(at, UTC)
        return f"{when.astimezone():%Y-%m-%d %H:%M}" if local else f"{when:%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return "?"


def _entry(entry: Entry) -> JsonObject:
    value: JsonObject = {"kind": entry.kind, "at": entry.at}
    if entry.problem:
        value["problem"] = entry.problem
    elif entry.message is not None:
        value["message"] = encode(entry.message)
    elif entry.kind == "compact":
        value["messages"] = encode_all(entry.messages)
    else:
        value["data"] = entry.data
    return value


def _began(entries: Sequence[Entry]) -> str:
    return date_text(entries[0].at) if entries else ""


def _markdown(item: Item) -> str:
    match item:
        case Said(role, text):
            return f"## {_NAMES[role]}\n\n{_guarded(text)}" if text.strip() else ""
        case Thought(text):
            return f"*Thinking:*\n\n{fenced(text)}" if text.strip() else ""
        case Picture(image):
            return f"*(picture, {_plain(image.media_type)}, {len(image.data):,} bytes)*"
        case Called(_, name, arguments, result, is_error):
            parts = [f"**Tool {_plain(name)}**"]
            parts += [fenced(arguments, "json")] if arguments else []
            parts += (
                ["*failed:*" if is_error else "*result:*", fenced(result)] if result is not None else ["*no result*"]
            )
            return "\n\n".join(parts)
        case Fact(text):
            return f"*{_plain(text)}*"


def _guarded(text: str) -> str:
    """`text` as the Markdown it is, but for tags and pictures outside of code, which a viewer would run or fetch.

    A code block that it leaves open is closed, so that what follows is not part of it.
    """
    fence, lines = "", list[str]()
    for line in text.rstrip("\n").split("\n"):
        start = _FENCE.fullmatch(line)
        run, rest = start.groups() if start else ("", "")
        if fence:
            is_end = run[:1] == fence[0] and len(run) >= len(fence) and not rest.strip()
            fence = "" if is_end else fence
        elif run and not (run[0] == "`" and "`" in rest):
            fence = run
        else:
            line = _ACTIVE.sub(_disarmed, line)  # noqa: PLW2901 - the line as it is written
        lines.append(line)
    return "\n".join([*lines, *([fence] if fence else [])])


def _disarmed(match: re.Match[str]) -> str:
    slashes, sign = match.groups()
    return match[0] if len(slashes) % 2 else f"{slashes}{sign[:-1]}\\{sign[-1]}"


def _plain(text: str) -> str:
    """One line in which Markdown and HTML mean nothing."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~])", r"\\\1", " ".join(text.split()))


def _html(item: Item) -> str:
    match item:
        case Said(role, text):
            return f'<div class="{role}">{html.escape(text)}</div>' if text.strip() else ""
        case Thought(text):
            return _folded("Thinking", [text]) if text.strip() else ""
        case Picture(image) if image.media_type in _SHOWABLE:
            data = base64.b64encode(image.data).decode()
            return f'<p><img alt="picture" src="data:{image.media_type};base64,{data}"></p>'
        case Picture(image):
            return f'<p class="dim">(picture, {html.escape(image.media_type)})</p>'
        case Called(_, name, arguments, result, is_error):
            state = "no result" if result is None else "failed" if is_error else "done"
            return _folded(f"{name} · {state}", [arguments, result or ""], "error" if is_error else "")
        case Fact(text):
            return f'<p class="dim">{html.escape(text)}</p>'


def _folded(summary: str, texts: Sequence[str], kind: str = "") -> str:
    blocks = "".join(f"<pre>{html.escape(text)}</pre>" for text in texts if text)
    return f'<details class="{kind}"><summary>{html.escape(summary)}</summary>{blocks}</details>'
