from pathlib import Path

import pytest

from tests.unit.permissions.site import Site, build_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A home with a project, resolved, so that paths can be compared."""
    return build_site(tmp_path.resolve() / "me")
