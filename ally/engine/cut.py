"""Whether a service dropped part of a prompt without saying so, told from how many tokens it says it read.

A server with too small a window may drop the oldest messages, or the front of the prompt with the tools in it, and
answer as if nothing had happened. Its own count gives it away: it is the window, about half of it, or less than any
vocabulary can make of what was sent.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from ally.engine import tokens
from ally.engine.conversation import Conversation
from ally.engine.fewest import fewest_of_message, fewest_of_prompt
from ally.errors import PromptCut
from ally.messages import AssistantMessage, Image, Message, Thinking, ToolMessage, UserMessage
from ally.providers.model import Chunk, Model, Profile, Request

USUAL_WINDOWS = tuple(1_024 << step for step in range(1, 9))
"""What servers are set to when nobody chose: a count of exactly one of these is suspicious."""

LEAST_TOKENS = 600
"""No window is so small that a prompt of fewer tokens is cut."""

LEAST_LEFT = 150
"""No cut leaves fewer."""

FRAME_TOKENS = 48
"""What a template may add for the answer and take back with the next request."""

_TRUSTED = ("user", "server", "measured")
_KEPT_AT_FRONT = (4, 5)
_FAR, _LARGER = 1.5, 1.1
_BYTES_PER_TOKEN = 2.0
_REMEDY = "or make it shorter with /compact"


@dataclass(frozen=True, slots=True)
class Cut:
    """`read` of about `sent` tokens were read; the service seems to hold `window`."""

    read: int
    sent: int
    window: int


def give_up(talk: Conversation, cut: Cut) -> PromptCut:
    """The error of a turn whose prompt was cut. What the service holds counts as the window from then on."""
    profile = talk.model.profile
    talk.forget_counts()
    talk.model = Narrowed(talk.model, cut.window)
    return PromptCut(
        f"{profile.provider} read {cut.read:,} of about {cut.sent:,} tokens: it cut the prompt, perhaps with the tools"
        " and the task in it. The answer is not used.",
        read_tokens=cut.read,
        sent_tokens=cut.sent,
        provider=profile.provider,
        model=profile.model,
        hint=f"{_remedy(profile)}, {_REMEDY}",
    )


def find_cut(request: Request, read: int, profile: Profile, before: tuple[Request, int] | None) -> Cut | None:
    """How `request` was cut, None if `read` tokens can be all of it or the service counts in a way of its own.

    Args:
        before: an earlier call of the conversation and what its prompt had.
    """
    if read <= 0:
        return None
    base = before if before is not None and _continues(before[0], request) else None
    windows = _windows_like(read, profile)
    # A tiny model is shown neither the tools nor their results, so that nobody knows what it should have read.
    least = 0 if profile.is_tiny else _least(request, base, is_cloud=profile.location == "cloud")
    is_few = read < least and least >= LEAST_TOKENS
    if not (windows or is_few):  # as nearly always; what follows looks at the whole conversation
        return None
    if base is not None and not profile.is_tiny and base[1] < _estimate(base[0]) * 0.5:
        return None  # nor was that a count of all that was sent
    sent = _likely(request, base)
    if (told := next((size for size, factor in windows if sent > read * factor), None)) is not None:
        return Cut(read, max(sent, told), told)
    if not is_few or _counts_apart(request, read, base):
        return None
    # The prompt before was read whole, so that the window held as much.
    return Cut(read, max(sent, least), max(read, base[1] if base else 0))


class Narrowed:
    """`model` with a window that it was found to have, if that is smaller than the one it says."""

    def __init__(self, model: Model, window: int) -> None:
        self._model = model
        self._window = window

    @property
    def profile(self) -> Profile:
        """What is known of the model, with the measured window."""
        profile = self._model.profile
        if profile.context_window is not None and profile.context_window <= self._window:
            return profile
        return replace(profile, context_window=self._window, context_window_source="measured")

    def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` and yield the answer."""
        return self._model.stream(request)

    async def close(self) -> None:
        """Give back connections; the model is not used afterwards."""
        await self._model.close()


