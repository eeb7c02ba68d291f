"""`python3 -m tests [PYTEST ARGUMENTS]`: installs what the tests need into `.venv` and runs them."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import bootstrap  # noqa: E402 - the folder above has to be importable first


def main() -> int:
    """Run pytest on the whole suite, or on what the arguments name."""
    bootstrap.ensure_installed(ROOT, bootstrap.DEV_LOCK)
    import pytest  # heavy

    arguments = sys.argv[1:]
    # One more at a time than there are cores: many tests wait for processes, servers and terminals.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    is_chosen = any(word.startswith(("-n", "--pdb", "--numprocesses")) for word in arguments)
    workers = [] if is_chosen else ["-n", str(cores + 1)]
    return pytest.main([*workers, f"--rootdir={ROOT}", *arguments])


if __name__ == "__main__":
    sys.exit(main())
