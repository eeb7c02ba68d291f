"""One llama.cpp server in a process of its own; started as `python warm_host.py`, it imports nothing of Ally.

It reads one JSON line of settings from standard input, answers with one JSON line, and ends when standard input does.
"""

import importlib
import json
import os
import sys
from typing import Any


def main() -> None:
    """Serve until standard input ends."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    settings = json.loads(sys.stdin.readline())
    server = importlib.import_module("xllamacpp").Server(_params(settings))
    answer.write(json.dumps({"address": server.listening_address}) + "\n")
    answer.close()
    sys.stdin.read()
    os._exit(0)  # an orderly end would wait for the batch that is being computed


def _params(settings: dict[str, Any]) -> Any:  # Any: JSON; native code without types
    params = importlib.import_module("xllamacpp").CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["alias"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = settings["n_ctx"]
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["n_threads"]
    params.cache_ram_mib = settings["cache_mib"]
    params.use_jinja = True
    params.chat_template = settings["template"]
    params.fit_params = params.warmup = params.ui = False
    params.verbosity = 1
    params.offline = True
    return params


if __name__ == "__main__":
    main()
