"""What a model is told that writes questions, and what of its answer is one."""

import re

INSTRUCTION = (
    "Write one question that somebody might ask who does not know the following text, and that the text answers. Use"
    " other words than the text where you can, and its language. Answer with the question alone."
)
_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.S)
_LABEL = re.compile(r"^\W*(?:question|frage|pregunta)\s*:\s*", re.I)
_WORD = re.compile(r"[^\W\d_]{2,}")
_LONGEST = 400
_LEAST_WORDS = 3


def order(text: str) -> str:
    """The message that asks for a question."""
    return f"{INSTRUCTION}\n\n<text>\n{text}\n</text>"


def question_of(reply: str) -> str:
    """The question in an answer; "" if there is none."""
    lines = (line.strip() for line in _THINKING.sub("", reply).splitlines())
    line = _LABEL.sub("", next(filter(None, lines), "")).strip("\"'`*“”„ ")
    return line if len(line) <= _LONGEST and len(_WORD.findall(line)) >= _LEAST_WORDS else ""
