"""What the models of a chat have read and written since it began."""

from typing import TYPE_CHECKING

from ally.events import Event, UsageReported

if TYPE_CHECKING:
    from ally.engine.conversation import Conversation


class Tally:
    """Adds up what services counted. Every front end gives it each event, of turns and of summaries.

    `input_tokens` includes `cached_input_tokens`. A service that does not count adds nothing; `requests` counts those
    that did.
    """

    def __init__(self) -> None:
        self.requests = self.input_tokens = self.output_tokens = self.cached_input_tokens = 0
        self._mark: object = None
        self._used = 0

    def add(self, event: Event) -> None:
        """Take note of one event."""
        if isinstance(event, UsageReported) and (event.input_tokens or event.output_tokens):
            self.requests += 1
            self.input_tokens += event.input_tokens
            self.output_tokens += event.output_tokens
            self.cached_input_tokens += event.cached_input_tokens

    def used(self, talk: "Conversation") -> int:
        """About how many tokens the next request has.

        Counted anew only when the history grew: 2,000 messages that no service has counted take 10 ms.
        """
        from ally.engine.context import used  # heavy

        last = talk.messages[-1] if talk.messages else None
        mark = (id(talk), talk.system, len(talk.messages), last, talk.used_tokens, talk.counted_messages)
        if mark != self._mark:
            self._mark, self._used = mark, used(talk)
        return self._used
