"""Which passages of a request may be the values of the parameters of a tool."""

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise

from ally.providers.tool_calling.tiny.said import Said, looks_like_path, unique
from ally.providers.tool_calling.tiny.spans import is_file, is_path, kinds, words

HERE = "."
MOST_WORDS = 7
"""What is looked for without quotes is no longer than this, with words such as "the text" before it."""
_PARTLY = re.compile(
    r"(?:with|contain\w*|having)\s+[\"'`]?(?P<part>[\w.-]+)[\"'`]?\s+in\s+(?:the|their|its)\s+(?:file\s?)?names?",
    re.IGNORECASE,
)
_LINES = re.compile(r"(\d+)\s*(?:-|\u2013|to|and|bis|und|a|à|y|et)\s*(\d+)")


def paths(said: Said) -> list[str]:
    """Files and folders, those first that are called so."""
    named = [part.text for at, part in enumerate(said.parts) if _is_named(said, at)]
    known = [part.text for part in said.parts if looks_like_path(part) or part.kind == "extension"]
    spoken = [kinds()["names"].get(part.word, "") for part in said.parts]
    return unique([*named, *known]) or unique(spoken)


def file_paths(said: Said) -> list[str]:
    """Paths that are not said to be folders; what is quoted, where nothing else may be one."""
    marked = {part.text for part in said.parts if part.is_folder}
    known = paths(said)
    if len(known) == 2 and len(marked) == 1 and "/" not in (inside := next(iter(set(known) - marked), "/")):
        return [f"{next(iter(marked)).rstrip('/')}/{inside}"]
    found = [path for path in known if path not in marked] or (known if said.has("read") else [])
    quoted = (part.text for part in said.parts if part.kind in ("quoted", "code") and not part.is_folder)
    return found or (list(said.earlier[:1]) if said.has("refers") else []) or unique(quoted)


def folders(said: Said) -> list[str]:
    """What is said to be a folder, then paths that do not look like files."""
    marked = [part.text for part in said.parts if part.is_folder]
    found = unique([*marked, *(part.text for part in said.parts if part.kind == "path" and not is_file(part.text))])
    return found or (["~"] if said.words() & {"home"} and said.has("folder") else [])


def literals(said: Said) -> list[str]:
    """Quoted text and code that is no path, in order; paths among them if nothing else is quoted."""
    quoted = [part for part in said.parts if part.kind in ("quoted", "code") and not part.is_folder]
    plain = unique(part.text for part in quoted if not is_path(part.text))
    return plain or unique(part.text for part in quoted)


def contents(said: Said) -> list[str]:
    """What is to be written into a file."""
    names = {path for path in paths(said) if path}
    quoted = [part.text for part in said.parts if part.kind in ("quoted", "code") and part.text not in names]
    if quoted:
        return [max(quoted, key=len)]
    if said.has("invented"):
        return []
    to_the_end = [] if said.is_cut else unique([*_after_colon(said), *_after_containing(said)])
    return to_the_end[:1] or unique(_before_target(said))


def is_bare_creation(said: Said) -> bool:
    """Whether a file is to be made and nothing is said about what is in it."""
    verb = said.index("empty")
    target = next((at for at, part in enumerate(said.parts) if looks_like_path(part) and not part.is_folder), -1)
    known = words("stop") | words("file") | words("empty") | words("named") | {"text"}
    is_plain = 0 <= verb < target and all(part.word in known for part in said.parts[verb:target])
    rest = said.parts[target + 1 :]
    return is_plain and not any(part.word in words("containing") | words("write") | words("invented") for part in rest)


def pairs(said: Said) -> list[tuple[str, str]]:
    """What is to be replaced and by what."""
    names = {path for path in paths(said) if path}
    quoted = [part.text for part in said.parts if part.kind in ("quoted", "code") and part.text not in names]
    if len(quoted) < 2 and not said.has("removing"):
        quoted = [part.text for part in said.parts if part.kind in ("quoted", "code")]
    if len(quoted) >= 2:
        old, new = quoted[:2]
        return [(new, old)] if "instead" in said.words() else [(old, new)]
    if len(quoted) == 1 and said.has("removing"):
        return [(quoted[0], "")]
    return list(_worded_pairs(said))


