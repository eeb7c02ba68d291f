"""What the pictures show."""

from ally.chat.front import Option
from ally.chat.standing import Sent, Standing
from ally.events import (
    MessageFinished,
    PermissionAsked,
    PermissionDenied,
    Question,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolProgress,
    ToolRequested,
    TurnFinished,
    TurnStarted,
)
from ally.messages import AssistantMessage, Text, ToolCall, ToolResult

HERE = Standing(
    agent="general",
    provider="ollama",
    model="qwen3:8b",
    mode="ask",
    tier="A",
    used_tokens=3_900,
    window=32_768,
    input_tokens=1_234,
    output_tokens=300,
    reused=0.96,
)
FAR = Standing(
    agent="code_gen",
    provider="openai",
    model="gpt-5-mini",
    location="cloud",
    mode="bypass",
    tier="C",
    used_tokens=240_000,
    window=256_000,
    input_tokens=812_000,
    output_tokens=9_500,
    sent=Sent(lan=3_000, cloud=3_200_000),
)

MARKDOWN = """# How the cache works

Each entry is kept under its **digest**; `lookup()` reads it and *never* waits. See `cache/store.py:42`.

1. The key is made from the arguments.
2. The index is asked:
   - a hit gives the entry,
   - a miss gives `None`.

> Entries are immutable, so nothing has to be locked.

| Case  | Reads |   Time |
|-------|------:|-------:|
| hit   |     1 | 0.2 ms |
| miss  |     2 | 0.9 ms |

```python
def lookup(self, key: str) -> Entry | None:
    return self.index.get(digest(key))  # no lock
```
"""

RIGHT = """The formula is right now, **but** one test still expects euros:

```python
assert total([100, 100], 10) == 90
```
"""

CODE = (
    "```python\n" + "".join(f"table[{n}] = compute({n}, scale=0.{n % 10})  # value {n}\n" for n in range(60)) + "```\n"
)

WIDE = """Zażółć gęślą jaźń · ﬁn · e\u0301 · 👩\u200d🚀 · 🇵🇱 · ½

| Sprache | Gruß | Breite |
|---|---|---:|
| 日本語 | こんにちは、世界 | 8 |
| 한국어 | 안녕하세요 | 10 |
| العربية | مرحبا بالعالم | 13 |
| עברית | שלום עולם | 9 |

```text
漢字 = 4 columns
ab\u202ecd = a direction mark is not obeyed
```
"""

SHELL = ToolCall("c1", "shell", {"command": "python -m pytest tests/test_prices.py -q"})
READ = ToolCall("c2", "read", {"path": "shop/prices.py"})
EDIT_ARGS = {
    "path": "shop/prices.py",
    "edits": [{"old": "sum(prices) - discount", "new": "sum(prices) * (100 - discount) / 100"}],
}
EDIT = ToolCall("c3", "edit", EDIT_ARGS)
DIFF = (
    "--- shop/prices.py\n"
    "+++ shop/prices.py\n"
    "@@ -1,5 +1,6 @@\n"
    " def total(prices, discount=0):\n"
    "-    return sum(prices) - discount\n"
    '+    """What `prices` cost together; `discount` is in per cent."""\n'
    "+    return sum(prices) * (100 - discount) / 100\n"
    " \n"
    " \n"
    " def cheapest(prices):\n"
)
TESTS = "....F\nFAILED tests/test_prices.py::test_total - assert 90 == 180\n1 failed, 4 passed in 0.31s"


def called(
    call: ToolCall, text: str, for_user: str = "", *, is_error: bool = False
) -> list[ToolRequested | ToolFinished]:
    """A call that ran."""
    return [ToolRequested(call), ToolFinished(ToolResult(call.id, text, for_user, is_error, call.name))]


def answered(text: str) -> list[TextDelta | MessageFinished | TurnFinished]:
    """An answer that is over."""
    return [TextDelta(text), MessageFinished(AssistantMessage((Text(text),))), TurnFinished("end")]


