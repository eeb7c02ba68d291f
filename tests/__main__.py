"""`python3 -m tests [PYTEST ARGUMENTS]`: installs what the tests need into `.venv` and runs them."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import bootstrap  # noqa: E402 - the folder above has to be importable first


def main() -> int:
    """Run pytest on the whole suite, two at a time, or on what the arguments name."""
    bootstrap.ensure_installed(ROOT, bootstrap.DEV_LOCK)
    import pytest  # heavy

    arguments = sys.argv[1:]
    workers = [] if any(word.startswith(("-n", "--pdb", "--numprocesses")) for word in arguments) else ["-n", "auto"]
    return pytest.main([*workers, f"--rootdir={ROOT}", *arguments])


if __name__ == "__main__":
    sys.exit(main())