def patterns(said: Said) -> list[str]:
    """Globs for names of files."""
    written = said.values("glob") + [f"*{part.text}" for part in said.parts if part.kind == "extension"]
    if written:
        return written
    if partly := _PARTLY.search(said.text):
        return [f"*{partly['part']}*"]
    starts = said.index("starting")
    if starts >= 0:
        for part in said.parts[starts + 1 :]:
            if part.kind in ("quoted", "code") or (part.kind == "word" and part.word not in words("stop")):
                return [f"{part.text}*"]
    files = [part.text for part in said.parts if looks_like_path(part) and not part.is_folder]
    if files:
        return unique(files)[:1]
    folder = said.index("folder")
    named = [part for at, part in enumerate(said.parts) if _is_named(said, at)]
    if named:
        return [f"{named[0].text.rstrip('/')}/" if folder >= 0 and named[0].is_folder else _as_glob(named[0].text)]
    kind = [kinds()["patterns"].get(part.word, "") for part in said.parts if not part.is_folder]
    mine = [part.text for at, part in enumerate(said.parts) if part.kind == "word" and said.before(at, "my")]
    return unique(kind)[:1] or [_as_glob(text) for text in literals(said) or mine[:1]]


def searches(said: Said) -> list[str]:
    """What to look for inside of files."""
    if quoted := literals(said):
        return quoted[:1]
    names = [part.text for part in said.parts if part.kind == "word" and _is_identifier(part.text)]
    return names[:1] or unique(_worded_search(said))


def commands(said: Said) -> list[str]:
    """Commands as they stand there."""
    if moved := _moved(said):
        return [moved]
    if written := said.values("command", "code"):
        return written[:1]
    if said.is_cut or not said.parts:
        return []
    if said.parts[0].word in words("programs") and not _goes_on_as_sentence(said):
        return [said.text.strip()]
    found = [*_worded_command(said), _known_command(said)]
    return unique(found)[:1] or said.values("quoted")[:1]


def _goes_on_as_sentence(said: Said) -> bool:
    """Whether what begins like a command is rather a sentence: make the tests pass."""
    return len(said.parts) > 1 and said.parts[1].word in words("stop")


def _worded_command(said: Said) -> Iterator[str]:
    """What comes after a word such as run."""
    first, last = said.index("run") + 1, len(said.parts)
    if not first:
        return
    while first < last and said.parts[first].word in words("after_run"):
        first += 1
    while last > first and (said.parts[last - 1].word in words("end_run") or said.parts[last - 1].text == "?"):
        last -= 1
    if last > first + 1 and said.parts[last - 1].word == "me" and said.parts[last - 2].word == "for":
        last -= 2
    if first < last and said.parts[first].kind == "quoted":
        yield said.parts[first].text
    elif first < last and said.parts[first].word not in words("stop"):
        yield _with_interpreter(said.passage(first, last))


def windows(said: Said) -> tuple[int | None, int | None]:
    """(first line, number of lines) that are asked for."""
    if not said.has("last_lines"):
        return None, None
    if both := _LINES.search(said.text):
        first, last = int(both[1][:9]), int(both[2][:9])
        if 1 <= first <= last:
            return first, last - first + 1
    for at, part in enumerate(said.parts):
        if part.kind == "number" and part.text.isdigit() and len(part.text) <= 9 and int(part.text) > 0:
            follows_line = at > 0 and said.parts[at - 1].word in words("last_lines")
            if follows_line or said.before(at, "from_line"):
                return int(part.text), None
            return None, int(part.text)
    return None, None


def numbers(said: Said) -> list[int]:
    """Whole numbers."""
    return [int(text) for text in said.values("number") if text.isdigit() and len(text) <= 15]


def _known_command(said: Said) -> str:
    """The command that answers a question about the machine or the repository."""
    for entry in kinds()["commands"]:
        if all(any(word in said.words() for word in choice.split("|")) for choice in entry["words"]):
            return entry["command"]
    return ""


def _moved(said: Said) -> str:
    """The command that moves or copies one path to another, or makes a folder."""
    named = [shlex.quote(part.text) for part in said.parts if looks_like_path(part)]
    if len(named) == 2 and said.has("move"):
        return f"mv {named[0]} {named[1]}"
    if len(named) == 2 and said.has("copy"):
        return f"cp {named[0]} {named[1]}"
    if len(named) == 1 and said.has("make") and said.has("folder"):
        return f"mkdir -p {named[0]}"
    return ""


