"""Writes docs/reference/providers.md from the providers that come with Ally.

`--check` changes nothing and fails when the page is not up to date.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ally.providers.base import BaseProvider  # noqa: E402 - after sys.path
from ally.providers.builtin.anthropic import AnthropicProvider  # noqa: E402
from ally.providers.builtin.cerebras import CerebrasProvider  # noqa: E402
from ally.providers.builtin.google import GoogleProvider  # noqa: E402
from ally.providers.builtin.openai import OpenAIProvider  # noqa: E402
from ally.providers.builtin.replicate import ReplicateProvider  # noqa: E402
from ally.providers.compatible import CompatibleProvider, CompatibleSpec, load_presets  # noqa: E402
from ally.providers.presets import presets_date  # noqa: E402
from ally.providers.wire.target import Quirks  # noqa: E402
from app.src.providers.custom.minimax import MiniMaxProvider  # noqa: E402
from scripts.pages import keep  # noqa: E402

PAGE = ROOT / "docs/reference/providers.md"
CLASSES = (OpenAIProvider, AnthropicProvider, GoogleProvider, CerebrasProvider, ReplicateProvider)

INTRODUCTION = f"""\
# Providers

<!-- Made by scripts/docs_providers.py from ally/providers/builtin/, presets.json and the MiniMax plug-in. -->

Addresses, models and peculiarities were looked up on **{presets_date()}** in what the services publish; they are tested
against servers that imitate the services, not against the services. Models come and go every week: any other name can
be used as well, with `--model` or `"model"` in config.json. `ally providers` shows which keys are set, and
`ally providers check NAME` tries one for real.

## On your own machine or network

No key, and nothing leaves your machine or network, except for the `-cloud` models of Ollama.

| name | provider | address | models |
|---|---|---|---|
| `local` | the embedded engine | inside Ally | `ally models` lists and fetches them |
| `ollama` | Ollama (Local) | `OLLAMA_HOST`, else http://127.0.0.1:11434 | those that the server has |
"""
HOSTED = """
## Hosted services

The key is read from the environment or from `.env`; a provider never gets the key of another one.

| name | provider | key | default model | address |
|---|---|---|---|---|
"""
OPTIONS = """
## Options

Under `provider_options.NAME` of config.json. Options that are not in this table are sent to the service as fields of
the request, so whatever its API documents can be set.

| option | meaning |
|---|---|
| `base_url` | another address of the same kind of service: a gateway, a region, your own server |
| `headers` | further HTTP headers, an object of texts |
| `max_tokens` | longest answer; sent under the name that the service wants |
| `context_window` | tokens the model attends to, if the published number is wrong for you |
| `stream` | `false`: ask for whole answers |
| `connect_timeout_s`, `idle_timeout_s` | longest wait for a connection, and for the next piece of an answer |

A key goes to the address in config.json and to no other: `OPENAI_BASE_URL`, `ANTHROPIC_BASE_URL` and the like are
ignored. Only `OLLAMA_HOST` is followed, because no key goes there.

## Good to know

**openai.** Models that reason take no temperature. Since GPT-5.4, chat completions accept tools only with
`reasoning_effort` "none", so that is what Ally sends. For thinking together with tools set `reasoning_effort` to
`low`, `medium` or `high`: Ally then uses the Responses API through `langchain-openai`, as it always does for
`gpt-6.1-sol`, `gpt-6-astra` and the `-pro` and `-codex` models. A gateway without that API: `use_responses_api: false`.

**anthropic.** Models since 4.7 take no temperature; those since 5 think by themselves, and Ally asks for a summary of
the thinking. `output_config: {"effort": "low"}` makes it shorter.

**google.** Models since 3.6 take no temperature; `thinkingConfig: {"thinkingLevel": "low"}` makes the thinking shorter.

**ollama.** `OLLAMA_HOST` is read as Ollama itself reads it: without a scheme the port is 11434, with `http://` or
`https://` it is 80 or 443 unless given. `num_ctx`, `keep_alive`, `think` and all other parameters of a model are
options. Models that run in Ollama's cloud are listed last, and not chosen as long as there is another one.