def _windows_like(read: int, profile: Profile) -> list[tuple[int, float]]:
    """The windows that a count of exactly `read` stands for if the prompt was more than a factor larger."""
    is_cloud = profile.location == "cloud"
    window = profile.context_window if profile.context_window_source in _TRUSTED else None
    found: list[tuple[int, float]] = []
    if window is not None and read in (window, window - 1):
        found.append((window, _LARGER if is_cloud else 0))  # a window that the user chose for a service is no limit
    if profile.is_tiny:
        return found
    # Without what one request can be, a count that happens to be round proves nothing.
    for size in (*((window,) if window else ()), *(() if is_cloud else USUAL_WINDOWS)):
        if read == size:
            found.append((size, _LARGER))
        # What is left when half of it is freed for the answer, and the first few tokens stay.
        if any(read == size - (size - kept) // 2 for kept in _KEPT_AT_FRONT):
            found.append((size, _FAR))
    return found


def _least(request: Request, base: tuple[Request, int] | None, *, is_cloud: bool) -> int:
    """The fewest tokens that `request` can have."""
    new = request.messages[len(base[0].messages) :] if base is not None else ()
    is_asked = any(isinstance(message, UserMessage) for message in new)
    if base is None or (is_asked and any(map(_has_picture, base[0].messages))):  # some templates show the last one only
        return 0 if is_cloud else round(fewest_of_prompt(request) * 0.9)
    known, counted = base
    added = sum(map(fewest_of_message, new))
    gone = _gone(known.messages) if is_asked else 0
    least = counted - gone - FRAME_TOKENS + round(added * 0.95)
    # Some services answer now with one model, now with another, whose vocabulary makes a third fewer of it.
    return round(least * 0.55) if is_cloud else least


def _likely(request: Request, base: tuple[Request, int] | None) -> int:
    """About how many tokens `request` has, by the rate of the earlier call."""
    if base is None:
        return _estimate(request)
    known, counted = base
    rate = counted / max(1, _estimate(known))
    added = tokens.of_messages(_resent(request.messages[len(known.messages) :]))
    return counted + round(added * min(2.0, max(0.5, rate)))


def _estimate(request: Request) -> int:
    return (
        tokens.of_text(request.system) + tokens.of_tools(request.tools) + tokens.of_messages(_resent(request.messages))
    )


def _counts_apart(request: Request, read: int, base: tuple[Request, int] | None) -> bool:
    """Whether the count is rather one of what was new, without tokens from a cache, or none at all.

    A cut leaves the newest half of a window that held the prompt before, or the system prompt, the tools and as many
    messages as fit. Of a first prompt the front may be in the cache, or the service may have no use for tools.
    """
    if read < LEAST_LEFT:
        return True
    known, counted = base or (Request(()), 0)
    if base is not None and read >= counted * 0.45:
        return False
    front = fewest_of_prompt(replace(request, messages=()))
    said = sum(map(fewest_of_message, request.messages[len(known.messages) :]))
    if base is None:
        return read < front * 0.9 or read >= said * 0.9
    largest = max((tokens.of_message(message) for message in known.messages), default=0)
    return read < (front + said) * 0.9 or read + largest * _FAR < counted


def _continues(before: Request, request: Request) -> bool:
    """Whether `request` begins with all of `before`."""
    if before.system != request.system or tuple(before.tools) != tuple(request.tools):
        return False
    if len(before.messages) > len(request.messages):
        return False
    pairs = zip(before.messages, request.messages, strict=False)
    return all(old is new or old == new for old, new in pairs)


def _resent(messages: Sequence[Message]) -> list[Message]:
    """`messages` without thinking, which most templates leave out."""
    return [
        AssistantMessage(tuple(part for part in message.parts if not isinstance(part, Thinking)))
        if isinstance(message, AssistantMessage)
        else message
        for message in messages
    ]


def _has_picture(message: Message) -> bool:
    match message:
        case UserMessage(parts):
            return any(isinstance(part, Image) for part in parts)
        case ToolMessage(results):
            return any(result.images for result in results)
        case AssistantMessage():
            return False


def _gone(known: Sequence[Message]) -> int:
    """At most so many tokens of thinking left the prompt: a new question makes templates drop that of the last turn."""
    asked = max((place for place, message in enumerate(known) if isinstance(message, UserMessage)), default=0)
    return _thinking(known[asked:])


def _thinking(messages: Sequence[Message]) -> int:
    """At most so many tokens of thinking are in `messages`."""
    parts = [part for message in messages if isinstance(message, AssistantMessage) for part in message.parts]
    size = sum(len(part.text.encode("utf-8", "replace")) for part in parts if isinstance(part, Thinking))
    return round(size / _BYTES_PER_TOKEN)


def _remedy(profile: Profile) -> str:
    if profile.provider == "ollama":
        return "raise provider_options.ollama.num_ctx, or OLLAMA_CONTEXT_LENGTH of the server"
    if profile.provider == "local":
        return "raise provider_options.local.num_ctx"
    if profile.location == "cloud":
        return "use a model with a larger window"
    return "give the server more context (Ollama: OLLAMA_CONTEXT_LENGTH; llama.cpp: -c; LM Studio: context length)"
