"""Servers on loopback that speak the real wire formats, answer what a test scripts, and break where it says.

    with FakeOpenAI() as fake:
        fake.script(Reply("Hello"), Failure("rate_limit", retry_after_s=2))
        ...  # a client with base_url=fake.base_url, api_key=KEY
        assert fake.calls[0].json["model"] == "gpt-4o"

Without a script a fake echoes, calls the tools it is asked to call, and answers JSON of the schema it is given.
`python -m tests.fakes openai --port 0` runs one as a process.
"""

from tests.fakes.anthropic import FakeAnthropic
from tests.fakes.base import KEY, Fake
from tests.fakes.gemini import FakeGemini
from tests.fakes.minimax import FakeMiniMax
from tests.fakes.ollama import FakeOllama, Pulled
from tests.fakes.openai import FakeOpenAI
from tests.fakes.own_servers import FakeLlamaCpp, FakeLMStudio, FakeVLLM
from tests.fakes.replicate import FakeReplicate
from tests.fakes.reply import HTML, Cut, ErrorEvent, Failure, Hang, Raw, Reply, Usage
from tests.fakes.server import Recorded

FAKES: dict[str, type[Fake]] = {
    "openai": FakeOpenAI,
    "anthropic": FakeAnthropic,
    "gemini": FakeGemini,
    "ollama": FakeOllama,
    "minimax": FakeMiniMax,
    "replicate": FakeReplicate,
}

OWN_SERVERS: dict[str, type[Fake]] = {"llamacpp": FakeLlamaCpp, "lmstudio": FakeLMStudio, "vllm": FakeVLLM}
"""Of those that people run themselves; they take any request unless they are given a key."""

__all__ = [
    "FAKES",
    "HTML",
    "KEY",
    "OWN_SERVERS",
    "Cut",
    "ErrorEvent",
    "Failure",
    "Fake",
    "FakeAnthropic",
    "FakeGemini",
    "FakeLMStudio",
    "FakeLlamaCpp",
    "FakeMiniMax",
    "FakeOllama",
    "FakeOpenAI",
    "FakeReplicate",
    "FakeVLLM",
    "Hang",
    "Pulled",
    "Raw",
    "Recorded",
    "Reply",
    "Usage",
]
