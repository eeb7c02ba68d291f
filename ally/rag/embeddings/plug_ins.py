"""Embedders that others bring: finding them, and using one as any other."""

import contextlib
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ally.config.paths import Paths
from ally.egress.location import Location, classify
from ally.egress.offline import find_blocked
from ally.errors import AllyError, BadReply, DimensionMismatch, OfflineRefused, PluginError
from ally.plugins import cause_of, defined_classes, failure, line_of, load
from ally.quarantine.dropped import Dropped, Places, PlugInOrigin, look_at_all
from ally.quarantine.findings import entry_point_classes
from ally.quarantine.manifest import Manifest
from ally.quarantine.sources import claimed_names
from ally.rag.embeddings.base import TextKind
from ally.rag.embeddings.base_embedder import BaseEmbedder
from ally.rag.embeddings.choice import STAY_HERE, EmbedderChoice
from ally.rag.embeddings.counting import ESTIMATE
from ally.rag.embeddings.kind import KIND, NAMES, NO_EMBEDDER, Description, install
from ally.rag.embeddings.vectors import NoVectors, normalised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PlugIn:
    """One embedder of a plug-in; nothing of it has run in this process."""

    says: Description
    class_name: str
    dropped: Dropped

    @property
    def name(self) -> str:
        """As in `embedding_provider`."""
        return self.says.name

    @property
    def env_vars(self) -> Sequence[str]:
        """The variables it needs."""
        return self.says.env_vars

    @property
    def default_model(self) -> str | None:
        """The model when none is set."""
        return self.says.default_model

    @property
    def path(self) -> Path:
        """Its file, or the name of its entry point."""
        return self.dropped.path or Path(self.dropped.entry_point)

    def make(self) -> BaseEmbedder:
        """The embedder; its plug-in is imported now.

        Raises:
            PluginError: that fails.
        """
        dropped = self.dropped
        with _guarded(self.path):
            if dropped.folder is not None and dropped.path is not None:
                classes = defined_classes(load(dropped.folder, dropped.path), BaseEmbedder)
            else:
                classes = entry_point_classes(dropped.entry_point, BaseEmbedder)
            for found in cast("Sequence[type[BaseEmbedder]]", classes):
                if found.__qualname__ == self.class_name:
                    return found()
        raise PluginError(self.path, f"{self.path.name} does not define {self.name!r} any more.", hint="start again")


@dataclass(frozen=True, slots=True)
class Broken:
    """A plug-in, or one class of it, that cannot be used. `claims` are the names that it seems to define."""

    name: str
    origin: PlugInOrigin
    path: Path
    cause: str
    claims: frozenset[str] = frozenset()


@dataclass
class PlugIns:
    """All plug-ins. They are looked for when somebody asks, and only those that changed are run, in child processes."""

    paths: Paths
    checkout: Path | None

    @property
    def by_name(self) -> dict[str, PlugIn]:
        """Those that can be used; the checkout's win over those of the config folder, and those over packages."""
        return self._found[0]

    @property
    def broken(self) -> list[Broken]:
        """Those that cannot, with the reason."""
        return self._found[1]

    def names(self) -> list[str]:
        """The names of those that can be used."""
        return sorted(self.by_name)

    def find(self, name: str) -> PlugIn | None:
        """The one called `name`.

        Raises:
            PluginError: it is defined by one that cannot be used. Its namesake would send texts elsewhere than meant.
        """
        found = self.by_name.get(name)
        for broken in self.broken:
            if name in broken.claims and (found is None or broken.path != found.path):
                raise PluginError(
                    broken.path,
                    f"Embedder '{name}' is defined by {broken.path.name}, which cannot be used: {broken.cause}",
                    hint=f"mend {broken.path}, or remove it",
                )
        return found

    @cached_property
    def _found(self) -> tuple[dict[str, PlugIn], list[Broken]]:
        user_dir = self.paths.config / "embeddings"
        folders = install(self.checkout, user_dir)
        origins: dict[str, PlugInOrigin] = {NAMES.custom: "custom", NAMES.user: "user"}
        places = Places(self.checkout, user_dir, [(folder, origins[folder.package]) for folder in folders])
        good: dict[str, PlugIn] = {}
        broken: list[Broken] = []
        for dropped, report in look_at_all(KIND, places, Manifest(self.paths.cache / "embedders.json")):
            good |= {says.name: PlugIn(says, class_name, dropped) for class_name, says in report.found}
            path = dropped.path or Path(dropped.entry_point)
            claims = claimed_names(dropped.source, dropped.stem) - {says.name for _, says in report.found}
            broken += [
                Broken(
                    dropped.stem,
                    dropped.origin,
                    path,
                    problem.cause,
                    frozenset() if problem.cause == NO_EMBEDDER else claims,
                )
                for problem in report.problems
            ]
        return good, broken


