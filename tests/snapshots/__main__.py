"""`python -m tests.snapshots` keeps how the screens look now; `git diff` names what changed: look at it."""

import os
import sys
from pathlib import Path

import pytest

from tests.snapshots.test_screens import RENEW

if __name__ == "__main__":
    os.environ[RENEW] = "1"
    sys.exit(pytest.main([str(Path(__file__).with_name("test_screens.py"))]))
