"""The programs that are measured, each with a home of its own and a server that answers at once."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import bootstrap
from benchmarks.goals import ASK, BARE, HELP, LLM, LOCAL, PROVIDERS, VERSION
from benchmarks.measure import Command

ROOT = Path(__file__).resolve().parents[1]
LLM_LOCK = Path(__file__).with_name("llm.lock")
LOCAL_PROMPT = "Write a story about the sea in ten sentences."


def list_startups(home: Path) -> list[Command]:
    """Commands that need no model."""
    environment = {"ALLY_HOME": str(home / "ally"), "HOME": str(home)}
    ally = find_ally()
    return [
        Command(BARE, [sys.executable, "-c", "pass"], {}),
        Command(VERSION, [ally, "--version"], environment),
        Command(HELP, [ally, "-h"], environment),
        Command(PROVIDERS, [ally, "providers", "list"], environment),
    ]


@contextlib.contextmanager
def open_questions() -> Iterator[list[Command]]:
    """One prompt to one server, asked by Ally and by llm; the server lives as long as the block."""
    with tempfile.TemporaryDirectory() as folder, serve() as address:
        home = Path(folder)
        yield [_ask_ally(home, address), _ask_llm(home, address)]


def ask_local(home: Path) -> Command:
    """One prompt to the embedded engine with its starter model."""
    folder = home / "local"
    folder.mkdir()
    limit = {"provider_options": {"local": {"max_tokens": 128}}}
    (folder / "config.json").write_text(json.dumps(limit), encoding="utf-8")
    environment = {"ALLY_HOME": str(folder), "HOME": str(home)}
    options = ["--provider", "local", "--temperature", "0", "--output-format", "stream-json"]
    words = [find_ally(), "-p", LOCAL_PROMPT, *options]
    return Command(LOCAL, words, environment)


def find_ally() -> str:
    """The `ally` command of this environment."""
    return str(Path(sys.executable).with_name("ally"))


@contextlib.contextmanager
def serve(model: str = "m") -> Iterator[str]:
    """A server that answers at once, as long as the block; its address, with /v1."""
    fake = [sys.executable, "-m", "tests.fakes", "openai"]
    words = [*fake, "--port", "0", "--key", "", "--model", model, "--text", "Hi."]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield (server.stdout.readline() if server.stdout else "").strip()
        finally:
            server.terminate()


def _ask_ally(home: Path, address: str) -> Command:
    folder = home / "ally"
    folder.mkdir()
    endpoint = {"compatible": "openai", "base_url": address, "default_model": "m"}
    text = json.dumps({"provider": "bench", "endpoints": {"bench": endpoint}})
    (folder / "config.json").write_text(text, encoding="utf-8")
    return Command(ASK, [find_ally(), "-p", "hi"], {"ALLY_HOME": str(folder), "HOME": str(home)})


def _ask_llm(home: Path, address: str) -> Command:
    folder = home / "llm"
    folder.mkdir()
    models = f"- model_id: bench\n  model_name: m\n  api_base: {address}\n"
    (folder / "extra-openai-models.yaml").write_text(models, encoding="utf-8")
    program = install_llm().with_name("llm")
    return Command(LLM, [str(program), "-m", "bench", "hi"], {"LLM_USER_PATH": str(folder), "HOME": str(home)})


def install_llm() -> Path:
    """The interpreter of `.venv-bench`, made on first use, with the llm that Ally is compared with."""
    python = bootstrap.python_of(ROOT / ".venv-bench")
    stamp = ROOT / ".venv-bench" / bootstrap.hash_of(LLM_LOCK)
    if not stamp.exists():
        bootstrap.make_venv(ROOT / ".venv-bench")
        bootstrap.install_lock(ROOT / ".venv-bench", LLM_LOCK)
        stamp.touch()
    return python
