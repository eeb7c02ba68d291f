"""Servers that people run themselves, as they describe their models: llama.cpp, LM Studio and vLLM.

Source: llama.cpp, tools/server/README.md and a real server (xllamacpp 2026.10); LM Studio, "REST API" v0 and v1;
vLLM, `ModelCard` of its protocol.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.auto import Asked
from tests.fakes.base import Chat, Event, sse
from tests.fakes.openai import CREATED, FakeOpenAI
from tests.fakes.reply import Reply
from tests.fakes.requests import bearer
from tests.fakes.server import Exchange

TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


class OwnServer(FakeOpenAI):
    """A server without accounts that answers more questions than OpenAI does; `answers` are JSON by path."""

    models = ("qwen3-8b-q4_k_m",)
    lenient = True

    def __init__(self, *, key: str | None = None, models: Sequence[str] | None = None, port: int = 0) -> None:
        super().__init__(key=key, models=models, port=port)

    def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        answer = None
        if request.method == "GET" and self.key in (None, bearer(request)):
            answer = self.answers(request.query).get(request.path)
        if answer is None:
            super().handle(exchange)
        else:
            exchange.send_json(*answer)

    def answers(self, query: Mapping[str, str]) -> dict[str, tuple[int, Any]]:
        """Status and JSON of each path that OpenAI does not have, or has differently."""
        raise NotImplementedError

    def rows(self) -> list[dict[str, Any]]:
        """The list of models."""
        return [self._model(name) for name in self.models if name != "*"]


@dataclass(frozen=True)
class Slots:
    """What llama.cpp was started with: `window` tokens in all, divided by `slots`."""

    window: int = 8192
    slots: int = 2
    trained: int = 40960
    tools: bool | None = True
    vision: bool = False


class FakeLlamaCpp(OwnServer):
    """llama.cpp's server, with one model whatever name is asked for; several `models` make it a router.

    `started` may be changed, as by a restart; `loaded` are the models that a router has in memory.
    """

    started = Slots()
    is_loading = False
    measures = True

    def __init__(self, *, key: str | None = None, models: Sequence[str] | None = None, port: int = 0) -> None:
        super().__init__(key=key, models=models, port=port)
        self.loaded = set(self.models[:1])

    @property
    def is_router(self) -> bool:
        return len(self.models) > 1

    def has(self, model: str) -> bool:
        if not self.is_router:
            return True
        if model in self.models:
            self.loaded.add(model)
        return model in self.models

    def answers(self, query: Mapping[str, str]) -> dict[str, tuple[int, Any]]:
        models = 200, {"object": "list", "data": self.rows()}
        return {
            "/props": self._props(query),
            "/v1/models": models,
            "/models": models,
            "/health": (200, {"status": "ok"}),
        }

    def rows(self) -> list[dict[str, Any]]:
        rows = [{**row, "owned_by": "llamacpp"} for row in super().rows()]
        for row in rows:
            if self.is_router:
                row["status"] = {"value": "loaded" if row["id"] in self.loaded else "unloaded"}
            row["meta"] = self._meta() if row["id"] in self.loaded and not self.is_loading else None
        return rows

    def _meta(self) -> dict[str, Any]:
        window = self.started.window // self.started.slots
        counts = {"n_params": 8_190_735_360, "size": 5_027_783_488, "ftype": "Q4_K_M", "n_embd": 4096}
        return {"vocab_type": 2, "n_vocab": 151936, "n_ctx": window, "n_ctx_train": self.started.trained, **counts}

    def _props(self, query: Mapping[str, str]) -> tuple[int, Any]:
        name = query.get("model", "")
        if self.is_loading:
            return 503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
        if self.is_router and not name:
            settings = {"params": {}, "n_ctx": 0}
            return 200, {"role": "router", "model_path": "none", "default_generation_settings": settings}
        if self.is_router and name not in self.loaded:
            if query.get("autoload") != "false":
                self.loaded.add(name)
            return 400, {"error": {"code": 400, "message": "model is not loaded", "type": "invalid_request_error"}}
        window = self.started.window // self.started.slots
        caps = (
            {} if self.started.tools is None else {"supports_tools": self.started.tools, "supports_system_role": True}
        )
        return 200, {
            "default_generation_settings": {"params": {"n_predict": -1}, "n_ctx": window},
            "total_slots": self.started.slots,
            "model_path": f"/models/{name or self.models[0]}.gguf",
            "modalities": {"vision": self.started.vision, "audio": False},
            "chat_template": TEMPLATE,
            "chat_template_caps": caps,
            "build_info": "b7123-0a1b2c3d",
        }

    def events(self, chat: Chat, reply: Reply) -> list[Event]:
        """As OpenAI's, and the times in the last one."""
        events = super().events(chat, reply)
        if self.measures:
            last = self.chunk(self.next_id("chatcmpl-"), chat.model, choices=[], timings=timings(reply))
            events.insert(-1, Event("finish", sse(last)))
        return events

    def whole(self, chat: Chat, reply: Reply) -> Any:
        """As OpenAI's, and the times."""
        return {**super().whole(chat, reply), **({"timings": timings(reply)} if self.measures else {})}


