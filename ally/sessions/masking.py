"""Hiding keys in what is exported: the ones that are known here, and whatever has the form of one."""

import re
from collections.abc import Callable, Iterable
from typing import cast

MASK = "•••"

_KEY_FORMS = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|pplx|r8|csk|fw|tgp|nvapi)[-_](?=[\w-]*\d)[\w-]{20,}"  # services of models
    r"|\b(?:gh[pousr]|glpat|github_pat)[-_]\w{20,}"
    r"|\bAIza[\w-]{35}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bxox[abprs]-[\w-]{10,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"  # a signed token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)

_OPAQUE = {"image": "data", "thinking": "signature", "tool_call": "signature"}


def masker(values: Iterable[str]) -> Callable[[str], str]:
    """Gives the function that replaces `values`, and what looks like a key, in a text."""
    known = [re.escape(value) for value in sorted(values, key=len, reverse=True)]
    exact = re.compile("|".join(known)) if known else None

    def mask(text: str) -> str:
        return _KEY_FORMS.sub(MASK, exact.sub(MASK, text) if exact else text)

    return mask


def mask_json(value: object, mask: Callable[[str], str]) -> object:
    """A JSON value with all its texts masked; pictures and signatures stay what they are."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list | tuple):
        return [mask_json(item, mask) for item in cast(Iterable[object], value)]
    if isinstance(value, dict):
        fields = cast(dict[str, object], value)
        opaque = _OPAQUE.get(str(fields.get("type")))
        return {mask(name): item if name == opaque else mask_json(item, mask) for name, item in fields.items()}
    return value
