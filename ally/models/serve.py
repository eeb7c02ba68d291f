"""From the name of a model to an engine that answers."""

from collections.abc import Mapping
from dataclasses import dataclass

from ally.config.paths import Paths
from ally.errors import ModelFileError
from ally.models import store
from ally.models.catalogue import STARTER
from ally.models.engine import Engine, EngineSpec, Serving, check_installed, engines, plan
from ally.models.progress import OnProgress
from ally.models.pull import pull


@dataclass(frozen=True, slots=True)
class Started:
    """A running engine, held until `release`."""

    spec: EngineSpec
    engine: Engine
    serving: Serving


def start(paths: Paths, name: str, options: Mapping[str, object], on_progress: OnProgress) -> Started:
    """Start the engine for the model `name`, or take the one that runs with the same settings.

    It blocks while the model is loaded. The starter model is fetched if it is not there; any other has to be pulled by
    the user first.

    Raises:
        MissingPackage: the engine is not installed.
        ModelFileError: the model is not there, cannot be fetched or cannot be loaded.
        ConfigError: an option is not a sensible number.
    """
    check_installed()
    if name == STARTER and store.find(paths, name) is None:
        pull(paths, name, on_progress=on_progress)
    model = store.resolve(paths, name)
    if model.embeds:
        raise ModelFileError(
            f"{name} makes vectors for searching and answers nothing.",
            model=name,
            hint='set "embedding_model" to it, and choose another model to talk to: ally models list',
        )
    spec = plan(model.path, name, options)
    engine = engines.acquire(spec)
    try:
        return Started(spec, engine, engine.ready.result())
    except BaseException:
        engines.release(spec)
        raise


def release(started: Started) -> None:
    """Give the engine back; it stays warm until another one is wanted or the program ends."""
    engines.release(started.spec)