def timings(reply: Reply) -> dict[str, Any]:
    """What llama.cpp measured: 2 ms for each token of the prompt that it read anew, 10 ms for each that it wrote."""
    counts = reply.usage
    read, cached, said = (counts.input - counts.cached, counts.cached, counts.output) if counts else (0, 0, 0)
    return {
        "cache_n": cached,
        "prompt_n": read,
        "prompt_ms": 2.0 * read,
        "predicted_n": said,
        "predicted_ms": 10.0 * said,
    }


class FakeLMStudio(OwnServer):
    """LM Studio; a model is loaded by the first request. Before `has_v1` (0.4.0) only the older interface is there."""

    models = ("text-embedding-nomic-embed-text-v1.5", "google/gemma-3-4b", "qwen/qwen3-8b")
    trained = 40960
    has_v1 = True

    def __init__(self, *, key: str | None = None, models: Sequence[str] | None = None, port: int = 0) -> None:
        super().__init__(key=key, models=models, port=port)
        self.loaded: dict[str, int] = {}
        self.settings = 4096

    def asked(self, body: dict[str, Any]) -> Asked:
        self.loaded.setdefault(body["model"], self.settings)
        return super().asked(body)

    def answers(self, query: Mapping[str, str]) -> dict[str, tuple[int, Any]]:
        unexpected = 200, {"error": "Unexpected endpoint or method. (GET /api/v1/models)"}
        listed = [{"id": row["id"], "object": "model", "owned_by": "organization_owner"} for row in super().rows()]
        return {
            "/v1/models": (200, {"object": "list", "data": listed}),
            "/api/v0/models": (200, {"object": "list", "data": [self._v0(name) for name in self.models]}),
            "/api/v1/models": (200, {"models": [self._v1(name) for name in self.models]})
            if self.has_v1
            else unexpected,
            "/props": unexpected,
            "/version": unexpected,
        }

    def _v1(self, name: str) -> dict[str, Any]:
        window = self.loaded.get(name)
        instance = {"id": name, "config": {"context_length": window, "eval_batch_size": 512, "flash_attention": True}}
        row = {
            "type": "embedding" if "embed" in name else "llm",
            "publisher": name.partition("/")[0],
            "key": name,
            "display_name": name,
            "architecture": "qwen3",
            "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
            "size_bytes": 5_027_783_488,
            "params_string": "8B" if "8b" in name else None,
            "loaded_instances": [instance] if window else [],
            "max_context_length": self.trained,
            "format": "gguf",
        }
        if row["type"] == "llm":
            row["capabilities"] = {"vision": "gemma" in name, "trained_for_tool_use": "qwen" in name}
        return row

    def _v0(self, name: str) -> dict[str, Any]:
        window = self.loaded.get(name)
        return {
            "id": name,
            "object": "model",
            "type": "embeddings" if "embed" in name else "vlm" if "gemma" in name else "llm",
            "publisher": "lmstudio-community",
            "arch": "qwen3",
            "compatibility_type": "gguf",
            "quantization": "Q4_K_M",
            "state": "loaded" if window else "not-loaded",
            "max_context_length": self.trained,
            **({"loaded_context_length": window} if window else {}),
            **({"capabilities": ["tool_use"]} if "qwen" in name else {}),
        }


class FakeVLLM(OwnServer):
    """vLLM, with an adapter beside its model."""

    models = ("Qwen/Qwen3-8B-AWQ", "sql-adapter")
    max_model_len = 32768

    def answers(self, query: Mapping[str, str]) -> dict[str, tuple[int, Any]]:
        base = self.models[0]
        rows = [
            {
                **row,
                "created": CREATED,
                "owned_by": "vllm",
                "root": row["id"] if row["id"] == base else f"/adapters/{row['id']}",
                "parent": None if row["id"] == base else base,
                "max_model_len": self.max_model_len if row["id"] == base else None,
                "permission": [],
            }
            for row in self.rows()
        ]
        return {"/v1/models": (200, {"object": "list", "data": rows}), "/version": (200, {"version": "0.14.1"})}
