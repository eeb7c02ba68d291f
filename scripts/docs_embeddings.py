"""Writes docs/reference/embeddings.md from what Ally knows of services and models that make vectors.

`--check` changes nothing and fails when the page is not up to date.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ally.providers.presets import load_presets  # noqa: E402 - after sys.path
from ally.rag.embeddings.choice import makes_embeddings  # noqa: E402
from ally.rag.embeddings.known import KnownModel, load_table  # noqa: E402
from scripts.pages import keep  # noqa: E402

PAGE = ROOT / "docs/reference/embeddings.md"

INTRODUCTION = """\
# Embeddings

<!-- Made by scripts/docs_embeddings.py from ally/rag/embeddings/known.json and ally/providers/presets.json. -->

Collections are searched by words and by meaning. For the meaning every passage becomes a vector, once, and so does
every question. `embedding_provider` and `embedding_model` in config.json say who makes them; without them it is
`local`, which sends nothing anywhere.

Vectors of two models cannot be compared. After a change `ally kb sync NAME --rebuild` makes those of a collection anew;
until then its old ones are not used, and Ally says so.

Addresses and models were looked up on **{date}** in what the services publish; they are tested against servers that
imitate the services, not against the services. Any other model of a service can be named as well.

## On your own machine or network

| name | what | default model |
|---|---|---|
| `local` | in a process of its own, without a network | `all-minilm-l6-v2` |
| `ollama` | an Ollama server: `OLLAMA_HOST`, else http://127.0.0.1:11434 | `all-minilm` (`ollama pull all-minilm`) |
| `huggingface`, `hf` | sentence-transformers in Ally's own process | `sentence-transformers/all-MiniLM-L6-v2` |
"""
HOSTED = """
## Hosted services

The text of every passage goes there. The key is read from the environment or from `.env`; a service never gets the key
of another one.

| name | key | default model | address |
|---|---|---|---|
"""
REST = """
Every entry of `endpoints` that is OpenAI-compatible can be named as well, with `embedding_model`.

## Options

Under `provider_options.NAME.embeddings` of config.json:

```json
{"embedding_provider": "openai", "provider_options": {"openai": {"embeddings": {"dimensions": 512}}}}
```

| option | meaning |
|---|---|
| `base_url` | another address, if vectors are made elsewhere than `base_url` of the provider says |
| `dimensions` | how long vectors are, where the model leaves a choice |
| `batch` | how many texts go into one request |
| `concurrency` | how many requests are under way at once |
| `max_tokens` | how long a text may be, if what Ally knows is wrong |
| `query_prefix`, `passage_prefix` | what stands before a text that searches, and before one that is searched |
| `body` | an object of further fields of each request |

`headers`, `connect_timeout_s` and `idle_timeout_s` are those of the provider.

## What happens when

- **A service asks to slow down** (429): its pause is kept, up to a minute, and fewer requests go side by side. Without
  a time the pauses grow, up to four minutes together. Money that is used up is told at once.
- **It fails or is cut off**: three more tries. What was embedded before stays; the next `ally kb sync` goes on from
  there.
- **A batch is too large**: it is halved. **A single text is too long**: an error that names it. It is never cut:
  services are told not to (`truncate`), and where they cannot be told, a text that may be too long is not sent.
- **What comes is no vector** (too few, of different lengths, not finite, zero): an error; nothing of it is kept.
- **`--offline`**: only what is on this machine is asked.

## Good to know

**local.** The model that comes along runs in onnxruntime; those that `ally models pull` fetches, such as
`embeddinggemma-300m`, in the embedded engine.

**ollama.** How long a text may be is asked of the server (`/api/show`).

**google.** `gemini-embedding-001` is told the task by `taskType`, later models by a prefix.

**huggingface.** `pip install sentence-transformers` brings it, with 1 GB and more. Nothing is fetched by Ally: fetch
a model once with `hf download NAME`, or put its folder below `ALLY_EMBEDDING_MODELS_DIR`, or give the path of a folder
as `embedding_model`. With `embeddings.base_url` nothing runs in Ally; it asks a text-embeddings-inference server, an
Inference Endpoint, or an address that ends with `/pipeline/feature-extraction`. `HF_TOKEN` goes to huggingface.co and
huggingface.cloud only.

**llamacpp.** Start it with `--embeddings --pooling mean` (or what the model wants); `embedding_model` may be any word.

## One of your own

One file adds an embedder: `app/src/embeddings/custom/NAME.py` in a checkout, or `embeddings/NAME.py` in the config
folder; an installed package does it with an entry point of the group `ally.embeddings`.

```python
from app.src.embeddings import BaseEmbedder


class Letters(BaseEmbedder):
    name = "letters"

    def embed(self, texts, kind):
        return [[text.count(letter) + 0.01 for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
```

`"embedding_provider": "letters"` chooses it. `kind` is `"passage"` or `"query"`; vectors may have any length but zero,
Ally makes it 1. To wrap a LangChain object, return it from `create_embedder(self, model, api_key=None, **options)`; the
options are `provider_options.NAME`. `app/src/embeddings/custom/_template.py` shows what else can be said: a default
model, the variable of a key, the longest text, a version that changes with the vectors.

A file is imported for the first time in a separate process, without network beyond this machine and for at most 20
seconds (`ALLY_PLUGIN_TIMEOUT_S`). One that fails is named with its cause, and everything else works.

## Models whose habits are known

Whoever publishes them, and whatever the service: `BAAI/bge-m3` and `bge-m3:567m` are the same model. The prefixes
belong to how a model was trained; search is worse without them.

| model | tokens | length of a vector | before a question | before a passage |
|---|---|---|---|---|
"""


def page() -> str:
    """The reference page."""
    table = load_table()
    hosted = [
        (row.name, row.env_vars[0], f"`{row.default_model}`", row.base_url)
        for row in table.services.values()
        if row.base_url
    ]
    presets = [spec for spec in load_presets().values() if makes_embeddings(spec) and spec.name not in table.services]
    own = [spec for spec in presets if not spec.env_vars]
    hosted += [(one.name, one.env_vars[0], _default(one.name), one.base_url) for one in presets if one.env_vars]
    lines = [INTRODUCTION.replace("{date}", table.as_of)]
    lines += [f"| `{one.name}` | {one.display_name}, {one.base_url} | {_default(one.name)} |\n" for one in own]
    lines.append(HOSTED)
    lines += [f"| `{name}` | `{key}` | {model} | {address} |\n" for name, key, model, address in sorted(hosted)]
    return "".join([*lines, REST, *(_model(name, model) for name, model in table.models)])


def _default(name: str) -> str:
    model = load_table().defaults.get(name)
    return f"`{model}`" if model else "none"


def _model(name: str, model: KnownModel) -> str:
    shown = [_shown(text) for text in (model.query, model.passage)]
    return f"| `{name}` | {model.max_tokens:,} | {model.dim or 'its own'} | {' | '.join(shown)} |\n"


def _shown(prefix: str) -> str:
    text = prefix.replace("\n", "⏎").replace("|", "\\|")
    return f"`{text}`" if text else ""


def main() -> int:
    """0 if the page is up to date now."""
    return keep({PAGE: page()}, __doc__)


if __name__ == "__main__":
    sys.exit(main())
