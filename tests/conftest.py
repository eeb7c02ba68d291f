"""What every test gets: an empty home, no keys, no way out but loopback, the fakes, and the real command."""

import compileall
import gc
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
import trustme

import tests.fakes.guard.sitecustomize  # noqa: F401 - guards this process
from ally.egress.offline import is_enabled
from ally.egress.quiet import silence
from ally.rag.embeddings.minilm.embedder import MiniLM
from ally.rag.embeddings.minilm.files import make_files
from tests.fakes import Fake, FakeAnthropic, FakeGemini, FakeMiniMax, FakeOllama, FakeOpenAI, FakeReplicate
from tests.fakes.requests import words

ROOT = Path(__file__).resolve().parent.parent
GUARD = ROOT / "tests" / "fakes" / "guard"
CHECKOUT_PARTS = ("ally", "app", "main.py", "config.json")
PROJECT_PLUGINS = ("minimax.py", "_template.py", "__init__.py")
"""The only files of `app/src/*/custom` that belong to the project; a developer's own stay out of tests."""

_SECRET_ENDINGS = words("_API_KEY _TOKEN _KEY _SECRET _GROUP_ID _API_BASE _BASE_URL _API_HOST _HOST")
_PROVIDER_PREFIXES = words(
    "AI21_ ALLY_ ANTHROPIC_ AZURE_ CEREBRAS_ CLAUDE_ COHERE_ DEEPSEEK_ FIREWORKS_ GEMINI_ GITHUB_ GOOGLE_ GROQ_ HF_ "
    "HUGGINGFACE LANGCHAIN_ LANGSMITH_ MINIMAX_ MISTRAL_ NVIDIA_ OLLAMA_ OPENAI_ OPENROUTER_ PERPLEXITY_ REPLICATE_ "
    "TOGETHER_ XAI_ XDG_"
)
_PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