STARTED = TurnStarted("ollama", "qwen3:8b")
THINKING = ThinkingDelta(
    "The user wants the discount in per cent. `total` subtracts it now, so 10 means ten euros.\n"
    "I should change the formula, and the test that expects 90 shows what is meant."
)
EDIT_QUESTION = Question(
    EDIT,
    "shop/prices.py",
    "changes a file of this folder",
    DIFF,
    ("once", "session", "project"),
    ("edit(shop/**)",),
)
SHELL_QUESTION = Question(
    ToolCall("c4", "shell", {"command": "pip install requests && python fetch.py > out.json", "network": True}),
    "pip install requests && python fetch.py > out.json",
    "it wants the network, and no rule allows `pip install`",
    scopes=("once", "session", "project", "always"),
    remember=("shell(pip install:*)", "shell(python fetch.py:*)"),
    rule="ask: network of commands",
    touches=(
        "writes in this folder: ~/shop",
        "has the network",
        "runs in sandbox A: the rest of the disk is read-only",
    ),
)
CHAT = [
    STARTED,
    *called(READ, "def total(prices, discount=0): ...", "read shop/prices.py, 9 lines"),
    ToolRequested(EDIT),
    PermissionAsked(EDIT_QUESTION),
    ToolFinished(ToolResult("c3", "", "edited shop/prices.py, +2 -1 lines")),
    *called(SHELL, TESTS, "exit 1, 2.4 s, sandbox A", is_error=True),
]
DENIED = PermissionDenied(SHELL, "the user", "the user said no: use the tests of the folder")
PROGRESS = ToolProgress("c1", "collected 5 items\n\ntests/test_prices.py ....\n")

MODELS = [
    Option(
        "local:smollm2",
        "smollm2:135m",
        ("8k (file)", "no", "101 MB", "tiny: only to try"),
        "embedded engine · this machine",
    ),
    Option(
        "ollama:qwen3",
        "qwen3:8b",
        ("32k (server)", "native", "5.2 GB", "loaded"),
        "Ollama at 127.0.0.1:11434 · this machine",
        is_current=True,
    ),
    Option(
        "ollama:phi4",
        "phi4-mini:latest",
        ("128k (server)", "native", "2.5 GB", ""),
        "Ollama at 127.0.0.1:11434 · this machine",
    ),
    Option(
        "ollama:glm",
        "glm-4.6:cloud",
        ("198k (server)", "native", "", ""),
        "Ollama at 127.0.0.1:11434 · passed on to a cloud",
    ),
    Option("anthropic:sonnet", "claude-sonnet-4-5", ("200k (catalogue)", "yes", "", "default"), "Anthropic · cloud"),
    Option("anthropic:haiku", "claude-haiku-4-5", ("200k (catalogue)", "yes", "", ""), "Anthropic · cloud"),
    Option("openai:mini", "gpt-5-mini", ("400k (catalogue)", "yes", "", "default"), "OpenAI · cloud"),
    Option(
        "local:qwen3-4b",
        "qwen3-4b",
        ("32k (file)", "native", "2.5 GB", ""),
        "to be fetched first",
        why_not="it has to be fetched first: !ally models pull qwen3-4b",
    ),
]
MODEL_ABOUT = """qwen3:8b

provider  ollama
place     this machine
window    32,768 tokens, said by the server
tools     native
size      5.2 GB
speed     412 tokens/s reading, 31 tokens/s writing"""

SESSIONS = [
    Option(
        "k3f9",
        "The discount should be in per cent",
        ("2026-03-14 10:02", "general", "k3f9a1"),
        "this folder: ~/shop",
        is_current=True,
    ),
    Option(
        "p0w2",
        "Why does test_total fail on Windows only?",
        ("2026-03-13 17:40", "general", "p0w2c7"),
        "this folder: ~/shop",
    ),
    Option(
        "zz81", "Write a changelog for 2.1", ("2026-03-10 09:15", "content_writer", "zz81b0"), "this folder: ~/shop"
    ),
    Option("a0b1", "日本語の README を確認して", ("2026-03-02 12:00", "general", "a0b1d9"), "~/notes"),
]
SESSION_ABOUT = """k3f9a1 · general · 4 messages
~/shop

> The discount should be in per cent

The discount is in per cent now; the test expects that as well.

> Run the tests

All five pass."""

SETUP = [
    Option("ollama:qwen3", "qwen3:8b", ("Ollama", "32k", "native tools", ""), "on this machine", is_current=True),
    Option(
        "local:smollm2", "smollm2:135m", ("embedded engine", "8k", "no tools", "tiny: only to try"), "on this machine"
    ),
    Option(
        "local:qwen3-4b",
        "qwen3-4b",
        ("embedded engine", "32k", "", "2.5 GB from Hugging Face"),
        "on this machine, once it is fetched",
    ),
    Option(
        "anthropic:s",
        "claude-sonnet-4-5",
        ("Anthropic", "", "", "key: ANTHROPIC_API_KEY"),
        "a service: what you write, and what tools read for it, is sent there",
    ),
    Option("later", "decide later", ("", "", "", "until then one on this machine"), "or"),
]
COMMANDS = (
    ("/help", "what there is"),
    ("/model [NAME]", "choose the model"),
    ("/mode [MODE]", "what is allowed without asking"),
    ("/sessions [WORDS]", "go on with an earlier session"),
    ("/rewind", "go back to an earlier message"),
    ("/undo", "take back what the last message changed"),
    ("/diff", "what was changed in this session"),
)
