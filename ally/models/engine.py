"""The embedded engine: llama.cpp's own server, started for one model and reached over loopback.

It runs in a child process of this one. Loaded into Ally itself it kept Python's lock while a model loads (Ctrl-C and
the screen stood still), ended Ally when it ran out of memory, and made the exit wait for the running batch.
"""

import atexit
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from ally.config.secrets import without_secrets
from ally.errors import ConfigError, MissingPackage, ModelFileError
from ally.models.fit import fit_window
from ally.models.gguf import read_header
from ally.models.memory import available_bytes, resident_bytes, threads_for_inference
from ally.models.progress import size_text

DEFAULT_MAX_CONTEXT = 32_768
"""Context is memory: without `num_ctx` no model gets more than this, however much it was trained for."""

_LEAST_CONTEXT = 2048
_SMALLER = "close other programs or choose a smaller model: ally models list"
_INSTALL = "pip install 'ally-assistant[local]'"


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What is started. Two equal specs are one engine. `embeds`: it makes vectors of texts of up to `n_ctx` tokens."""

    path: Path
    model: str
    n_ctx: int
    n_threads: int
    cache_mib: int
    embeds: bool = False


@dataclass(frozen=True, slots=True)
class Serving:
    """A started engine: where it answers, and what it says of itself. `tools`: the chat template takes tools."""

    base_url: str
    api_key: str = field(repr=False)
    n_ctx: int
    tools: bool


def plan(path: Path, model: str, options: Mapping[str, object]) -> EngineSpec:
    """How `path` is best run here: `num_ctx` and `n_threads` of the options, else what model and machine allow.

    Raises:
        ConfigError: an option is not a sensible number.
        ModelFileError: the file is damaged, or too large for the memory there is.
    """
    header = read_header(path, model)
    wanted, threads = check_options(options)
    size = path.stat().st_size
    free = available_bytes()
    left = None if free is None else free - size
    least = 0 if header.sliding else (wanted or 0) * header.kv_bytes_per_token
    if left is not None and least >= left:
        raise ModelFileError(
            f"{model} needs {size_text(size + least)} of memory and {size_text(left + size)} are free.",
            model=model,
            hint="set provider_options.local.num_ctx to a smaller number" if wanted else _SMALLER,
        )
    most = min(header.context_window or _LEAST_CONTEXT, DEFAULT_MAX_CONTEXT)
    n_ctx = wanted or fit_window(header.kv_bytes_per_token, left, most=most, least=_LEAST_CONTEXT)
    cache = 512 if free is None else min(2048, free // 10 // 2**20)
    return EngineSpec(path, model, n_ctx, threads or threads_for_inference(), cache)


def plan_embedder(path: Path, model: str, max_tokens: int) -> EngineSpec:
    """How the embedding model `path` is run, for texts of up to `max_tokens` tokens.

    Raises:
        ModelFileError: there is not enough memory for it.
    """
    size, free = path.stat().st_size, available_bytes()
    if free is not None and size >= free:
        raise ModelFileError(
            f"{model} needs {size_text(size)} of memory and {size_text(free)} are free.", model=model, hint=_SMALLER
        )
    return EngineSpec(path, model, max_tokens, threads_for_inference(), 0, embeds=True)


def check_options(options: Mapping[str, object]) -> tuple[int | None, int | None]:
    """Tokens of context and number of threads that the options ask for.

    Raises:
        ConfigError: one of them is not a sensible number.
    """
    context = _number(options, "num_ctx", 256) or _number(options, "context_window", 256)
    return context, _number(options, "n_threads", 1)


def _number(options: Mapping[str, object], name: str, least: int) -> int | None:
    value = options.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        key = f"provider_options.local.{name}"
        raise ConfigError(f"{key} must be a whole number of at least {least}, not {value!r}.", key=key)
    return value


def check_installed() -> None:
    """Make sure that llama.cpp is there, before anything is fetched for it.

    Raises:
        MissingPackage: xllamacpp is not installed.
    """
    if find_spec("xllamacpp") is None:
        raise MissingPackage("xllamacpp", provider="local", hint=_INSTALL)


class Engine:
    """One child process with one model. `ready` is set when it answers, or to the reason why it does not.

    Raises:
        MissingPackage: xllamacpp is not installed.
    """

    def __init__(self, spec: EngineSpec) -> None:
        check_installed()
        self.spec = spec
        self.ready: Future[Serving] = Future()
        self._key = secrets.token_urlsafe(32)
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the engine
        self._process = _spawn(self._log)
        settings = {
            "path": str(spec.path),
            "alias": spec.model,
            "api_key": self._key,
            "n_ctx": spec.n_ctx,
            "n_threads": spec.n_threads,
            "cache_mib": spec.cache_mib,
            "embeds": spec.embeds,
        }
        with contextlib.suppress(OSError):  # it died already; the thread finds out why
            _pipe(self._process.stdin).write(json.dumps(settings).encode() + b"\n")
        # A daemon: an exit in the middle of loading does not wait for it.
        threading.Thread(target=self._await_ready, name="ally-engine", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def describe_end(self) -> str:
        """How the process ended, for an error message."""
        code = self._process.poll()
        if code is None:
            return "it is running"
        if code < 0:
            killed = "; the system may have run out of memory" if code == -9 else ""
            return f"it was ended by signal {-code}{killed}"
        return f"it ended with code {code}: {self._last_words()}"

    def stop(self, *, wait: bool = True) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        if wait:
            self._process.wait()
        else:
            # Giving back gigabytes takes the system a while; this program is ending and need not watch.
            self._process.returncode = -signal.SIGKILL if sys.platform != "win32" else 1
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError, ValueError):
                _pipe(pipe).close()
        self._log.close()

    def _await_ready(self) -> None:
        try:
            line = _pipe(self._process.stdout).readline()
            facts: dict[str, Any] = json.loads(line) if line else {}  # Any: JSON of our own child
        except (OSError, ValueError):
            facts = {}
        with contextlib.suppress(Exception):  # boundary: stopped meanwhile, nobody waits any more
            if "address" in facts:
                url = f"{facts['address']}/v1"
                self.ready.set_result(Serving(url, self._key, facts["n_ctx"], facts["tools"]))
            else:
                self.ready.set_exception(self._failure(str(facts.get("error", ""))))

    def _failure(self, told: str) -> Exception:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        words = self._last_words() or told or self.describe_end()
        name = self.spec.model
        if "ModuleNotFoundError" in told or "ImportError" in told:
            return MissingPackage("xllamacpp", provider="local", hint=_INSTALL)
        lower = words.lower()
        if "unknown model architecture" in lower:
            hint = f"this engine does not know that kind of model; a newer one may: {_INSTALL} --upgrade"
        elif "failed to allocate" in lower or "context" in lower or (self._process.returncode or 0) < 0:
            hint = "choose a smaller model, or set provider_options.local.num_ctx to a smaller number"
        else:
            hint = f"the file may be damaged; fetch it again: ally models pull {name} --force"
        return ModelFileError(f"{name} could not be loaded: {words}", model=name, hint=hint)

    def _last_words(self) -> str:
        """The first error line of the log: what follows it are its consequences."""
        try:
            size = os.fstat(self._log.fileno()).st_size
            text = os.pread(self._log.fileno(), min(size, 65_536), 0).decode("utf-8", "replace")
        except (OSError, ValueError):
            return ""
        lines = [line for line in text.splitlines() if line.strip()]
        errors = [line.partition(" E ")[2] for line in lines if " E " in line]
        chosen = next((line for line in errors if "error loading" in line or "failed to allocate" in line), None)
        words = chosen or (errors or lines or [""])[0]
        return " ".join(words.rpartition("error loading model: ")[2].split())


def _spawn(log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # -P: the script's own folder is no place to import from.
        [sys.executable, "-P", str(Path(__file__).with_name("host.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        bufsize=0,
        env=without_secrets(os.environ),
        start_new_session=True,  # Ctrl-C in the terminal is not for it
    )


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise OSError("the engine has no pipe")
    return pipe


class EnginePool:
    """The engines of this process: one per spec, shared by those who hold it."""

    def __init__(self) -> None:
        self._engines: dict[EngineSpec, Engine] = {}
        self._holders: dict[EngineSpec, int] = {}
        self._lock = threading.Lock()
        self._at_exit = False

    def acquire(self, spec: EngineSpec) -> Engine:
        """The engine of `spec`, started if need be; engines that nobody holds give way to it.

        Raises:
            MissingPackage: xllamacpp is not installed.
        """
        with self._lock:
            engine = self._engines.get(spec)
            if engine is not None and (not engine.alive or _failed(engine)):
                self._engines.pop(spec).stop()
                engine = None
            if engine is None:
                self._stop_unused()
                if not self._at_exit:
                    self._at_exit = True
                    atexit.register(self.stop_all, wait=False)
                engine = self._engines[spec] = Engine(spec)
            self._holders[spec] = self._holders.get(spec, 0) + 1
            return engine

    def release(self, spec: EngineSpec) -> None:
        """Give an acquired engine back. It stays warm until another one is wanted or the process ends."""
        with self._lock:
            self._holders[spec] = max(0, self._holders.get(spec, 0) - 1)

    def memory_bytes(self, model: str) -> int | None:
        """Memory that the running engine of `model` takes, None if none runs or the system does not say."""
        with self._lock:
            running = [engine for spec, engine in self._engines.items() if spec.model == model and engine.alive]
        return resident_bytes(running[0].pid) if running else None

    def stop_all(self, *, wait: bool = True) -> None:
        """End every engine."""
        with self._lock:
            while self._engines:
                self._engines.popitem()[1].stop(wait=wait)
            self._holders.clear()

    def _stop_unused(self) -> None:
        for spec in [spec for spec in self._engines if not self._holders.get(spec)]:
            self._engines.pop(spec).stop()


def _failed(engine: Engine) -> bool:
    return engine.ready.done() and engine.ready.exception() is not None


engines = EnginePool()
"""The engines of this process."""
