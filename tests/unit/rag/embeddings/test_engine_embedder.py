"""Embedding models in the embedded engine."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ally.config.paths import Paths
from ally.errors import ContextTooLong, ModelFileError, UnknownModel
from ally.models import store
from ally.models.catalogue import load_catalogue
from ally.models.engine import engines
from ally.models.serve import start
from ally.rag.embeddings.engine import EngineEmbedder
from ally.rag.embeddings.known import find_model
from ally.rag.embeddings.local import open_local
from tests.unit.models.making import gguf
from tests.unit.rag.embeddings.tiny import DIM, write_tiny_bert


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    store.models_dir(Paths(tmp_path, tmp_path, tmp_path, tmp_path)).mkdir()
    return Paths(tmp_path, tmp_path, tmp_path, tmp_path)


@pytest.fixture
def embedder(paths: Paths) -> Iterator[EngineEmbedder]:
    """A model put into the folder of models by hand."""
    write_tiny_bert(store.models_dir(paths) / "tiny-bert.gguf")
    found = open_local(paths, "tiny-bert")
    assert isinstance(found, EngineEmbedder)
    yield found
    found.close()
    engines.stop_all()


def test_vectors_of_a_model_in_a_file(embedder: EngineEmbedder):
    assert (embedder.process_id, embedder.max_tokens, embedder.location) == (0, 64, "local")
    texts = ["how do cats sleep", "a b c", "cats"]
    vectors = embedder.embed(texts, "passage")
    assert (vectors.shape, vectors.dtype) == ((3, DIM), np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    assert embedder.embed(texts[::-1], "query")[::-1] == pytest.approx(vectors, abs=1e-5)
    process = embedder.process_id
    with pytest.raises(ContextTooLong):
        embedder.embed(["cats", "a " * 70], "passage")
    assert embedder.process_id == process


def test_an_engine_that_was_killed_is_told_once_and_starts_again(embedder: EngineEmbedder):
    before = embedder.embed(["cats"], "passage")
    process = embedder.process_id
    os.kill(process, signal.SIGKILL)
    try:
        embedder.embed(["cats"], "passage")
    except ModelFileError as error:  # not raised if its end was seen in time
        assert "starts anew" in error.hint
    assert embedder.embed(["cats"], "passage") == pytest.approx(before, abs=1e-5)
    assert embedder.process_id not in (0, process)


def test_the_name_of_the_space_holds_the_content_of_the_file(paths: Paths):
    file = write_tiny_bert(store.models_dir(paths) / "nomic-embed-text.gguf")
    before = open_local(paths, "nomic-embed-text").fingerprint
    write_tiny_bert(file, pooling=2)
    os.utime(file, (1, 1))
    after = open_local(paths, "nomic-embed-text").fingerprint
    assert before.startswith("local/nomic-embed-text/")
    assert before != after


def test_prefixes_and_limits_of_the_models_in_the_catalogue_are_known():
    embedders = {name: find_model(name) for name, entry in load_catalogue().items() if entry.embeds}
    assert set(embedders) == {"nomic-embed-text", "embeddinggemma-300m", "bge-m3", "qwen3-embedding-0.6b"}
    assert [name for name, model in embedders.items() if not model.query] == ["bge-m3"]


def test_embedders_are_not_offered_to_talk_to(paths: Paths):
    write_tiny_bert(store.models_dir(paths) / "tiny-bert.gguf")
    (store.models_dir(paths) / "talker.gguf").write_bytes(gguf())
    assert {model.name for model in store.installed(paths)} >= {"tiny-bert", "talker"}
    assert "tiny-bert" not in [model.name for model in store.answering(paths)]
    with pytest.raises(ModelFileError, match="makes vectors"):
        start(paths, "tiny-bert", {}, lambda _: None)


def test_a_model_that_answers_is_no_embedder(paths: Paths):
    (store.models_dir(paths) / "talker.gguf").write_bytes(gguf())
    with pytest.raises(ModelFileError, match="makes no vectors"):
        open_local(paths, "talker")


def test_a_model_that_is_not_fetched(paths: Paths):
    with pytest.raises(UnknownModel) as caught:
        open_local(paths, "bge-m3")
    assert "ally models pull bge-m3" in caught.value.hint