class PlugInEmbedder:
    """`Embedder` over what a plug-in gives."""

    counter = ESTIMATE

    def __init__(self, plug_in: PlugIn, choice: EmbedderChoice) -> None:
        self._plug_in = plug_in
        self._base = plug_in.make()
        self.provider = plug_in.name
        self.model = choice.model or ""
        with _guarded(plug_in.path):
            self._inner: Any = self._base.create_embedder(self.model, choice.api_key, **choice.options)  # Any: as there
            self.max_tokens = int(self._base.max_tokens)
            self._batch = max(1, int(self._base.batch))
            self._version = str(self._base.version)
            self._base_url = self._base.base_url
        self._dim = 0

    @property
    def fingerprint(self) -> str:
        """Its name, the model and the version it gives itself."""
        return "/".join(part for part in (self.provider, self.model, self._version) if part)

    @property
    def location(self) -> Location:
        """Where it says that texts go; if it says nothing, anywhere."""
        return classify(self._base_url or "")

    def embed(self, texts: Sequence[str], kind: TextKind) -> "NDArray[np.float32]":
        """As the port says; what the plug-in raises becomes a `BadReply` that names its line."""
        import numpy as np  # heavy

        rows = [self._some(list(texts[start : start + self._batch]), kind) for start in self._starts(texts)]
        if len({part.shape[1] for part in rows}) > 1:
            raise self._bad(f"gave vectors of {' and '.join(str(part.shape[1]) for part in rows)} numbers")
        found = np.concatenate(rows)
        if self._dim and found.shape[1] != self._dim:
            raise DimensionMismatch(self._dim, int(found.shape[1]))
        self._dim = int(found.shape[1])
        return found

    def close(self) -> None:
        """Its `close`, if it has one."""
        close: object = getattr(self._inner, "close", None)
        if callable(close):
            with _guarded(self._plug_in.path):
                close()

    def _starts(self, texts: Sequence[str]) -> range:
        return range(0, len(texts), self._batch)

    def _some(self, texts: list[str], kind: TextKind) -> "NDArray[np.float32]":
        import numpy as np  # heavy

        try:
            found = np.asarray(self._ask(texts, kind), dtype=np.float64)
        except AllyError:
            raise
        except (Exception, SystemExit) as exc:  # boundary: a stranger's plug-in runs here
            raise self._failed(exc) from exc
        if found.ndim != 2 or found.shape[0] != len(texts) or found.shape[1] == 0:
            raise self._bad(f"gave numbers of shape {found.shape} for {len(texts)} texts")
        try:
            return normalised(found)
        except NoVectors as error:
            raise self._bad(str(error).replace("sent", "gave", 1)) from error

    def _ask(self, texts: list[str], kind: TextKind) -> Any:  # Any: a stranger's value
        inner = self._inner
        if hasattr(inner, "embed_documents") and hasattr(inner, "embed_query"):
            return inner.embed_documents(texts) if kind == "passage" else [inner.embed_query(text) for text in texts]
        return inner.embed(texts, kind)

    def _failed(self, exc: BaseException) -> AllyError:
        path = self._plug_in.path
        if blocked := find_blocked(exc):
            return OfflineRefused(
                blocked.destination, provider=self.provider, model=self.model, hint=f"stay on this machine: {STAY_HERE}"
            )
        line = line_of(path, exc)
        where = f"{path}, line {line}" if line else str(path)
        return BadReply(
            f"{self.provider} failed: {cause_of(exc)}", provider=self.provider, model=self.model, hint=f"see {where}"
        )

    def _bad(self, what: str) -> BadReply:
        return BadReply(
            f"{self.provider} {what}.", provider=self.provider, model=self.model, hint=f"see {self._plug_in.path}"
        )


@contextlib.contextmanager
def _guarded(path: Path) -> Generator[None]:
    """What a plug-in prints goes to stderr, and what it raises becomes a `PluginError`."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except AllyError:
        raise
    except (Exception, SystemExit) as exc:  # boundary: a stranger's plug-in runs here
        raise failure(path, exc) from exc
