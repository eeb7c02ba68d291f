"""Models of Hugging Face run in this process by sentence-transformers.

Nothing is fetched: a model that is not on this machine is an error that says how to get it.
"""

import contextlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ally.egress.location import Location
from ally.errors import ContextTooLong, MissingPackage, ModelFileError
from ally.rag.embeddings.base import TextKind
from ally.rag.embeddings.batches import shown
from ally.rag.embeddings.choice import STAY_HERE, EmbedderChoice
from ally.rag.embeddings.known import KnownModel
from ally.rag.embeddings.remote import prefix_digest
from ally.rag.embeddings.vectors import NoVectors, normalised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AT_ONCE = 32


def open_sentences(choice: EmbedderChoice, known: KnownModel, counter: str, folder: Path) -> "SentenceEmbedder":
    """The model of `choice`: the path of a folder, a name below `folder`, or one in the cache of Hugging Face.

    Raises:
        MissingPackage: sentence-transformers is not installed.
        ModelFileError: the model is not on this machine, or cannot be loaded.
    """
    name = choice.model or ""
    try:
        from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports, reportUnknownVariableType]  # heavy - nobody has to install it
    except ImportError as error:
        raise MissingPackage(
            "sentence-transformers",
            provider=choice.provider,
            hint=f"{sys.executable} -m pip install sentence-transformers; or {STAY_HERE}",
        ) from error
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # a progress bar
            model: Any = SentenceTransformer(_place(name, folder), local_files_only=True, trust_remote_code=False)  # pyright: ignore[reportUnknownVariableType]  # Any: has no types
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelFileError(
            f"The model {name} cannot be loaded: {_first_line(error)}",
            provider=choice.provider,
            model=name,
            hint=f"fetch it once: hf download {name}; or {STAY_HERE}",
        ) from error
    return SentenceEmbedder(choice.provider, name, counter, known, model)


class SentenceEmbedder:
    """`Embedder` over a SentenceTransformer."""

    location: Location = "local"

    def __init__(
        self,
        provider: str,
        model: str,
        counter: str,
        known: KnownModel,
        loaded: Any,  # Any: has no types
    ) -> None:
        self.provider = provider
        self.model = model
        self.counter = counter
        self._known = known
        self._loaded: Any = loaded  # Any: as above
        self._reads = int(loaded.max_seq_length or known.max_tokens)
        longest = max(known.query, known.passage, key=len)
        self.max_tokens = self._reads - (self._count(longest) if longest else 0)

    @property
    def fingerprint(self) -> str:
        """Provider, model, and a digest of its prefixes."""
        return "/".join([self.provider, self.model, *prefix_digest(self._known)])

    def embed(self, texts: Sequence[str], kind: TextKind) -> "NDArray[np.float32]":
        """As the port says."""
        import numpy as np  # heavy

        prefix = self._known.query if kind == "query" else self._known.passage
        prefixed = [f"{prefix}{text}".encode(errors="replace").decode() for text in texts]
        for text, whole in zip(texts, prefixed, strict=True):
            # A byte is at most one token; two mark the beginning and the end.
            if len(whole.encode()) + 2 > self._reads and self._count(whole) > self._reads:
                raise ContextTooLong(
                    f"A text of {len(text):,} characters, {shown(text)}, is too long for {self.model},"
                    f" which reads {self._reads:,} tokens.",
                    limit_tokens=self._reads,
                    provider=self.provider,
                    model=self.model,
                    hint="set knowledge.chunk_tokens lower, or choose a model that reads more",
                )
        rows = [
            self._loaded.encode(prefixed[start : start + _AT_ONCE], show_progress_bar=False, convert_to_numpy=True)
            for start in range(0, len(prefixed), _AT_ONCE)
        ]
        try:
            return normalised(np.concatenate(rows))
        except NoVectors as error:
            what = str(error).replace("sent", "gave", 1)
            raise ModelFileError(f"{self.model} {what}.", provider=self.provider, model=self.model) from error

    def _count(self, text: str) -> int:
        return len(self._loaded.tokenizer(text, truncation=False, verbose=False)["input_ids"])

    def close(self) -> None:
        """Let go of the weights."""
        self._loaded = None


def _place(name: str, folder: Path) -> str:
    """The folder of the model `name`. Given a name that it does not have, SentenceTransformer would ask the hub.

    Raises:
        FileNotFoundError: it is not on this machine.
    """
    for place in (folder / name, Path(name).expanduser()):
        if place.is_absolute() and place.is_dir():
            return str(place)
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]  # heavy - a Tqdm of it

    try:
        return snapshot_download(name, local_files_only=True)
    except (OSError, ValueError) as error:
        raise FileNotFoundError("it is not on this machine") from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
