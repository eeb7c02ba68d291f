"""Request fields that Ally sends unasked and some services refuse: they are left out and the request is sent again."""

import re
from dataclasses import replace

from ally.errors import BadRequest
from ally.providers.wire.target import Target

REFUSES_TEMPERATURE = re.compile(
    r"temperature\W.*(?:deprecated|not support|unsupported|only the default)", re.IGNORECASE
)
"""What services say of models that choose the temperature themselves."""

REFUSES_STREAM_USAGE = "stream_options"
"""What older OpenAI-compatible servers complain of."""


def without_refused(target: Target, refusal: BadRequest) -> Target | None:
    """The target without the field that was refused; None if the refusal is about anything else."""
    if target.temperature is not None and REFUSES_TEMPERATURE.search(refusal.message):
        return replace(target, temperature=None)
    if target.quirks.stream_usage and REFUSES_STREAM_USAGE in refusal.message:
        return replace(target, quirks=replace(target.quirks, stream_usage=False))
    return None
