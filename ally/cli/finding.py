"""One line of `ally doctor`."""

from dataclasses import dataclass
from typing import Literal

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
