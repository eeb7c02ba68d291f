"""Hints of errors as they read inside a chat."""

import re

_LISTS = {"models": "/model", "sessions": "/sessions", "providers": "/provider", "agents": "/agent"}
_ACTIONS = "pull|check|remove|update|show|search|export|fork|delete|new"
_COMMAND = re.compile(
    r"(?<![!\w/.])ally (?:--provider (?P<provider>\w+)"
    rf"|(?P<list>{'|'.join(_LISTS)})(?: list)?(?: --all)?(?! (?:{_ACTIONS})\b)\b"
    rf"|(?={'|'.join(_LISTS)}|doctor|config|permissions))"
)


def in_chat(hint: str) -> str:
    """`hint` with the commands of the shell as one gives them here: /provider for --provider, !ally for the others."""
    return _COMMAND.sub(_said, hint)


def _said(found: re.Match[str]) -> str:
    if found["provider"]:
        return f"/provider {found['provider']}"
    return _LISTS[found["list"]] if found["list"] else f"!{found[0]}"
