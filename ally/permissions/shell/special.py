"""Programs whose words are a small language: find, sed, jq, test, echo, printf."""

import re
from collections.abc import Sequence

from ally.permissions.shell.flags import Parsed
from ally.permissions.shell.names import names
from ally.permissions.shell.words import Word

UNKNOWN = "it uses a value that is not known"

_FIND_ALONE = names(
    "-print -print0 -empty -depth -mount -xdev -follow -daystart -noleaf -true -false -prune -quit -readable -writable "
    "-executable -nouser -nogroup -o -or -a -and -not ! ( ) , -ls -warn -nowarn -ignore_readdir_race"
)
_FIND_VALUE = names(
    "-name -iname -path -ipath -wholename -iwholename -regex -iregex -regextype -type -xtype -size -mtime -mmin -atime "
    "-amin -ctime -cmin -user -group -uid -gid -perm -maxdepth -mindepth -links -inum -fstype -printf -lname -ilname "
    "-used -newermt -newerat -newerct"
)
_FIND_FILE = names("-newer -anewer -cnewer -samefile -newermm -neweraa -newercc")

_SED_TEXT = r"(?:[^/\\\[\n]|\\[^\n]|\[\^?\]?(?:[^/\]\\\[\n]|\[:\w+:\])*\])*"
_SED_ADDRESS = rf"(?:\d+(?:~\d+)?|\$|/{_SED_TEXT}/I?)"
_SED_RANGE = rf"(?:{_SED_ADDRESS}(?:\s*,\s*(?:{_SED_ADDRESS}|\+\d+))?\s*!?\s*)?"
_SED_BARS = r"(?:[^|\\\[\n]|\\[^\n])*"
_SED_COMMAND = (
    rf"{_SED_RANGE}(?:[pdD=NnPhHgGx]|[qQ]\d*|s/{_SED_TEXT}/(?:[^/\\\n]|\\[^\n])*/[gpIi\d]*"
    rf"|s\|{_SED_BARS}\|(?:[^|\\\n]|\\[^\n])*\|[gpIi\d]*|y/[^/\\\n]*/[^/\\\n]*/)"
)
_SED_SCRIPT = re.compile(rf"\s*{_SED_COMMAND}\s*(?:[;\n]\s*{_SED_COMMAND}\s*)*[;\n]?\s*")
_SED_LONGEST = 300

_JQ_NEVER = re.compile(r"env|import|include|input_filename|get_search_list|modulemeta|__prog", re.IGNORECASE)

_PRINTF_FORMAT = re.compile(r"%[-+ 0#]*\d*(?:\.\d+)?[sdiufgeExXocb%q]")
"""Without `%n`, which gives a value to a variable, and may run a command in its subscript."""

_TEST_FILE = names("-f -d -e -s -r -w -x -L -h -b -c -p -S -u -g -k -O -G")
_TEST_OTHER = names("-n -z -a -o ! ( ) = == != -nt -ot -ef")
_TEST_NUMBER = names("-eq -ne -lt -le -gt -ge")


def find(words: Sequence[Word]) -> Parsed:
    """`find` with predicates that only look."""
    parsed, todo = Parsed(), list(words)
    while todo and todo[0].text in ("-H", "-L", "-P"):
        todo.pop(0)
    while todo and not (todo[0].text or "").startswith(("-", "(", "!", ",")):
        word = todo.pop(0)
        if word.text is None and (word.pattern is None or word.may_be_option):
            parsed.refusal = UNKNOWN if word.pattern is None else "a file named like an option could become one"
            return parsed
        parsed.paths.append(word)
    while todo:
        predicate = todo.pop(0).text
        if predicate in _FIND_ALONE:
            continue
        if predicate not in _FIND_VALUE | _FIND_FILE:
            parsed.refusal = f"find {predicate or 'with a value that is not known'} is not known to be harmless"
            return parsed
        if not todo or todo[0].text is None:
            parsed.refusal = UNKNOWN
            return parsed
        value = todo.pop(0)
        if predicate in _FIND_FILE:
            parsed.paths.append(value)
    return parsed


def sed_refusal(script: str) -> str:
    """Why a sed script is not known to only print, or ""."""
    if len(script) <= _SED_LONGEST and _SED_SCRIPT.fullmatch(script):
        return ""
    return "the sed script is not one that is known to only print"


def jq_refusal(program: str) -> str:
    """Why a jq program is not known to only look at its input, or ""."""
    return "the jq program looks at more than its input" if _JQ_NEVER.search(program) else ""


def test(words: Sequence[Word], *, is_bracket: bool) -> Parsed:
    """`test` and `[`: looks at files, compares texts and plain numbers."""
    parsed, inner = Parsed(), list(words)
    if is_bracket and (not inner or inner.pop().text != "]"):
        parsed.refusal = "a test that does not end"
        return parsed
    for i, word in enumerate(inner):
        before = inner[i - 1].text if i else ""
        if word.text is None:
            if not word.is_number:
                parsed.refusal = UNKNOWN
        elif word.text in _TEST_NUMBER:
            neighbours = [*inner[max(i - 1, 0) : i], *inner[i + 1 : i + 2]]
            if not all(
                re.fullmatch(r"\"?\$[?#]\"?", other.raw) or re.fullmatch(r"-?\d+", other.text or "")
                for other in neighbours
            ):
                parsed.refusal = "a comparison of something that is not a plain number"
        elif word.text.startswith("-") and word.text not in _TEST_FILE | _TEST_OTHER:
            if not re.fullmatch(r"-\d+", word.text):
                parsed.refusal = f"{word.text} is not known to be harmless"
        elif before in _TEST_FILE:
            parsed.paths.append(word)
    return parsed


def echo(words: Sequence[Word]) -> Parsed:
    """`echo` of what is known; the value of a variable may be a key."""
    parsed = Parsed()
    for word in words:
        if word.pattern is not None:
            parsed.paths.append(word)
        elif word.text is None and not word.is_number:
            parsed.refusal = UNKNOWN
    return parsed


def printf(words: Sequence[Word]) -> Parsed:
    """`printf` as `echo`; an option would set a variable."""
    todo = list(words[1:] if words and words[0].text == "--" else words)
    if not todo or todo[0].text is None or ((words[0].text or "").startswith("-") and words[0].text != "--"):
        return Parsed(refusal="printf without a plain format")
    if "%" in _PRINTF_FORMAT.sub("", todo[0].text):
        return Parsed(refusal="printf with a format that is not known to be harmless")
    return echo(todo)
