"""`python -m ally` is the `ally` command."""

import sys
from pathlib import Path


def _leave_out_working_folder() -> None:
    """`python -m` would let any folder one stands in replace Ally's own imports; only Ally's own folder may stay."""
    own, here = Path(__file__).resolve().parents[1], Path.cwd()
    if here != own:
        sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != here]


if __name__ == "__main__":
    _leave_out_working_folder()
    from ally.cli.main import main

    main()
