"""Starts Ally from this folder: `python main.py`. The first start installs what is missing.

`api_keys` is the place to give a provider a key in another way than by its environment variable. An entry here wins;
without one Ally reads the variable that the provider names, so a new provider needs no line here.
"""

import os

if __name__ == "__main__":
    from ally.__main__ import end_quietly

    end_quietly()  # first: every import takes a while

from pathlib import Path

ROOT = Path(__file__).resolve().parent

if __name__ == "__main__":
    from bootstrap import ensure_installed

    ensure_installed(ROOT)

from ally.config.paths import find_paths  # noqa: E402 - there only now, after the set-up
from ally.config.secrets import load_env_files  # noqa: E402 - as above

load_env_files(find_paths(os.environ), ROOT, os.environ)

api_keys = {
    "cerebras": os.getenv("CEREBRAS_API_KEY"),
    "openai": os.getenv("OPENAI_API_KEY"),
    "anthropic": os.getenv("ANTHROPIC_API_KEY"),
    "google": os.getenv("GOOGLE_GEN_AI_API_KEY"),
    "minimax": os.getenv("MINIMAX_API_KEY"),
}

if __name__ == "__main__":
    from ally.cli.main import main

    main(api_keys)
