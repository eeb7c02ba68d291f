"""The user's collections, wired: which store and which embedder the settings name, put together to one `Library`.

Importing it imports next to nothing, and whether there may be collections is known without opening anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ally.config.paths import Paths, moved_folder

if TYPE_CHECKING:
    from ally.config.secrets import Keys
    from ally.config.settings import Settings
    from ally.rag.embeddings.base import Embedder
    from ally.rag.embeddings.registry import Known
    from ally.rag.library import Library
    from ally.rag.search.reranking import Reranker
    from ally.rag.stores.base import Shelf
    from ally.rag.stores.postgres import PostgresShelf


@dataclass
class Knowledge:
    """What of an application its collections need. `settings` and `keys` are asked when they are needed."""

    env: Mapping[str, str]
    paths: Paths
    checkout: Path | None
    warn: Callable[[str], None]
    settings: "Callable[[], Settings]"
    keys: "Callable[[], Keys]"

    @cached_property
    def folder(self) -> Path:
        """Where collections are kept if no server is set."""
        return moved_folder(self.env, "ALLY_DATABASE_DIR", self.paths.data / "kb", self.warn)

    @cached_property
    def embedders(self) -> "Known":
        """What `embedding_provider` may name."""
        from ally.providers.compatible import load_presets, spec_from_endpoint  # heavy
        from ally.rag.embeddings.registry import Known, PlugIns  # heavy

        endpoints = [spec_from_endpoint(name, one) for name, one in self.settings().endpoints.items()]
        return Known(list(load_presets().values()), endpoints, PlugIns(self.paths, self.checkout))

    def has_collections(self) -> bool:
        """Whether there may be any; it costs next to nothing."""
        return self.settings().knowledge.store is not None or self.folder.is_dir()

    def open_library(self) -> "Library":
        """All that can be done with collections."""
        from ally.rag.library import Library  # heavy

        own = (self.paths.config, self.paths.data, self.paths.state, self.paths.cache)
        return Library(
            open_shelf=self.open_shelf,
            make_embedder=self.open_embedder,
            home=Path.home().resolve(),
            warn=self.warn,
            own_folders=tuple(dict.fromkeys(own)),
            chunk_tokens=self.settings().knowledge.chunk_tokens,
            make_reranker=self.open_reranker,
        )

    def open_shelf(self) -> "Shelf":
        """The store that is set.

        Raises:
            ConfigError: `knowledge.store` cannot be understood.
        """
        if (server := self.server()) is not None:
            return server
        from ally.rag.stores.embedded import EmbeddedShelf  # heavy

        return EmbeddedShelf(self.folder)

    def server(self) -> "PostgresShelf | None":
        """The store in a database server, if one is set; nothing is asked of it yet.

        Raises:
            ConfigError: `knowledge.store` cannot be understood.
        """
        store = self.settings().knowledge.store
        if store is None:
            return None
        from ally.rag.stores.postgres import PostgresShelf, parse  # heavy

        return PostgresShelf(parse(store, self.env), self.env, Path.home())

    def open_embedder(self) -> "Embedder":
        """The embedder that is set.

        Raises:
            AllyError: it cannot be had.
        """
        from ally.rag.embeddings.registry import open_embedder, wanted_embedder  # heavy

        return open_embedder(wanted_embedder(self.settings(), self.keys(), self.embedders, self.env), self.paths)

    def open_reranker(self) -> "Reranker | None":
        """What sorts once more what was found, if one is set.

        Raises:
            AllyError: it cannot be had.
        """
        if self.settings().knowledge.reranker is None:
            return None
        from ally.rag.search.rerank_choice import open_reranker  # heavy

        return open_reranker(self.settings(), self.keys(), self.embedders, self.env)
