"""The characters of a JSON string while it arrives."""

import re

_SPECIAL = re.compile(r'["\\]')
_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL
)
_UNFINISHED = re.compile(r"\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)?")
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_NO_CHARACTER = "\ufffd"


class JsonString:
    """Decodes what follows an opening quote, however the text was cut up.

    It is for showing, so nothing is an error: an escape that JSON does not have stands for its own character, half of
    a surrogate pair for the replacement character.
    """

    def __init__(self) -> None:
        self.is_closed = False
        self._held: str = ""

    def feed(self, text: str) -> tuple[str, str]:
        """The characters that are certain after `text`, and what came after the closing quote."""
        text = self._held + text
        self._held = ""
        found: list[str] = []
        place = 0
        while special := _SPECIAL.search(text, place):
            start = special.start()
            found.append(text[place:start])
            if special[0] == '"':
                self.is_closed = True
                return "".join(found), text[start + 1 :]
            if _UNFINISHED.fullmatch(text, start):
                self._held = text[start:]
                return "".join(found), ""
            escape = _ESCAPE.match(text, start)
            found.append(_character(escape) if escape else text[start])
            place = escape.end() if escape else start + 1
        return "".join([*found, text[place:]]), ""

    def finish(self) -> str:
        """What was held back when nothing more comes: the replacement character for half of a character."""
        held = self._held
        self._held = ""
        return _NO_CHARACTER if held else ""


def _character(escape: re.Match[str]) -> str:
    high, low, code, short = escape.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    if code:
        value = int(code, 16)
        return _NO_CHARACTER if 0xD800 <= value < 0xE000 else chr(value)
    return _SHORT.get(short, short)
