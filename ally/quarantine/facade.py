"""The guide's module names, so that plug-ins written for them work everywhere.

In a checkout they are the files in `app/`. An installed Ally has no such folder; there, modules of the same names
stand in for them. An `app` package in the folder where the user happens to be is not looked at.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ally.plugins import PluginFolder, attach, bind


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one kind of plug-in: `root` is the package of the guide, e.g. `app.src.providers`, whose `custom` is
    the folder for plug-ins; `user` is the package of those in the config folder.

    `stand_ins` are module → public name → the module of `ally` that has it, for all that stands in for `app/`.
    """

    root: str
    user: str
    stand_ins: Mapping[str, Mapping[str, str]]

    @property
    def custom(self) -> str:
        """The package of plug-ins in a checkout."""
        return f"{self.root}.custom"

    def folder(self, checkout: Path) -> Path:
        """The folder of `root` in a checkout."""
        return checkout.joinpath(*self.root.split("."))


def install(names: Names, checkout: Path | None, user_dir: Path) -> list[PluginFolder]:
    """Make the guide's names importable and return the folders of plug-ins, the one that wins last.

    A plug-in in `user_dir` may import `_shared` of the guide's `custom` package from its own folder too, unless the
    checkout's folder has a file of that name.

    Raises:
        PluginError: an `__init__.py` of the checkout or of `user_dir` cannot be imported.
    """
    user = PluginFolder(names.user, user_dir)
    if checkout is None:
        _stand_in(names.stand_ins)
        attach(PluginFolder(names.custom, user_dir))
        attach(user)
        return [user]
    root = names.folder(checkout)
    custom = PluginFolder(names.custom, root / "custom")
    for package, path in (("app", checkout / "app"), ("app.src", checkout / "app/src")):
        if package not in sys.modules:  # a program that uses Ally as a library may have an `app` of its own
            attach(PluginFolder(package, path))
    attach(PluginFolder(names.root, root))
    attach(custom, search=[user_dir])
    attach(user)
    return [user, custom]


def _stand_in(stand_ins: Mapping[str, Mapping[str, str]]) -> None:
    for name, sources in stand_ins.items():
        if name in sys.modules:
            continue
        module = ModuleType(name, "Stands in for the file of this name in a checkout of Ally.")
        module.__path__ = []
        vars(module).update(__all__=list(sources), __getattr__=_lazily(name, sources))
        bind(module)


def _lazily(module: str, sources: Mapping[str, str]) -> Callable[[str], object]:
    def find(name: str) -> object:
        if name in sources:
            return getattr(importlib.import_module(sources[name]), name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return find