def _is_named(said: Said, at: int) -> bool:
    """Whether the part comes after a word such as called, or after the word file."""
    part = said.parts[at]
    if part.kind not in ("word", "quoted", "code", "path") or part.word in words("stop"):
        return False
    if said.before(at, "named"):
        return at > 1 and said.parts[at - 2].kind == "word"
    return part.kind != "word" and said.before(at, "file")


def _as_glob(name: str) -> str:
    return name if is_path(name) or "*" in name else f"*{name}*"


def _is_identifier(text: str) -> bool:
    """Whether it is a name such as foo_bar or fooBar, which no sentence has."""
    camel = any(left.islower() and right.isupper() for left, right in pairwise(text))
    return ("_" in text.strip("_") or camel) and text.isidentifier()


def _with_interpreter(command: str) -> str:
    """A script that is named without how to run it."""
    if any(char.isspace() for char in command) or "/" in command:
        return command
    dot = command.rfind(".")
    program = kinds()["interpreters"].get(command[dot:].lower(), "") if dot > 0 else ""
    return f"{program} {command}" if program else command


def _after_colon(said: Said) -> Iterator[str]:
    for part in said.parts:
        if part.text == ":" and part.kind == "mark":
            yield said.text[part.end :].strip()
            return


def _after_containing(said: Said) -> Iterator[str]:
    at = said.index("containing")
    if at < 0:
        return
    first = at + 1
    while first < len(said.parts) and said.parts[first].word in words("containing") | words("lead"):
        first += 1
    last = next((at for at in range(first, len(said.parts)) if looks_like_path(said.parts[at])), len(said.parts))
    if last < len(said.parts):
        while last > first and said.parts[last - 1].word in words("stop") | words("file"):
            last -= 1
    yield said.passage(first, last)


def _before_target(said: Said) -> Iterator[str]:
    """The words between a verb such as write and the file."""
    verb = said.index("write")
    target = next((at for at, part in enumerate(said.parts) if looks_like_path(part)), -1)
    if verb < 0 or target < verb:
        return
    last = next((at for at in range(target - 1, verb, -1) if said.parts[at].word in words("into")), -1)
    if last < 0:
        return
    first = verb + 1
    while first < last - 1 and said.parts[first].word in words("lead"):
        first += 1
    between = {said.parts[at].word for at in range(first, last)}
    if between <= words("stop") | words("file") or not between.isdisjoint(words("write")):
        return  # "write it to", or "make one and save it to"
    yield said.passage(first, last)


def _worded_pairs(said: Said) -> Iterator[tuple[str, str]]:
    """Replace A by B, where neither is quoted."""
    verb = max((at for at, part in enumerate(said.parts) if part.word in words("change")), default=-1)
    if verb < 0:
        return
    ends = [at for at in range(verb + 1, len(said.parts)) if looks_like_path(said.parts[at])]
    end = ends[0] if ends else len(said.parts)
    middle = next((at for at in range(verb + 2, end) if said.parts[at].word in words("becomes")), -1)
    if middle < 0:
        return
    while end > middle + 1 and ends and said.parts[end - 1].word in words("stop") | words("file") | words("inside"):
        end -= 1
    old, new = _trimmed(said, verb + 1, middle), _trimmed(said, middle + 1, end)
    if old and new:
        yield old, new


def _worded_search(said: Said) -> Iterator[str]:
    """What comes after for, word, contain, and the like, to the next word such as in."""
    starts = [at for at, part in enumerate(said.parts) if part.word in words("search")]
    verb = starts[0] if starts else -1
    if verb < 0:
        verb = said.index("which") if said.has("which") else 0
    last = next(
        (at for at in range(verb + 1, len(said.parts)) if said.parts[at].word in words("end_search") and at > verb + 1),
        len(said.parts),
    )
    while last > verb + 1 and said.parts[last - 1].kind == "mark":
        last -= 1
    if last - verb - 1 <= MOST_WORDS and not any(part.word in words("file") for part in said.parts[verb + 1 : last]):
        yield _trimmed(said, verb + 1, last)


def _trimmed(said: Said, first: int, last: int) -> str:
    """The passage without words such as "the word" before it."""
    while first < last - 1 and said.parts[first].word in words("lead") | words("search"):
        first += 1
    while last > first + 1 and said.parts[last - 1].kind == "mark":
        last -= 1
    return said.passage(first, last)
