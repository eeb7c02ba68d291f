"""What fills the model's window."""

from collections.abc import Sequence
from dataclasses import dataclass

from ally.engine import tokens
from ally.engine.compaction import next_tokens, of_tools
from ally.engine.conversation import Conversation
from ally.messages import AssistantMessage, ToolMessage, UserMessage


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the next request and about how many tokens it has."""

    name: str
    tokens: int


def shares(talk: Conversation) -> Sequence[Share]:
    """The parts of the next request; their sum is `used`.

    The parts are estimated and scaled to what the service counted, if it has counted.
    """
    estimates = [
        Share("system prompt", tokens.of_text(talk.system)),
        Share("tools", of_tools(talk)),
        Share("your messages", _of(talk, UserMessage)),
        Share("answers", _of(talk, AssistantMessage)),
        Share("tool results", _of(talk, ToolMessage)),
    ]
    total = sum(share.tokens for share in estimates)
    scale = used(talk) / total if total else 1.0
    return [Share(share.name, round(share.tokens * scale)) for share in estimates]


def used(talk: Conversation) -> int:
    """About how many tokens the next request has."""
    return next_tokens(talk)


def _of(talk: Conversation, kind: type) -> int:
    if kind is ToolMessage and talk.model.profile.is_tiny:  # it sees no results
        return 0
    return tokens.of_messages(message for message in talk.messages if isinstance(message, kind))
