"""Which way of calling tools a model gets."""

import re
from collections.abc import Callable, Collection

from ally.errors import BadRequest, Overloaded, ProviderError, UnknownModel
from ally.providers.model import Profile, ToolCalling

Verdict = ToolCalling | Callable[[Profile], ToolCalling | None] | None
"""What a check of the model found to work best, or how to look it up; None: nobody checked."""

_TOOLS = r"\b(?:tools?|functions?)(?:[ _-]?(?:use|calls?|calling|choice|param))?\b"
_REFUSED = (
    r"(?:does(?: not|n't) support|do not support|not (?:currently )?(?:supported|enabled|available|implemented)"
    r"|unsupported|extra inputs are not permitted|only named|requires? (?:the )?-{1,2}[a-z])"
)
_REFUSES_TOOLS = re.compile(
    rf"{_TOOLS}.{{0,120}}?{_REFUSED}|{_REFUSED}.{{0,120}}?{_TOOLS}|no endpoints found that support tool|"
    r"NotImplementedError|\(501\)",
    re.IGNORECASE | re.DOTALL,
)
_BAD_SCHEMA = re.compile(r"invalid schema|schema for function", re.IGNORECASE)
_REFUSES_SCHEMA = re.compile(
    r"grammar|json[ _-]?schema|response_?format|structured|samplers|invalid schema|schema for|request\.format|\(501\)"
    r"|NotImplementedError",
    re.IGNORECASE,
)


def choose(profile: Profile, found: ToolCalling | None, refused: Collection[ToolCalling] = ()) -> ToolCalling:
    """What a check `found`, else the first that the service can do and has not `refused`; text always works."""
    possible: dict[ToolCalling, bool] = {"native": profile.tools, "schema": profile.constrains, "text": True}
    if found is not None and found not in refused and (found != "native" or profile.tools):
        return found
    return next(way for way, can in possible.items() if can and (way == "text" or way not in refused))


def refuses(way: ToolCalling, error: ProviderError) -> bool:
    """Whether `error` says that the service cannot do it this way at all; another request would fail the same."""
    # 4xx and 5xx: llama.cpp answers 500, OpenRouter 404; what a plug-in raises has no class of its own.
    if not (isinstance(error, BadRequest | Overloaded | UnknownModel) or type(error) is ProviderError):
        return False
    if way == "native":
        return bool(_REFUSES_TOOLS.search(error.message)) and not _BAD_SCHEMA.search(error.message)
    return way == "schema" and bool(_REFUSES_SCHEMA.search(error.message))
