"""Every format with its fake, and an embedder over it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ally.config.paths import Paths
from ally.config.secrets import Keys
from ally.config.settings import Settings
from ally.providers.presets import load_presets
from ally.rag.embeddings.base import Embedder
from ally.rag.embeddings.batches import Patience
from ally.rag.embeddings.registry import Known, open_embedder, wanted_embedder
from tests.fakes import KEY
from tests.fakes.embeddings import (
    FakeCohereEmbedder,
    FakeEmbedder,
    FakeGoogleEmbedder,
    FakeNLPCloud,
    FakeOllamaEmbedder,
    FakeOpenAIEmbedder,
    FakeTextEmbeddingsInference,
    vector_of,
)

HURRIED = Patience(first_wait_s=0.005)
NOWHERE = Paths(*(Path("/nowhere") for _ in range(4)))


@dataclass(frozen=True)
class Service:
    """One provider. `cuts`: its service cuts a text that is too long, so that it must not be sent."""

    provider: str
    fake: type[FakeEmbedder]
    variable: str = ""
    cuts: bool = False
    counts: bool = True

    def open(self, base_url: str, key: str = KEY, **options: Any) -> Embedder:
        settings = Settings(
            embedding_provider=self.provider,
            embedding_model=options.pop("model", None),
            provider_options={
                self.provider: {
                    "idle_timeout_s": options.pop("idle_timeout_s", 20),
                    "embeddings": {"base_url": base_url, **options},
                }
            },
        )
        keys = Keys({self.variable: key} if self.variable else {})
        choice = wanted_embedder(settings, keys, Known(presets=list(load_presets().values())), {})
        return open_embedder(choice, NOWHERE, HURRIED)


SERVICES = [
    Service("openai", FakeOpenAIEmbedder, "OPENAI_API_KEY"),
    Service("mistral", FakeOpenAIEmbedder, "MISTRAL_API_KEY"),
    Service("ollama", FakeOllamaEmbedder),
    Service("google", FakeGoogleEmbedder, "GOOGLE_GEN_AI_API_KEY", cuts=True, counts=False),
    Service("cohere", FakeCohereEmbedder, "COHERE_API_KEY"),
    Service("nlpcloud", FakeNLPCloud, "NLP_CLOUD_API_KEY", cuts=True, counts=False),
    Service("huggingface", FakeTextEmbeddingsInference, counts=False),
]


@contextmanager
def opened(service: Service, *, max_words: int = 60, **options: Any) -> Iterator[tuple[FakeEmbedder, Embedder]]:
    """The fake of `service` and an embedder that asks it."""
    with (
        service.fake(max_words=max_words) as fake,
        closing(service.open(fake.base_url, **options)) as embedder,
    ):
        yield fake, embedder


def unit_vectors(texts: list[str]) -> NDArray[np.float32]:
    """What the fakes give for `texts`, of length 1."""
    found = np.array([vector_of(text) for text in texts], dtype=np.float64)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def of(provider: str) -> Service:
    """The service called `provider`."""
    return next(replace(one) for one in SERVICES if one.provider == provider)
