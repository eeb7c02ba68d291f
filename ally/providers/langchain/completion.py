"""A completion LLM behind the `Model` port: one text in, one text out, no tools."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.outputs import LLMResult

from ally.errors import AllyError
from ally.providers.langchain.caller import Caller
from ally.providers.langchain.connections import close_connections
from ally.providers.langchain.faults import to_ally
from ally.providers.langchain.incoming import Answer
from ally.providers.langchain.outgoing import NEXT_SPEAKER, is_transcript, prompt
from ally.providers.langchain.pull import drive
from ally.providers.langchain.structured import instruct
from ally.providers.langchain.vendor import Vendor
from ally.providers.model import Chunk, Done, Profile, Request
from ally.providers.thinking import overlap


class CompletionModel:
    """Speaks through a completion LLM."""

    def __init__(self, llm: Any, vendor: Vendor, caller: Caller, profile: Profile) -> None:  # Any: see create_llm
        self._llm = llm
        self._vendor = vendor
        self._caller = caller
        self._profile = profile

    @property
    def profile(self) -> Profile:
        """What is known of the model."""
        return self._profile

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` as one text and yield the answer, up to where the model starts to write the user's part."""
        if request.json_schema is not None:
            parts = (request.system, instruct(request.json_schema))
            request = replace(request, system="\n\n".join(part for part in parts if part))
        answer, ending = Answer(self._caller, must_finish=False), _Ending()
        stop = _SpeakerStop() if is_transcript(request) else _NoStop()
        options: dict[str, object] = {"config": {"callbacks": [ending]}}
        try:
            source = drive(self._llm, prompt(request), self._vendor.drive, self._caller, options)
            async with aclosing(source) as values:
                async for value in values:
                    for chunk in answer.feed(stop.feed(value) if isinstance(value, str) else value):
                        yield chunk
                    if stop.found:
                        break
        except AllyError:
            raise
        except Exception as error:  # boundary: LangChain, a vendor's package, a stranger's plug-in
            raise to_ally(error, self._caller, started=answer.started) from error
        ending.tell(answer)
        for chunk in [*answer.feed(stop.finish()), *answer.finish()]:
            yield replace(chunk, stop_reason="stop_sequence") if stop.found and isinstance(chunk, Done) else chunk

    async def close(self) -> None:
        """Close the connections that are still open."""
        await close_connections(self._vendor.core)


class _NoStop:
    """Lets every text through."""

    found = False

    def feed(self, text: str) -> str:
        return text

    def finish(self) -> str:
        return ""


class _SpeakerStop(_NoStop):
    """Ends the text where the model goes on to play the user, however the stream was cut up."""

    def __init__(self) -> None:
        self.found = False
        self._held = ""
        self._began = False

    def feed(self, text: str) -> str:
        self._held += text
        if not self._began:
            self._held = self._held.lstrip()
            self._began = bool(self._held)
        before, marker, _ = self._held.partition(NEXT_SPEAKER)
        if marker:
            self.found, self._held = True, ""
            return before.rstrip()
        safe = len(self._held) - overlap(self._held, NEXT_SPEAKER)
        out, self._held = self._held[:safe], self._held[safe:]
        return out

    def finish(self) -> str:
        rest, self._held = self._held, ""
        return rest


class _Ending(BaseCallbackHandler):
    """Catches what LangChain drops from a text stream: the finish reason and the token counts."""

    run_inline = True

    def __init__(self) -> None:
        self._result: LLMResult | None = None

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:  # Any: LangChain's signature
        self._result = response

    def tell(self, answer: Answer) -> None:
        """Pass on to `answer` what was caught."""
        if self._result is None:
            return
        for batch in self._result.generations:
            for generation in batch:
                answer.note(generation.generation_info or {})
        counts: Any = (self._result.llm_output or {}).get("token_usage")  # Any: decoded JSON
        if isinstance(counts, Mapping):
            answer.count({**_renamed(counts)})  # pyright: ignore[reportUnknownArgumentType] - decoded JSON


def _renamed(counts: Mapping[str, Any]) -> dict[str, Any]:  # Any: decoded JSON
    """OpenAI's names of token counts as LangChain's."""
    old = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
    return {old.get(name, name): value for name, value in counts.items()}
