import importlib
import types

import pytest

from tests.architecture.sources import ROOT, list_sources

PACKAGES = [
    ".".join(source.path.parent.relative_to(ROOT).parts)
    for source in list_sources("ally", "app/src/providers")
    if source.path.name == "__init__.py"
]


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_those_listed(package: str):
    module = importlib.import_module(package)
    listed = list(getattr(module, "__all__", ()))
    missing = [name for name in listed if not hasattr(module, name)]
    unlisted = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType) and name not in listed
        if str(getattr(value, "__module__", package)).startswith(package)
    ]
    assert (missing, unlisted) == ([], [])
    assert len(set(listed)) == len(listed)
