"""What every script that writes a page from the code does at its end."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def keep(wanted: Mapping[Path, str], description: str | None) -> int:
    """Write the files that are not as `wanted`; with `--check` on the command line only say which, and give 1."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="change nothing, fail if a page is not up to date")
    is_check = parser.parse_args().check
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if is_check:
            script = Path(sys.argv[0]).name
            sys.stderr.write(f"{path.relative_to(ROOT)} is not up to date: run python scripts/{script}\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], "utf-8")
    return 1 if is_check and stale else 0
