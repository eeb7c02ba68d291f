"""How tool arguments are written as text."""

import json
from typing import Any


def spell(args: dict[str, Any] | str) -> str:
    """The argument text of a call; a string is sent as it is."""
    return args if isinstance(args, str) else json.dumps(args, ensure_ascii=False)


def as_object(args: dict[str, Any] | str) -> dict[str, Any]:
    """The arguments for a wire that carries them as a JSON object."""
    if isinstance(args, str):
        raise TypeError("this wire carries arguments as an object; it cannot send broken argument text")
    return args
