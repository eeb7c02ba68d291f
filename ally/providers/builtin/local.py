"""Local: models that run inside Ally, with nothing else installed."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ally.config.paths import Paths, find_paths
from ally.errors import CutStream, ModelFileError, Unreachable
from ally.messages import JsonObject
from ally.models import store
from ally.models.catalogue import STARTER, load_catalogue
from ally.models.facts import parse_parameters
from ally.models.gguf import Header, read_header
from ally.models.progress import tell
from ally.providers.base import BaseProvider
from ally.providers.constructors import for_the_wire, missing_package, openai_arguments
from ally.providers.model import Chunk, Model, Profile, Request
from ally.providers.validation import find_problem
from ally.providers.wire.target import Quirks, Target

if TYPE_CHECKING:
    from ally.models.engine import Serving
    from ally.models.serve import Started

_OWN = frozenset({"num_ctx", "n_threads", "context_window", "base_url", "endpoint"})
_GRACE_STEPS, _GRACE_STEP_S = 20, 0.02
# llama.cpp's server may close a kept connection just as the next request arrives: 5 of 240 requests failed so.
_NEW_CONNECTION = {"Connection": "close"}
_QUIRKS = Quirks(replay_thinking="reasoning_content", images=False)

T = TypeVar("T")


class LocalProvider(BaseProvider):
    """llama.cpp, started by Ally itself for the model that is asked for. No key, no server to install.

    Options: `num_ctx` (tokens of context; default: what the model was trained for, within 32,768 and the memory there
    is), `n_threads`, and any field of llama.cpp's chat completions such as `max_tokens` or `top_k`.
    """

    @property
    def name(self) -> str:
        """local."""
        return "local"

    def create_llm(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Any:  # Any: a LangChain object
        """A `ChatOpenAI` on the engine, which is started now and runs until the program ends."""
        try:
            from langchain_openai import ChatOpenAI  # heavy
        except ImportError as error:
            raise missing_package("langchain-openai", "Local") from error
        from ally.models.serve import start  # heavy

        serving = start(_paths(), model_name, kwargs, tell).serving
        options = _wire_options(model_name, kwargs)
        arguments = openai_arguments(options, ChatOpenAI.model_fields, "max_tokens")
        arguments["api_key"] = serving.api_key
        arguments["default_headers"] = {**arguments.get("default_headers", {}), **_NEW_CONNECTION}
        llm = ChatOpenAI(model=model_name, temperature=temperature, base_url=serving.base_url, **arguments)
        llm.profile = {
            "max_input_tokens": serving.n_ctx,
            "tool_calling": serving.tools,
            "image_inputs": False,
            "structured_output": True,
        }
        return llm

    def create_model(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Model:
        """The model; its engine is started by the first request."""
        from ally.models.engine import check_options  # heavy

        check_options(kwargs)
        if model_name != STARTER:  # the starter is fetched when it is needed
            store.resolve(_paths(), model_name)
        return LocalModel(model_name, temperature, kwargs)

    def get_required_env_vars(self) -> list[str]:
        """None: nothing leaves this machine."""
        return []

    def validate_config(self, config: dict[str, Any]) -> tuple[bool, str | None]:
        """Model and numbers."""
        problem = find_problem(config, "Local")
        return problem is None, problem

    def get_display_name(self) -> str:
        """Local (embedded llama.cpp)."""
        return "Local (embedded llama.cpp)"

    def get_default_model(self) -> str:
        """The model fetched last, else the starter."""
        return next((model.name for model in store.answering(_paths())), STARTER)

    def get_available_models(self) -> list[str]:
        """What is on this machine, then the rest of the catalogue."""
        here = [model.name for model in store.answering(_paths())]
        return here + [name for name, entry in load_catalogue().items() if name not in here and not entry.embeds]


class LocalModel:
    """A model of the embedded engine.

    The first `stream` starts the engine, and fetches the starter model if that is what is missing. An engine that died
    is started anew by the next request.
    """

    def __init__(self, model: str, temperature: float | None, options: JsonObject) -> None:
        self._name = model
        self._temperature = temperature
        self._options = options
        self._starting: Future[Started] | None = None
        self._started: Started | None = None
        self._wire: Model | None = None
        self._profile = _expect(model, options)

    @property
    def profile(self) -> Profile:
        """What is known of the model; the engine's own figures once it runs."""
        return self._profile

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` and yield the answer."""
        wire = await self._connect()
        try:
            async with aclosing(cast("AsyncGenerator[Chunk, None]", wire.stream(request))) as chunks:
                async for chunk in chunks:
                    yield chunk
        except (CutStream, Unreachable) as exc:
            end = await self._end_of_engine()
            if not end:
                raise
            raise Unreachable(
                f"The embedded engine stopped: {end}.",
                provider="local",
                model=self._name,
                hint="try again; if memory is short, choose a smaller model or set provider_options.local.num_ctx",
            ) from exc

    async def _end_of_engine(self) -> str:
        """How the engine ended, empty if it runs. A connection breaks a moment before its process is gone."""
        engine = self._started.engine if self._started else None
        for _ in range(_GRACE_STEPS):
            if engine is not None and not engine.alive:
                return engine.describe_end()
            await asyncio.sleep(_GRACE_STEP_S)
        return ""

    async def close(self) -> None:
        """Close the connection and let the engine go; it stays warm until another model is wanted."""
        if self._wire is not None:
            await self._wire.close()
            self._wire = None
        if self._starting is not None:
            self._starting.add_done_callback(_release)
            self._starting = None

    async def _connect(self) -> Model:
        if self._started is not None and not self._started.engine.alive:
            await self.close()
        if self._starting is None:
            from ally.models.serve import start  # heavy

            self._starting = _in_thread(lambda: start(_paths(), self._name, self._options, tell))
        from ally.providers.wire import openai as wire  # heavy, while the model loads in its own process

        try:
            self._started = await _wait(self._starting)
        except Exception:
            self._starting = None
            raise
        if self._wire is None:
            self._wire = wire.model(self._target(self._started.serving))
            told = self._profile
            self._profile = replace(self._wire.profile, constrains=True, parameters=told.parameters, digest=told.digest)
        return self._wire

    def _target(self, serving: "Serving") -> Target:
        from ally.providers.wire.options import build_target  # heavy

        target = build_target(
            "local",
            self._name,
            serving.base_url,
            temperature=self._temperature,
            api_key=serving.api_key,
            options=for_the_wire(_wire_options(self._name, self._options)),
            quirks=replace(_QUIRKS, tools=serving.tools),
            headers=_NEW_CONNECTION,
        )
        return replace(target, context_window=serving.n_ctx, context_window_source="server")


def _paths() -> Paths:
    return find_paths(os.environ)


def _wire_options(model: str, options: JsonObject) -> JsonObject:
    """The options that are sent with every request."""
    sent = {name: value for name, value in options.items() if name not in _OWN}
    entry = load_catalogue().get(model)
    if entry is not None and entry.max_output_tokens and "max_tokens" not in sent:
        # The answer then ends with the stop reason "length", as any cut answer does.
        sent["max_tokens"] = entry.max_output_tokens
    return sent


def _expect(model: str, options: JsonObject) -> Profile:
    """The profile before the engine runs: what it will be started with."""
    entry = load_catalogue().get(model)
    found = store.find(_paths(), model)
    header = _header(found)
    expected = Profile(
        "local",
        model,
        "local",
        tools=entry.tools if entry else header.tools if header else True,
        constrains=True,
        parameters=parse_parameters(entry.parameters) if entry else (header.parameters or None) if header else None,
        digest=store.digest_of(found) if found else "",
    )
    wanted = options.get("num_ctx") or options.get("context_window")
    if isinstance(wanted, int):
        return replace(expected, context_window=wanted, context_window_source="user")
    if found and header:
        from ally.models.engine import plan  # heavy

        with suppress(ModelFileError):  # the first request says that it is too large for the memory there is
            return replace(expected, context_window=plan(found.path, model, options).n_ctx)
    if entry:
        return replace(expected, context_window=entry.context_window, context_window_source="catalogue")
    return expected


def _header(found: store.InstalledModel | None) -> Header | None:
    """The header of a model file; the first request complains about one that is damaged."""
    with suppress(ModelFileError):
        return read_header(found.path, found.name) if found else None
    return None


def _in_thread(work: Callable[[], T]) -> Future[T]:
    """The result of `work`, done in a thread that a program that ends does not wait for."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as exc:  # noqa: BLE001 - boundary: it is raised where the result is asked for
            future.set_exception(exc)

    threading.Thread(target=run, name="ally-local", daemon=True).start()
    return future


async def _wait(future: Future[T]) -> T:
    """The result of `future`; being cancelled here does not stop the work, which the next request will want."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def wake(_: Future[T]) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(done.set)

    future.add_done_callback(wake)
    await done.wait()
    return future.result()


def _release(future: "Future[Started]") -> None:
    from ally.models.serve import release  # heavy

    if future.exception() is None:
        release(future.result())