Every request asks for the same context window, since another one makes Ollama load the model anew: `num_ctx`, else that
of the Modelfile, else that of the loaded model if it is 8,192 tokens or more, else what was chosen before, else what
fits into half of the free memory, at most 32,768 (16,384 on another machine or a graphics card). Delete
`ollama-windows.json` in the cache folder to have it chosen anew. `truncate` and `shift` are sent as false, so that a
prompt that does not fit is an error; `true` in the options brings back what Ollama does by itself. `ChatOllama`, on the
guide's road, knows neither. `keep_alive` is a duration ("10m"), seconds, or -1 for ever.

**replicate.** Models there take one text and give one text; the conversation is written out for them.

**perplexity.** Chat completions ended on 2026-09-27; Ally uses the Agent API through `langchain-openai`. `preset`
(`fast`, `low`, `medium`, `high`, `xhigh`) says how much it searches.

**github.** GitHub ended GitHub Models on 2026-07-30. The row is kept for compatible servers, with `base_url`.

**minimax.** For accounts made in China: `base_url` "https://api.minimaxi.com/v1". Temperature 0 is sent as 0.01.

**lmstudio, llamacpp, vllm, localai**, and `endpoints` on this machine or in its network. Without `model` a model of the
server is used that talks, best one that is loaded. Ally asks the server what it really serves: the context window (of
one slot of llama.cpp, of the loaded model in LM Studio, `max_model_len` of vLLM), tools, pictures, weights. It asks
when the model is made, for at most 0.3 seconds, and again when a request was too long or the server was gone.
`context_window` wins over what it says. Two servers of a kind, or one with a key: make them `endpoints`.

## Your own services

Anything that speaks the OpenAI or the Anthropic protocol needs three lines in config.json
(see [configuration](config.md)), everything else one file (see the [tutorial](../tutorial-provider.md)):

```json
{"endpoints": {"lab": {"base_url": "http://gpu:8000/v1", "api_key_env": "LAB_KEY", "default_model": "qwen3-32b"}}}
```
"""


def page() -> str:
    """The reference page."""
    specs = list(load_presets().values())
    own = [spec for spec in specs if not spec.env_vars]
    hosted = [
        *(cls() for cls in CLASSES),
        MiniMaxProvider(),
        *(CompatibleProvider(spec) for spec in specs if spec.env_vars),
    ]
    hosted.sort(key=lambda provider: provider.name)
    lines = [INTRODUCTION]
    lines += [
        f"| `{spec.name}` | {spec.display_name} | {spec.base_url} | those that the server has |\n" for spec in own
    ]
    lines += [HOSTED, *(_row(provider) for provider in hosted), OPTIONS, "\n## Models and peculiarities\n"]
    return "".join([*lines, *(_details(provider) for provider in hosted)])


def main() -> int:
    """0 if the page is up to date now."""
    return keep({PAGE: page()}, __doc__)


def _row(provider: BaseProvider) -> str:
    keys = " and ".join(f"`{variable}`" for variable in provider.get_required_env_vars())
    address = getattr(provider, "base_url", "")
    default = provider.get_default_model()
    return f"| `{provider.name}` | {provider.get_display_name()} | {keys} | `{default}` | {address} |\n"


def _details(provider: BaseProvider) -> str:
    models = ", ".join(f"`{model}`" for model in provider.get_available_models())
    text = f"\n### {provider.name}\n\n{models}\n"
    if isinstance(provider, CompatibleProvider):
        facts = "; ".join(_facts(provider.spec))
        text += f"\n{facts[:1].upper()}{facts[1:]}. " if facts else "\n"
        text += f"[Its documentation]({provider.spec.docs}).\n"
    return text


def _facts(spec: CompatibleSpec) -> list[str]:
    usual, quirks = Quirks(), spec.quirks
    said = {
        spec.ended: bool(spec.ended),
        "reached over the Responses API": spec.api == "responses",
        "no temperature": not quirks.temperature,
        "no pictures": not quirks.images,
        "no tools": not quirks.tools,
        "JSON without a schema, which is checked afterwards": quirks.structured == "json_object",
        "tokens are counted without being asked for": quirks.stream_usage != usual.stream_usage,
        "earlier thinking is sent back while tools run": quirks.replay_thinking != "none",
        f"context window {spec.context_window:,} tokens" if spec.context_window else "": bool(spec.context_window),
        "always sent: " + ", ".join(f"{name}={value}" for name, value in spec.body.items()): bool(spec.body),
    }
    return [text for text, is_so in said.items() if is_so]


if __name__ == "__main__":
    sys.exit(main())
