"""A LangChain completion LLM over the `Model` port, for services that LangChain has no maintained package for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.llms import LLM
from langchain_core.outputs import GenerationChunk

from ally.messages import user
from ally.providers.model import Model, Request, TextChunk

T = TypeVar("T")


class CompletionLLM(LLM):
    """Sends the prompt as one user message and gives the text of the answer.

    `model` makes a fresh model for every call, because its connections belong to one event loop.
    """

    model: Callable[[], Model]

    @property
    def _llm_type(self) -> str:
        return "ally-completion"

    def _call(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # Any: LangChain's signature
    ) -> str:
        return _run(self._acall(prompt, stop))

    async def _acall(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # Any: LangChain's signature
    ) -> str:
        return "".join([piece.text async for piece in self._astream(prompt, stop)])

    def _stream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # Any: LangChain's signature
    ) -> Iterator[GenerationChunk]:
        yield GenerationChunk(text=self._call(prompt, stop))

    async def _astream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # Any: LangChain's signature
    ) -> AsyncIterator[GenerationChunk]:
        if stop:
            raise ValueError("this model takes no stop sequences")
        model = self.model()
        try:
            async for chunk in model.stream(Request(messages=[user(prompt)])):
                if isinstance(chunk, TextChunk):
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text)
                    yield GenerationChunk(text=chunk.text)
        finally:
            await model.close()


def _run(work: Coroutine[Any, Any, T]) -> T:  # Any: what a coroutine sends and receives, never used
    """The result of `work` for a caller that is not async, also inside a running event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
