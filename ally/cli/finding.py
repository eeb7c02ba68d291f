"""One line of `ally doctor`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ally.terminal.table import hang, room
from ally.terminal.text import one_line

TOPIC_WIDTH = 14
STATUS_WIDTH = 7

Status = Literal["ok", "warning", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and how it is.

    `step` is what to do next, empty where nothing needs doing. `missing` is something one can do without; `broken`
    stops something that was asked for. `answers` says that this is a model that could answer right now.
    """

    topic: str
    status: Status
    text: str
    step: str = ""
    answers: bool = False


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings as text; a topic is named where it begins."""
    previous, space = "", room()
    for found in findings:
        topic = found.topic if found.topic != previous else ""
        yield hang(f"{found.status:<{STATUS_WIDTH}}  {topic:<{TOPIC_WIDTH}}  ", one_line(found.text), space)
        if found.step:
            yield hang(f"{'':<{STATUS_WIDTH}}  {'':<{TOPIC_WIDTH}}  → ", one_line(found.step), space)
        previous = found.topic
