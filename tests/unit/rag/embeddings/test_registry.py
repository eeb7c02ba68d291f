"""Which embedder the settings name, with whose key, and where it is."""

import sys
from pathlib import Path
from typing import Any

import pytest

from ally.config.secrets import Keys
from ally.config.settings import Endpoint, Settings
from ally.errors import ConfigError, ContextTooLong, MissingKey, MissingPackage, ModelFileError, UnknownProvider
from ally.providers.compatible import spec_from_endpoint
from ally.providers.presets import load_presets
from ally.rag.embeddings.choice import EmbedderChoice
from ally.rag.embeddings.known import find_model
from ally.rag.embeddings.registry import Known, open_embedder, wanted_embedder
from tests.unit.rag.embeddings.services import NOWHERE

KEYS = {"OPENAI_API_KEY": "sk-openai-1234", "MISTRAL_API_KEY": "sk-mistral-1234", "HF_TOKEN": "hf_1234567890"}
NOMIC = "text-embedding-nomic-embed-text-v1.5"
ENDPOINT = Endpoint(base_url="http://gpu:8000/v1", api_key_env="LAB_KEY", default_model="qwen", headers={"X-Team": "a"})


def known(**endpoints: Endpoint) -> Known:
    specs = [spec_from_endpoint(name, endpoint) for name, endpoint in endpoints.items()]
    return Known(presets=list(load_presets().values()), endpoints=specs)


def choose(provider: str | None, model: str | None = None, env: dict[str, str] | None = None, **options: Any):
    settings = Settings(embedding_provider=provider, embedding_model=model, provider_options=options)
    return wanted_embedder(settings, Keys({**KEYS, **(env or {})}), known(lab=ENDPOINT), env or {})


@pytest.mark.parametrize("provider", [None, "local", " LOCAL "])
def test_without_a_setting_it_is_local(provider: str | None):
    assert choose(provider, "bge-small") == EmbedderChoice("local", "bge-small")


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("openai", ("openai", "text-embedding-3-small", "openai", "https://api.openai.com/v1", "sk-openai-1234")),
        ("OpenAI", ("openai", "text-embedding-3-small", "openai", "https://api.openai.com/v1", "sk-openai-1234")),
        ("mistral", ("mistral", "mistral-embed", "openai", "https://api.mistral.ai/v1", "sk-mistral-1234")),
        ("ollama", ("ollama", "all-minilm:latest", "ollama", "http://127.0.0.1:11434", None)),
        ("hf", ("huggingface", "sentence-transformers/all-MiniLM-L6-v2", "huggingface", "", None)),
        ("lmstudio", ("lmstudio", NOMIC, "openai", "http://127.0.0.1:1234/v1", None)),
    ],
)
def test_names_models_addresses_and_keys(provider: str, expected: tuple[str | None, ...]):
    choice = choose(provider)
    assert (choice.provider, choice.model, choice.api, choice.base_url, choice.api_key) == expected
    assert "-1234" not in repr(choice)


def test_an_endpoint_of_ones_own_with_its_key_and_headers():
    choice = choose("lab", "bge-m3", {"LAB_KEY": "lab-key-1234"})
    assert (choice.base_url, choice.api_key, choice.headers) == ("http://gpu:8000/v1", "lab-key-1234", {"X-Team": "a"})
    assert open_embedder(choice, NOWHERE).fingerprint == "lab/bge-m3/gpu:8000"
    assert open_embedder(choice, NOWHERE).location == "lan"


def test_ollama_is_where_the_environment_or_the_options_say():
    assert choose("ollama", env={"OLLAMA_HOST": "box"}).base_url == "http://box:11434"
    assert choose("ollama", ollama={"base_url": "http://other:1/v1"}).base_url == "http://other:1"
    both = {"base_url": "http://chat:1", "embeddings": {"base_url": "http://vectors:2"}}
    assert choose("ollama", ollama=both).base_url == "http://vectors:2"


def test_the_token_of_the_hub_goes_to_the_hub_only():
    hub = "https://router.huggingface.co/hf-inference/models/BAAI/bge-m3/pipeline/feature-extraction"
    assert choose("hf", hf={"embeddings": {"base_url": hub}}).api_key == "hf_1234567890"
    for stranger in ("http://127.0.0.1:8080", "https://huggingface.co.example.com", "http://x.huggingface.co"):
        assert choose("huggingface", huggingface={"embeddings": {"base_url": stranger}}).api_key is None


def test_an_address_of_chat_models_is_not_where_hugging_face_embeds():
    assert choose("hf", huggingface={"base_url": "http://127.0.0.1:8080/v1"}).base_url == ""


@pytest.mark.parametrize(
    ("provider", "near"),
    [("opnai", "openai"), ("huggingfac", "huggingface"), ("olama", "ollama"), ("zzz", "config.json")],
)
def test_an_unknown_name_lists_what_there_is(provider: str, near: str):
    with pytest.raises(
        UnknownProvider, match=f"{provider}. Available providers: cohere, .*google.*lab.*local"
    ) as caught:
        choose(provider)
    assert near in caught.value.hint
    assert "groq" not in str(caught.value)


@pytest.mark.parametrize("provider", ["groq", "deepseek", "xai"])
def test_services_without_embeddings(provider: str):
    with pytest.raises(ConfigError, match="makes no embeddings"):
        choose(provider)


