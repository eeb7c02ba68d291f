import importlib
import types

import pytest


@pytest.mark.parametrize("package", ["ally", "ally.providers", "app.src.providers"])
def test_public_names_are_those_listed(package: str):
    module = importlib.import_module(package)
    listed = list(module.__all__)
    missing = [name for name in listed if not hasattr(module, name)]
    unlisted = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType) and name not in listed
    ]
    assert (missing, unlisted) == ([], [])
    assert len(set(listed)) == len(listed)
