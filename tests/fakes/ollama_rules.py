"""What Ollama accepts, and what a request asks of it."""

from dataclasses import dataclass
from typing import Any

from tests.fakes.auto import Asked, Tool
from tests.fakes.base import Invalid
from tests.fakes.ollama_window import seconds
from tests.fakes.requests import is_base64

INTEGER_OPTIONS = ("num_ctx", "num_predict", "num_gpu", "num_batch", "num_thread", "seed", "top_k", "num_keep")
METADATA = {
    "block_count": 36,
    "embedding_length": 4096,
    "attention.head_count": 32,
    "attention.head_count_kv": 8,
    "attention.key_length": 128,
    "attention.value_length": 128,
}


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model on the server's disk, by default like qwen3:8b. `num_ctx` None means that its Modelfile sets none.

    `is_remote`: it runs in Ollama's cloud. `vram_bytes`: so much of it is put on a graphics card.
    `parameters`: how many weights it has.
    """

    capabilities: tuple[str, ...] = ("completion", "tools", "thinking", "vision")
    trained_context: int = 131_072
    num_ctx: int | None = None
    size_bytes: int = 4_683_087_332
    is_remote: bool = False
    vram_bytes: int = 0
    parameters: int = 8_190_735_360
    digest: str = "a" * 64

    @property
    def parameter_size(self) -> str:
        """The number of weights as Ollama writes it."""
        return f"{self.parameters / 10**9:.1f}B"


def pulled(name: str) -> Pulled:
    """What a model of this name is like."""
    if "embed" in name:
        return Pulled(("embedding",), 2_048, size_bytes=274_302_450)
    return Pulled(is_remote=name.endswith(("-cloud", ":cloud")))


def check(body: dict[str, Any], model: str, fact: Pulled) -> None:
    """Raise `Invalid` for a request that the server would answer with 400."""
    for name, value in (body.get("options") or {}).items():
        if name in INTEGER_OPTIONS and not isinstance(value, int):
            raise Invalid(f'option "{name}" must be of type integer')
        if name in {"temperature", "top_p"} and not isinstance(value, int | float):
            raise Invalid(f'option "{name}" must be of type float32')
    if body.get("keep_alive") is not None:
        try:
            seconds(body["keep_alive"])
        except ValueError as error:
            raise Invalid(str(error)) from error
    form = body.get("format")
    if form not in (None, "", "json") and not isinstance(form, dict):
        raise Invalid(f'invalid format: "{form}"; expected "json" or a valid JSON Schema object')
    if body.get("think") and "thinking" not in fact.capabilities:
        raise Invalid(f'"{model}" does not support thinking')
    if body.get("tools") and "tools" not in fact.capabilities:
        raise Invalid(f"registry.ollama.ai/library/{model} does not support tools")
    for tool in body.get("tools") or ():
        if not isinstance((tool.get("function") or {}).get("name"), str):
            raise Invalid("json: cannot unmarshal tools into Go struct field ChatRequest.tools")
    for message in body.get("messages") or ():
        _check_message(message, fact)


def to_asked(body: dict[str, Any], fact: Pulled) -> Asked:
    """What a chat or generate request asks for."""
    messages = body.get("messages") or [{"role": "user", "content": body.get("prompt", "")}]
    users = [message for message in messages if message["role"] == "user"]
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, message.get("content", ""))
    form = body.get("format")
    options = body.get("options") or {}
    limit = options.get("num_predict")
    return Asked(
        prompt=users[-1].get("content", "") if users else "",
        results=results,
        tools=[
            Tool(tool["function"]["name"], tool["function"].get("parameters") or {}) for tool in body.get("tools") or ()
        ],
        schema={} if form == "json" else form or None,
        max_tokens=limit if isinstance(limit, int) and limit > 0 else None,
        images=len(users[-1].get("images") or ()) if users else 0,
        all_text="".join(message.get("content", "") for message in messages),
        thinking=bool(body.get("think")) and "thinking" in fact.capabilities,
        stops=options.get("stop") or (),
    )


def _check_message(message: dict[str, Any], fact: Pulled) -> None:
    if message.get("role") not in {"system", "user", "assistant", "tool"}:
        raise Invalid(f'invalid role: {message.get("role")}, must be one of ["system", "user", "assistant", "tool"]')
    if not isinstance(message.get("content", ""), str):
        kind = "array" if isinstance(message["content"], list) else "object"
        raise Invalid(f"json: cannot unmarshal {kind} into Go struct field ChatRequest.messages.content of type string")
    for image in message.get("images") or ():
        if not is_base64(image):
            raise Invalid("illegal base64 data at input byte 0")
        if "vision" not in fact.capabilities:
            raise Invalid("this model is missing data required for image input")
    for call in message.get("tool_calls") or ():
        if not isinstance((call.get("function") or {}).get("arguments"), dict):
            raise Invalid(
                "json: cannot unmarshal string into Go struct field ChatRequest.messages.tool_calls.function.arguments "
                "of type map[string]interface {}"
            )
