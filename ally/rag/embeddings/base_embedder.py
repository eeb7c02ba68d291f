"""`BaseEmbedder`: what a plug-in that makes vectors implements. Plug-ins import it from `app.src.embeddings`."""

from collections.abc import Sequence
from typing import Any, ClassVar


class BaseEmbedder:
    """A source of vectors of one's own.

    Give it a `name`, implement `embed`, put the file into `app/src/embeddings/custom/`, and set `embedding_provider` to
    the name. Everything else has a default.
    """

    name: ClassVar[str] = ""
    """As written in config.json; compared without regard to case."""

    default_model: ClassVar[str | None] = None
    """The model when `embedding_model` is not set."""

    required_env_vars: ClassVar[Sequence[str]] = ()
    """The variables it needs; the first one holds the key."""

    max_tokens: int = 512
    """How long a text may be; a token is at least two bytes."""

    batch: int = 64
    """How many texts `embed` gets at most."""

    version: str = ""
    """Change it when the vectors change although the model's name does not: they are made anew then."""

    base_url: str | None = None
    """Where texts are sent, so that Ally can tell; `http://localhost` for what runs on this machine."""

    model: str = ""
    api_key: str | None = None
    options: dict[str, Any]  # Any: whatever config.json holds

    def create_embedder(
        self,
        model: str,
        api_key: str | None = None,
        **options: Any,  # Any: whatever `provider_options.NAME` of config.json holds
    ) -> Any:  # Any: a stranger's object
        """What makes the vectors of `model`: anything with `embed`, or a LangChain object.

        The default keeps the arguments as attributes and gives this object. A LangChain object has `embed_documents`
        and `embed_query`.
        """
        self.model, self.api_key, self.options = model, api_key, options
        return self

    def embed(self, texts: list[str], kind: str) -> Any:  # Any: rows of numbers, of lists or of an array
        """One vector for each of `texts`, in their order, of any length but all of the same.

        Args:
            texts: 1 to `batch` texts, none empty.
            kind: "passage" for texts that are searched, "query" for those that search.

        Whatever it raises is shown with the line it came from; what it gave before is kept.
        """
        raise NotImplementedError
