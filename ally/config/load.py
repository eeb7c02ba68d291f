"""Loads the settings from their layers and remembers where each value came from.

Later wins: defaults, the user's file, the checkout's config.json, what a trusted folder tightens, `ALLY_*` variables,
flags. Objects are merged key by key, lists are replaced, but what is denied or asked adds up. `null` and empty text
mean "not set here": a lower layer shows through.

A model belongs to the provider that it was chosen for. A layer that names another provider without a model therefore
hides the models of the layers below it, and the provider's default model is used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ally.config.environment import environment_layers, flag_layers
from ally.config.folder import FILE, Tightening, tighten
from ally.config.jsonfile import JsonFile, read_json_file
from ally.config.merge import Layers
from ally.config.normal import normal_form
from ally.config.paths import Paths, config_files
from ally.config.problems import Problem, build
from ally.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for each dotted key that is not a default the file, variable or flag it came from.

    `tightening` is what a trusted folder added; its notices are for the user.
    """

    settings: Settings
    origins: dict[str, str] = field(default_factory=dict[str, str])
    files: tuple[Path, ...] = ()
    tightening: Tightening | None = None

    def origin(self, key: str) -> str:
        """Where the value of a dotted key came from; `default` if nobody set it."""
        return self.origins.get(key, "default")


def load_settings(
    paths: Paths,
    checkout: Path | None,
    env: Mapping[str, str],
    flags: Mapping[str, object],
    *,
    trusted: Path | None = None,
) -> Loaded:
    """The settings of this run.

    `flags` maps `provider`, `model` and `temperature` to what the command line gave, or None. `trusted` is the working
    folder, if the user trusts it: only then its `.ally/config.json` is read.

    Raises:
        ConfigError: a file, variable or flag cannot be used.
    """
    found = (read_json_file(path) for path in config_files(paths, checkout))
    local = read_json_file(trusted / FILE) if trusted is not None else None
    return combine([file for file in found if file], env, flags, local)


def combine(
    files: Sequence[JsonFile], env: Mapping[str, str], flags: Mapping[str, object], local: JsonFile | None = None
) -> Loaded:
    """The settings from files that were read already, the one that wins last; `local` is a trusted folder's own.

    Raises:
        ConfigError: a file, variable or flag cannot be used.
    """
    layers = Layers()
    for file in files:
        layers.add(normal_form(file.data, file), str(file.path))
    tightening = tighten(local, layers) if local is not None else None
    if local is not None and tightening is not None:
        layers.add(tightening.layer, str(local.path))
        files = [*files, local]
    for name, values in (*environment_layers(env), *flag_layers(flags)):
        layers.add(normal_form(values, name), name, is_for_all=True)
    settings = build(layers.values)
    if isinstance(settings, Problem):
        origin = layers.source(settings.keys)
        raise settings.error(next((file for file in files if str(file.path) == origin), origin))
    return Loaded(settings, layers.origins, tuple(file.path for file in files), tightening)
