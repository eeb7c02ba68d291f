"""Loads the settings from their layers and remembers where each value came from.

Later wins: defaults, the user's file, the checkout's config.json, `ALLY_*` variables, flags. Objects are merged key by
key, lists are replaced. `null` and empty text mean "not set here": a lower layer shows through.

A model belongs to the provider that it was chosen for. A layer that names another provider without a model therefore
hides the models of the layers below it, and the provider's default model is used.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ally.config.environment import environment_layers, flag_layers
from ally.config.jsonfile import JsonFile, read_json_file
from ally.config.merge import DEFAULT, Layers
from ally.config.normal import normal_form
from ally.config.paths import Paths
from ally.config.problems import config_error
from ally.config.settings import SHAPE, Settings
from ally.config.shapes import Keys
from ally.messages import JsonObject


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for each dotted key that is not a default the file, variable or flag it came from."""

    settings: Settings
    origins: dict[str, str] = field(default_factory=dict[str, str])
    files: tuple[Path, ...] = ()

    def origin(self, key: str) -> str:
        """Where the value of a dotted key came from; `default` if nobody set it."""
        return self.origins.get(key, DEFAULT)


def config_files(paths: Paths, checkout: Path | None) -> list[Path]:
    """The places of config.json, the one that wins last; the files need not exist."""
    files = [paths.config / "config.json"]
    if checkout is not None:
        files.append(checkout / "config.json")
    return files


def load_settings(paths: Paths, checkout: Path | None, env: Mapping[str, str], flags: Mapping[str, object]) -> Loaded:
    """The settings of this run.

    `flags` maps `provider`, `model`, `temperature` and `permission_mode` to what the command line gave, or None.

    Raises:
        ConfigError: a file, variable or flag cannot be used.
    """
    found = (read_json_file(path) for path in config_files(paths, checkout))
    return combine([file for file in found if file], env, flags)


def combine(files: Sequence[JsonFile], env: Mapping[str, str], flags: Mapping[str, object]) -> Loaded:
    """The settings from files that were read already, the one that wins last.

    Raises:
        ConfigError: a file, variable or flag cannot be used.
    """
    layers = Layers()
    for file in files:
        layers.add(checked(file), str(file.path))
    for name, values in (*environment_layers(env), *flag_layers(flags)):
        layers.override(normal_form(values), name)
    settings = _build(layers, files)
    return Loaded(settings, layers.origins, tuple(file.path for file in files))


def checked(file: JsonFile) -> JsonObject:
    """The content of one file in its normal form.

    Raises:
        ConfigError: it holds an unknown key or a wrong value.
    """
    values = normal_form(file.data, file)
    # A missing key may come from another file.
    problems = [problem for problem in SHAPE.problems(values, ()) if problem.kind != "missing"]
    if problems:
        raise config_error(problems, lambda _: file)
    return values


def _build(layers: Layers, files: Iterable[JsonFile]) -> Settings:
    by_path = {str(file.path): file for file in files}

    def find_source(keys: Keys) -> JsonFile | str:
        for length in range(len(keys), 0, -1):
            prefix = ".".join(keys[:length])
            for key, origin in layers.origins.items():
                if key == prefix or key.startswith(prefix + "."):
                    return by_path.get(origin, origin)
        return DEFAULT

    problems = list(SHAPE.problems(layers.values, ()))
    if problems:
        raise config_error(problems, find_source)
    return SHAPE.build(layers.values)