@pytest.mark.parametrize(("provider", "variable"), [("cohere", "COHERE_API_KEY"), ("nlpcloud", "NLP_CLOUD_API_KEY")])
def test_a_missing_key_names_its_variable(provider: str, variable: str):
    with pytest.raises(MissingKey, match=variable) as caught:
        choose(provider)
    assert variable in caught.value.hint
    assert "local" in caught.value.hint


def test_an_endpoint_without_a_model():
    with pytest.raises(ConfigError, match="no default") as caught:
        choose("lab", env={"LAB_KEY": "lab-key-1234"})
    assert "embedding_model" in caught.value.hint


@pytest.mark.parametrize(
    "embeddings",
    [{"batch": 0}, {"batch": "9"}, {"dimensions": 1.5}, {"bacth": 9}, {"query_prefix": 3}, {"body": []}],
    ids=str,
)
def test_options_that_cannot_be_used(embeddings: dict[str, Any]):
    choice = choose("openai", openai={"embeddings": embeddings})
    with pytest.raises(ConfigError, match=r"provider_options.openai.embeddings.\w+ must be"):
        open_embedder(choice, NOWHERE)


@pytest.mark.parametrize(
    "options",
    [
        {"embeddings": 5},
        {"base_url": "ftp://x"},
        {"base_url": 7},
        {"headers": ["x"]},
        {"timeout": -1},
        {"connect_timeout_s": "soon"},
    ],
    ids=str,
)
def test_options_of_the_provider_that_cannot_be_used(options: dict[str, Any]):
    with pytest.raises(ConfigError, match=r"provider_options.openai.\w+ must be"):
        choose("openai", openai=options)


def test_a_fingerprint_changes_with_what_changes_the_vectors():
    def fingerprint(**embeddings: Any) -> str:
        return open_embedder(choose("openai", openai={"embeddings": embeddings}), NOWHERE).fingerprint

    assert fingerprint() == "openai/text-embedding-3-small"
    assert fingerprint(dimensions=256) == "openai/text-embedding-3-small/256"
    assert fingerprint(base_url="http://10.0.0.7:8000/v1") == "openai/text-embedding-3-small/10.0.0.7:8000"
    assert fingerprint(query_prefix="q: ") not in (fingerprint(), fingerprint(passage_prefix="q: "))
    assert fingerprint(batch=3) == fingerprint()


@pytest.mark.parametrize(
    ("name", "query", "max_tokens", "dim"),
    [
        ("nomic-embed-text:latest", "search_query: ", 2048, 768),
        ("text-embedding-nomic-embed-text-v1.5", "search_query: ", 2048, 768),
        ("intfloat/multilingual-e5-base", "query: ", 512, 768),
        ("BAAI/bge-m3", "", 8192, 1024),
        ("bge-large:335m", "Represent this sentence for searching relevant passages: ", 512, 1024),
        ("snowflake-arctic-embed2", "query: ", 8192, 1024),
        ("Qwen/Qwen3-Embedding-0.6B", "Instruct: ", 32768, 0),
        ("hf.co/x/embeddinggemma-300m-GGUF:Q8_0", "task: search result", 2048, 768),
        ("nobody/knows-this", "", 512, 0),
    ],
)
def test_what_is_known_of_a_model_by_its_name(name: str, query: str, max_tokens: int, dim: int):
    found = find_model(name)
    assert found.query.startswith(query) and bool(found.query) == bool(query)
    assert (found.max_tokens, found.dim) == (max_tokens, dim)


def test_sentence_transformers_that_is_not_installed_says_how_to(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingPackage) as caught:
        open_embedder(choose("hf"), NOWHERE)
    assert "pip install sentence-transformers" in caught.value.hint


STUB = """
import numpy as np

class SentenceTransformer:
    max_seq_length = 16

    def __init__(self, name, *, local_files_only, trust_remote_code):
        assert local_files_only and not trust_remote_code
        if name == "missing":
            raise OSError("We could not find it in the cached files.\\nmore")
        self.seen = []

    def tokenizer(self, text, **options):
        return {"input_ids": text.split()}

    def encode(self, texts, show_progress_bar, convert_to_numpy):
        return np.array([[len(text), 1.0, 2.0] for text in texts], dtype=np.float32)
"""


def test_sentence_transformers_in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "sentence_transformers.py").write_text(STUB)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "models/intfloat/e5-small").mkdir(parents=True)
    monkeypatch.setenv("ALLY_EMBEDDING_MODELS_DIR", str(tmp_path / "models"))
    embedder = open_embedder(choose("hf", "intfloat/e5-small"), NOWHERE)
    assert (embedder.location, embedder.max_tokens) == ("local", 15)  # the prefix is one token of the stub
    found = embedder.embed(["a", "bb"] * 20, "passage")
    assert found.shape == (40, 3)
    assert found[0] @ found[0] == pytest.approx(1)
    assert found[0][0] / found[0][1] == pytest.approx(len("passage: a"))
    with pytest.raises(ContextTooLong, match="150 characters"):
        embedder.embed(["word " * 30], "passage")
    with pytest.raises(ModelFileError, match="x/missing cannot be loaded: it is not on this machine") as caught:
        open_embedder(choose("hf", "x/missing"), NOWHERE)
    assert "hf download x/missing" in caught.value.hint
    embedder.close()
