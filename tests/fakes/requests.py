"""Reading a request the way the services do."""

import base64
import binascii
import json
from typing import Any

from tests.fakes.base import Invalid
from tests.fakes.server import Recorded


def bearer(request: Recorded) -> str:
    """The token of `Authorization: Bearer`; empty if there is none."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token if kind.lower() in {"bearer", "token"} else ""


def decode(request: Recorded, complaint: str) -> dict[str, Any]:
    """The JSON object of the body. Services refuse bytes that are not UTF-8 and escapes of lone surrogates."""
    try:
        value = json.loads(request.body.decode("utf-8"))
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeError, json.JSONDecodeError) as exc:
        raise Invalid(complaint) from exc
    if not isinstance(value, dict):
        raise Invalid(complaint)
    return value


def is_base64(text: Any) -> bool:
    """Whether it is standard base64 of something."""
    if not isinstance(text, str) or not text:
        return False
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def words(text: str) -> frozenset[str]:
    """The words of a text, e.g. the names of known fields."""
    return frozenset(text.split())
