"""A LangChain object behind the `Model` port."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from ally.errors import AllyError, BadRequest
from ally.providers.langchain.caller import Caller
from ally.providers.langchain.connections import close_connections
from ally.providers.langchain.faults import to_ally
from ally.providers.langchain.incoming import Answer
from ally.providers.langchain.outgoing import chat_messages, tool_schemas
from ally.providers.langchain.pull import drive
from ally.providers.langchain.structured import Asked, ask_for
from ally.providers.langchain.vendor import Vendor, uses_responses
from ally.providers.model import Chunk, Profile, Request, TextChunk
from ally.providers.wire.refused import REFUSES_STREAM_USAGE, REFUSES_TEMPERATURE


class LangChainModel:
    """Speaks through `llm`, a chat model or something around one."""

    def __init__(self, llm: Any, vendor: Vendor, caller: Caller, profile: Profile) -> None:  # Any: see create_llm
        self._llm = llm
        self._vendor = vendor
        self._caller = caller
        self._profile = profile
        streams = vendor.family == "openai" and vendor.drive == "astream"
        self._ask_for_usage = streams and not uses_responses(vendor.core)

    @property
    def profile(self) -> Profile:
        """What is known of the model."""
        return self._profile

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` and yield the answer; a field that the service does not know is left out from then on."""
        while True:
            started = False
            try:
                async with aclosing(self._attempt(request)) as chunks:
                    async for chunk in chunks:
                        started = True
                        yield chunk
                return
            except BadRequest as error:
                if started or not self._leave_out(error):
                    raise

    async def close(self) -> None:
        """Close the connections that are still open."""
        await close_connections(self._vendor.core)

    async def _attempt(self, request: Request) -> AsyncGenerator[Chunk, None]:
        answer = Answer(self._caller, must_finish=self._vendor.family != "other")
        try:
            asked = self._prepare(request)
            answer.schema_tool = asked.tool
            if asked.instruction:
                system = "\n\n".join(part for part in (request.system, asked.instruction) if part)
                request = replace(request, system=system)
            messages = chat_messages(request, self._vendor.family, tools=self._profile.tools)
            async with aclosing(
                drive(asked.llm, messages, self._vendor.drive, self._caller, self._options())
            ) as values:
                async for value in values:
                    for chunk in answer.feed(value):
                        if not (asked.tool and isinstance(chunk, TextChunk)):
                            yield chunk
        except AllyError:
            raise
        except Exception as error:  # boundary: LangChain, a vendor's package, a stranger's plug-in
            raise to_ally(error, self._caller, started=answer.started) from error
        for chunk in answer.finish():
            yield chunk

    def _leave_out(self, refusal: BadRequest) -> bool:
        """Stop sending what LangChain sends unasked and the service refuses; False if that is not the reason."""
        if self._ask_for_usage and REFUSES_STREAM_USAGE in refusal.message:
            self._ask_for_usage = False
            return True
        core = self._vendor.core
        if REFUSES_TEMPERATURE.search(refusal.message) and getattr(core, "temperature", None) is not None:
            core.temperature = None
            return True
        return False

    def _prepare(self, request: Request) -> Asked:
        if request.json_schema is not None:
            return ask_for(self._llm, self._vendor, request.json_schema)
        if not request.tools or not self._profile.tools:
            return Asked(self._llm)
        schemas = tool_schemas(request.tools)
        choice = self._tool_choice(request.tool_choice)
        return Asked(self._llm.bind_tools(schemas, **({"tool_choice": choice} if choice else {})))

    def _tool_choice(self, choice: str) -> object:
        """The choice in LangChain's words; None leaves it to the model."""
        match choice:
            case "auto":
                return None
            case "required":
                return "any"
            case "none":
                return {"type": "none"} if self._vendor.family == "anthropic" else "none"
            case _:
                return choice

    def _options(self) -> dict[str, object]:
        if self._vendor.family == "anthropic" and self._vendor.drive == "astream":
            return {"stream_usage": True}  # without it langchain-anthropic hides the stop reason
        return {"stream_usage": True} if self._ask_for_usage else {}
