"""What an agent is, and how its file is read."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ally.config.settings import AGENTS
from ally.errors import UsageError


@dataclass(frozen=True, slots=True)
class Agent:
    """A way of working: a system prompt and a temperature, which config.json may override, and the tools it gets."""

    name: str
    description: str
    temperature: float
    tools: tuple[str, ...]
    prompt: str


@cache
def load_agent(name: str) -> Agent:
    """The built-in agent called `name`.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in AGENTS:
        raise UsageError(f"Unknown agent: {name}.", hint=f"the agents are {', '.join(AGENTS)}")
    text = files("ally.agents").joinpath("builtin", f"{name}.md").read_text(encoding="utf-8")
    _, header, prompt = text.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in header.splitlines())
    tools = tuple(fields["tools"].split())
    return Agent(name, fields["description"], float(fields["temperature"]), tools, prompt.strip())
