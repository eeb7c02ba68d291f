"""The child process around the embedded engine. It is run as a script and imports nothing of Ally.

It reads one JSON line of settings from standard input, loads the model, answers with one JSON line, and ends as soon
as standard input does, which is also when its parent dies in any way.
"""

import contextlib
import http.client
import importlib
import json
import os
import signal
import sys
from typing import Any

_GPU_BATCH, _CPU_BATCH = 512, 64


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever llama.cpp prints goes to the log
    settings = json.loads(sys.stdin.readline())
    try:
        server = _serve(settings)
        facts = _props(server.listening_address, settings["api_key"])
    except Exception as exc:  # noqa: BLE001 - boundary: the reason goes to the parent
        _tell(answer, {"error": f"{type(exc).__name__}: {exc}"})
        os._exit(1)
    _tell(answer, {"address": server.listening_address, **facts})
    with contextlib.suppress(OSError):
        sys.stdin.read()
    os._exit(0)  # an orderly end would wait for the batch that is being computed


def _serve(settings: dict[str, Any]) -> Any:  # Any: JSON; native code without types
    xllamacpp: Any = importlib.import_module("xllamacpp")  # Any: as above
    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["alias"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["api_key"]]
    params.n_ctx = settings["n_ctx"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["n_threads"]
    # A request can be given up only between two batches. On a CPU small ones cost nothing: 78 tokens per second of
    # prompt with 512, 81 with 64, 61 with 32 (SmolLM2-135M, one thread, measured 2026-11-22).
    params.n_batch = params.n_ubatch = _GPU_BATCH if sys.platform == "darwin" else _CPU_BATCH
    if settings["embeds"]:  # a text has to fit into one batch
        params.embedding = True
        params.n_parallel = 1
        params.n_batch = params.n_ubatch = settings["n_ctx"]
    params.cache_ram_mib = settings["cache_mib"]
    params.use_jinja = True
    # Without fitting to devices loading takes 0.5 s instead of 1.3 s; Ally chose the context already.
    params.fit_params = sys.platform == "darwin"
    params.warmup = False
    params.verbosity = 2  # errors and warnings; never prompts or answers
    params.sse_ping_interval = 5  # a long prompt must not look like a dead connection
    params.offline = True
    params.ui = False
    params.endpoint_slots = False
    params.cors_origins = "null"
    return xllamacpp.Server(params)


def _props(address: str, api_key: str) -> dict[str, Any]:  # Any: JSON
    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("GET", "/props", headers={"Authorization": f"Bearer {api_key}"})
    props = json.loads(connection.getresponse().read())
    connection.close()
    caps: dict[str, Any] = props.get("chat_template_caps") or {}  # Any: JSON
    return {"n_ctx": props["default_generation_settings"]["n_ctx"], "tools": bool(caps.get("supports_tools"))}


def _tell(answer: Any, facts: dict[str, Any]) -> None:  # Any: a text file; JSON
    answer.write(json.dumps(facts) + "\n")
    answer.close()


if __name__ == "__main__":
    main()