class RunAlly(Protocol):
    """The real command in a child process."""

    def __call__(
        self,
        *args: str,
        input: str = "",  # noqa: A002 - the name subprocess.run uses
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        guarded: bool = True,
        timeout_s: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run `ally ARGS`; `env` is added to a clean environment, `guarded=False` leaves offline mode to Ally."""
        ...


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Sockets reach loopback only; the environment of this process is clean before anything is collected."""
    config.option.allow_hosts = "127.0.0.0/8,::1,localhost"
    config.option.allow_unix_socket = True
    for marker in ("benchmark", "vcr"):
        config.addinivalue_line("markers", f"{marker}: used inside langchain-tests; its plug-in is off here")
    _clean(os.environ)


def pytest_collection_finish() -> None:
    """What is imported and collected stays until the end: looking for garbage in it took a twentieth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@pytest.fixture(scope="session")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("authority") / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(autouse=True)
def home(_authority: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, which is this test's `HOME`; nothing else of the user is to be seen.

    One certificate authority is trusted instead of the system's 140: every client loads them, 50 ms of CPU each time.
    """
    folder = tmp_path_factory.mktemp("home")
    wanted = {name: value for name, value in os.environ.items() if not _is_private(name)}
    wanted |= {**_home_variables(folder), "SSL_CERT_FILE": _authority}
    silence(wanted)
    for name in os.environ.keys() - wanted.keys():
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            monkeypatch.setenv(name, value)
    return folder


@pytest.fixture(scope="session")
def _pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pristine = _copy_checkout(ROOT, tmp_path_factory.mktemp("pristine") / "ally-checkout")
    compileall.compile_dir(pristine / "ally", quiet=2)  # once, and not in the first child of each test
    return pristine


@pytest.fixture
def checkout(_pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of this test's own, without `.env` and without a developer's plug-ins: write into it freely, but
    not into `ally/`, whose files it shares with all others.

    `run_ally` runs from it when a test asks for both.
    """
    return _copy_checkout(_pristine, tmp_path_factory.mktemp("checkout") / "ally-checkout", shared="ally")


@pytest.fixture
def ally_environment(home: Path, _embedding_models: Path) -> Callable[[Path], dict[str, str]]:
    """Gives the clean environment of a child process that runs Ally from the checkout it is given."""

    def environment(source: Path) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
        env = {**kept, **_home_variables(home), "LANG": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1"}
        env["PYTHONPATH"] = os.pathsep.join([str(GUARD), str(source)])
        env["ALLY_EMBEDDING_MODELS_DIR"] = str(_embedding_models)
        silence(env)
        return env

    return environment


@pytest.fixture
def run_ally(
    request: pytest.FixtureRequest,
    ally_environment: Callable[[Path], dict[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> RunAlly:
    """Runs the real command with this test's empty home, by default in an empty folder."""

    def run(
        *args: str,
        input: str = "",  # noqa: A002 - the name subprocess.run uses
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        guarded: bool = True,
        timeout_s: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        source: Path = request.getfixturevalue("checkout" if "checkout" in request.fixturenames else "_pristine")
        variables = {**ally_environment(source), **(env or {})}
        if not guarded:
            variables["PYTHONPATH"] = str(source)
        return subprocess.run(
            [sys.executable, "-m", "ally", *args],
            input=input,
            env=variables,
            cwd=cwd or tmp_path_factory.mktemp("work"),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout_s,
            check=False,
        )

    return run


def _served(fake: type[Fake]) -> Callable[[], Iterator[Fake]]:
    def serve() -> Iterator[Fake]:
        with fake() as server:
            yield server

    return serve


fake_openai = pytest.fixture(_served(FakeOpenAI), name="fake_openai")
fake_anthropic = pytest.fixture(_served(FakeAnthropic), name="fake_anthropic")
fake_gemini = pytest.fixture(_served(FakeGemini), name="fake_gemini")
fake_ollama = pytest.fixture(_served(FakeOllama), name="fake_ollama")
fake_minimax = pytest.fixture(_served(FakeMiniMax), name="fake_minimax")
fake_replicate = pytest.fixture(_served(FakeReplicate), name="fake_replicate")


@pytest.fixture(scope="session")
def _embedding_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For `ALLY_EMBEDDING_MODELS_DIR`: a folder in which the embedding model is made once for all tests."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "embedding-models"


@pytest.fixture(scope="session")
def embedding_models(_embedding_models: Path) -> Path:
    """The same folder, with the model in it."""
    make_files(_embedding_models)
    return _embedding_models


@pytest.fixture(scope="session")
def local_embedder(embedding_models: Path) -> Iterator[MiniLM]:
    """The real embedder of this machine, one process for all tests; do not close it."""
    embedder = MiniLM(embedding_models)
    yield embedder
    embedder.close()


@pytest.fixture
def closed_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _clean(env: "os._Environ[str]") -> None:
    for name in list(env):
        if _is_private(name):
            del env[name]
    silence(env)


def _is_private(name: str) -> bool:
    upper = name.upper()
    return (
        upper.endswith(tuple(_SECRET_ENDINGS)) or upper.startswith(tuple(_PROVIDER_PREFIXES)) or upper in _PROXY_NAMES
    )


def _home_variables(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "USERPROFILE": str(folder),
        "XDG_CONFIG_HOME": str(folder / ".config"),
        "XDG_DATA_HOME": str(folder / ".local" / "share"),
        "XDG_STATE_HOME": str(folder / ".local" / "state"),
        "XDG_CACHE_HOME": str(folder / ".cache"),
    }


def _copy_checkout(source: Path, target: Path, shared: str = "") -> Path:
    for part in CHECKOUT_PARTS:
        if (source / part).is_dir():
            copy = _link if part == shared else shutil.copy2
            shutil.copytree(source / part, target / part, ignore=_not_ours, copy_function=copy)
        elif (source / part).is_file():
            shutil.copy2(source / part, target / part)
    return target


def _link(source: str, target: str) -> None:
    """Ten times as fast as a copy; where links are not to be had, a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _not_ours(folder: str, names: list[str]) -> list[str]:
    if Path(folder).name == "custom" and Path(folder).parent.name in ("providers", "embeddings"):
        return [name for name in names if name not in PROJECT_PLUGINS]
    return [name for name in names if name == ".env"]


@pytest.fixture(autouse=True)
def _online() -> Iterator[None]:
    """Offline mode cannot be undone, so a test that turns it on in this process would spoil all that follow."""
    yield
    assert not is_enabled(), "this test turned offline mode on: let a child process do that"
