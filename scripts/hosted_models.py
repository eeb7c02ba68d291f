"""Writes ally/models/hosted.json from a downloaded api.json of models.dev.

Usage: python scripts/hosted_models.py API.json --as-of 2026-09-30
"""

import argparse
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ally.models.hosted import SHIPPED  # noqa: E402 - after sys.path
from ally.models.hosted_reduce import URL, NotTheList, encode, reduce  # noqa: E402


def main() -> int:
    """Write the file; 1 if what was given is not the list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the downloaded list")
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="the day of its data")
    args = parser.parse_args()
    try:
        found = reduce(args.file.read_bytes(), as_of=args.as_of.isoformat(), source=URL)
    except NotTheList as exc:
        sys.stderr.write(f"{args.file} is not the list of models.dev: {exc}\n")
        return 1
    SHIPPED.write_bytes(encode(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
