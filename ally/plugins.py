"""Python files of the user's own: make their folder importable, load one, find the classes it defines.

Knows no kind of plug-in. A plug-in file is imported under one real module name, so that a class is the same object
whoever imports it; and it is compiled from its source each time, because a byte code file is trusted by the second of
its source's last change, and an edit within that second would go unseen.
"""

import contextlib
import importlib.util
import runpy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import cast

from ally.errors import AllyError, ConfigError, PluginError

MAX_CAUSE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class PluginFolder:
    """A folder of plug-in files and the package that they are modules of."""

    package: str
    path: Path

    def files(self) -> list[Path]:
        """Its plug-in files by name. Those whose name starts with `_` or `.` are not plug-ins."""
        return [file for file in self._python_files() if not file.name.startswith("_")]

    def private_files(self) -> list[Path]:
        """Its `_*.py` files, which plug-ins may import from, and those below its `_*` folders."""
        own = [file for file in self._python_files() if file.name.startswith("_")]
        folders = [folder for folder in self.path.glob("_*") if folder.name != "__pycache__"]
        below = [file for folder in folders for file in folder.glob("**/*.py")]
        return own + sorted(below)

    def module(self, file: Path) -> str:
        """The module name of `file`; a dot in the file's name must not look like a package."""
        return f"{self.package}.{file.stem.replace('.', '%2e')}"

    def _python_files(self) -> list[Path]:
        try:
            return sorted(entry for entry in self.path.iterdir() if entry.suffix == ".py" and entry.name[0] != ".")
        except OSError:
            return []


class _FreshLoader(SourceFileLoader):
    """Imports from the source, never from byte code."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def attach(folder: PluginFolder, search: Sequence[Path] = ()) -> ModuleType:
    """Make `folder.package` importable from `folder.path`, whatever else is called that on `sys.path`.

    The package above must be attached before. `search` are further folders where its modules are looked for, after its
    own. Without an `__init__.py` the package is empty. A package of this name from another folder is replaced.

    Raises:
        PluginError: `__init__.py` cannot be imported.
    """
    places = [str(path) for path in (folder.path, *search)]
    for place in places:  # what `import` would put there, but with our loader
        sys.path_importer_cache[place] = FileFinder(place, (_FreshLoader, [".py"]))
    known = sys.modules.get(folder.package)
    if known is not None and _is_from(known, folder.path):
        known.__path__ = places
        return known
    _forget(folder.package)
    init = folder.path / "__init__.py"
    loader = _FreshLoader(folder.package, str(init)) if init.is_file() else None
    spec = ModuleSpec(folder.package, loader, origin=str(init) if loader else None, is_package=True)
    spec.has_location = loader is not None
    spec.submodule_search_locations = places
    module = importlib.util.module_from_spec(spec)
    _execute(module, init, loader)
    return module


def bind(module: ModuleType) -> None:
    """Make `module` importable by its name and an attribute of the package above it, as an import does."""
    sys.modules[module.__name__] = module
    above, _, last = module.__name__.rpartition(".")
    if above in sys.modules:
        setattr(sys.modules[above], last, module)


def load(folder: PluginFolder, file: Path) -> ModuleType:
    """Import one plug-in file; what it prints goes to stderr, so that it cannot mix with an answer.

    Raises:
        PluginError: the file cannot be imported; the message is the cause, the hint names file and line.
    """
    name = folder.module(file)
    if name in sys.modules:
        return sys.modules[name]
    loader = _FreshLoader(name, str(file))
    module = importlib.util.module_from_spec(ModuleSpec(name, loader, origin=str(file)))
    module.__file__ = str(file)
    _execute(module, file, loader)
    return module


def defined_classes(module: ModuleType, base: type) -> list[type]:
    """The subclasses of `base` that `module` itself defines, in order; not those it imports, nor `_private` ones."""
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    ]
    return list(dict.fromkeys(found))


def failure(file: Path, exc: BaseException) -> PluginError:
    """`exc`, raised by code of `file`, as an error that names its cause, file and line."""
    line = line_of(file, exc)
    where = f"{file}, line {line}" if line else str(file)
    return PluginError(file, cause_of(exc), hint=f"see {where}")


def cause_of(exc: BaseException) -> str:
    """`Type: text` of an exception whose own `__str__` may fail."""
    try:
        text = exc.msg if isinstance(exc, SyntaxError) else str(exc)
    except Exception as broken:  # noqa: BLE001  # boundary: a stranger's __str__
        text = f"(its text failed with {type(broken).__name__})"
    if isinstance(exc, SystemExit):
        return f"it called exit({'' if exc.code is None else text})"
    kind = type(exc).__name__
    return f"{kind}: {text}"[:MAX_CAUSE_CHARACTERS] if text else kind


def line_of(file: Path, exc: BaseException) -> int | None:
    """The line of `file` where `exc` came from, or None."""
    if isinstance(exc, SyntaxError) and exc.filename == str(file):
        return exc.lineno
    line, step = None, exc.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == str(file):
            line = step.tb_lineno
        step = step.tb_next
    return line


def _execute(module: ModuleType, file: Path, loader: _FreshLoader | None) -> None:
    sys.modules[module.__name__] = module
    try:
        if loader:
            with contextlib.redirect_stdout(sys.stderr):
                loader.exec_module(module)
    except BaseException as exc:
        _forget(module.__name__)
        if isinstance(exc, Exception | SystemExit):
            raise failure(file, exc) from exc
        raise
    bind(module)


def _is_from(module: ModuleType, path: Path) -> bool:
    places = list(getattr(module, "__path__", ()))
    return bool(places) and Path(places[0]).resolve() == path.resolve()


def _forget(package: str) -> None:
    for name in list(sys.modules):
        if name == package or name.startswith(f"{package}."):
            del sys.modules[name]


def read_api_keys(checkout: Path) -> dict[str, str | None]:
    """`api_keys` of the checkout's `main.py`, which users edit; empty if there is none.

    The file is run as a module, so what it does only when started as a program is left out.

    Raises:
        ConfigError: it cannot be run, or `api_keys` is not a dictionary from names to texts.
    """
    file = checkout / "main.py"
    if not file.is_file():
        return {}
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found = runpy.run_path(str(file), run_name="ally_main_file").get("api_keys", {})
    except AllyError:
        raise
    except (Exception, SystemExit) as exc:  # boundary: the user may have edited this file
        line = line_of(file, exc)
        where = f"{file}, line {line}" if line else str(file)
        raise ConfigError(f"{where}: {cause_of(exc)}", file=file, hint="mend main.py; its api_keys are needed") from exc
    if not isinstance(found, dict) or not all(_is_key(*pair) for pair in cast("dict[object, object]", found).items()):
        raise ConfigError(
            f"{file}: api_keys must be a dictionary from provider names to keys.",
            file=file,
            key="api_keys",
            hint='write entries like "openai": os.getenv("OPENAI_API_KEY")',
        )
    return cast("dict[str, str | None]", found)


def _is_key(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, str | None)
