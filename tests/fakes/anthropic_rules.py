"""What Anthropic's messages API refuses, with the service's words."""

import re
from collections.abc import Callable
from typing import Any

from tests.fakes.base import Invalid
from tests.fakes.requests import is_base64, words

FIELDS = words(
    "model messages max_tokens system temperature top_p top_k stop_sequences stream tools tool_choice "
    "thinking metadata service_tier container context_management mcp_servers output_config output_format "
    "cache_control inference_geo speed"
)
NAME = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")
CLAUDE = re.compile(r"^claude-[a-z]+-(\d+)(?:-(\d{1,2})(?!\d))?")
ID = re.compile(r"^[a-zA-Z0-9_-]+$")
IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
BLOCKS = {
    "user": ("text", "image", "document", "tool_result", "search_result"),
    "assistant": ("text", "thinking", "redacted_thinking", "tool_use"),
}
Signer = Callable[[str], str]


def check(body: dict[str, Any], sign: Signer) -> None:
    """Raise `Invalid` for a request that the service would answer with 400."""
    for name in sorted(set(body) - FIELDS):
        raise Invalid(f"{name}: Extra inputs are not permitted")
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        raise Invalid("max_tokens: Field required")
    temperature = body.get("temperature")
    found = CLAUDE.match(str(body["model"]))
    if temperature is not None and found and (int(found[1]), int(found[2] or 0)) >= (4, 7):
        raise Invalid("`temperature` is deprecated for this model.")
    if temperature is not None and not 0 <= temperature <= 1:
        raise Invalid("temperature: range: 0..1")
    if temperature is not None and body.get("top_p") is not None:
        raise Invalid("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    system = body.get("system")
    if isinstance(system, list):
        _check_blocks(system, "system", ("text",), sign)
    elif system is not None and not isinstance(system, str):
        raise Invalid("system: Input should be a valid list or string")
    _check_tools(body)
    _check_thinking(body)
    _check_messages(body, sign)
    form = (body.get("output_config") or {}).get("format") or body.get("output_format")
    if form is not None:
        if form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict):
            raise Invalid("output_config.format: Input should be a json_schema with a schema")
        _check_closed(form["schema"])


def _check_thinking(body: dict[str, Any]) -> None:
    thinking = body.get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < 1024:
        raise Invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if budget >= body["max_tokens"]:
        raise Invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if body.get("temperature") not in {None, 1}:
        raise Invalid("`temperature` may only be set to 1 when thinking is enabled.")
    if (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        raise Invalid("Thinking may not be enabled when tool_choice forces tool use.")


def _check_tools(body: dict[str, Any]) -> None:
    names: list[str] = []
    for index, tool in enumerate(body.get("tools") or ()):
        if not NAME.match(str(tool.get("name", ""))):
            raise Invalid(f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if (tool.get("input_schema") or {}).get("type") != "object":
            raise Invalid(f"tools.{index}.custom.input_schema.type: Field required")
        if tool["name"] in names:
            raise Invalid("tools: Tool names must be unique.")
        names.append(tool["name"])
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not isinstance(choice, dict) or choice.get("type") not in {"auto", "any", "tool", "none"}:
        raise Invalid("tool_choice: Input should be a valid dictionary with a 'type'")
    if not names and choice["type"] != "none":
        raise Invalid("tool_choice: tools must be provided when tool_choice is set")
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise Invalid(f"Tool '{choice.get('name')}' not found in provided tools")


def _check_messages(body: dict[str, Any], sign: Signer) -> None:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Invalid("messages: at least one message is required")
    if messages[0].get("role") != "user":
        raise Invalid('messages: first message must use the "user" role')
    open_ids: list[str] = []
    for index, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if role not in BLOCKS:
            raise Invalid(f"messages.{index}.role: Input should be 'user' or 'assistant'")
        last = index == len(messages) - 1
        if isinstance(content, str):
            content = [{"type": "text", "text": content}] if content else []
        if not isinstance(content, list):
            raise Invalid(f"messages.{index}.content: Input should be a valid list or string")
        if not content and not (last and role == "assistant"):
            rule = "all messages must have non-empty content except for the optional final assistant message"
            raise Invalid(f"messages.{index}: {rule}")
        _check_blocks(content, f"messages.{index}.content", BLOCKS[role], sign)
        _check_results(content, index, open_ids)
        open_ids = [block["id"] for block in content if block["type"] == "tool_use"]
        if last and role == "assistant":
            _check_prefill(content, open_ids, index)
    if (body.get("thinking") or {}).get("type") == "enabled":
        _check_thinking_kept(messages)


def _check_results(content: list[Any], index: int, open_ids: list[str]) -> None:
    answered = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
    for place, ident in enumerate(answered):
        if ident not in open_ids:
            raise Invalid(
                f"messages.{index}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: {ident}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
    leading = [block["type"] for block in content[: len(answered)]]
    missing = [ident for ident in open_ids if ident not in answered]
    if missing or leading != ["tool_result"] * len(answered):
        raise Invalid(
            f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing or answered)}. Each `tool_use` block must have a corresponding `tool_result` block "
            "in the next message."
        )


def _check_prefill(content: list[Any], open_ids: list[str], index: int) -> None:
    if open_ids:
        raise Invalid(
            f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(open_ids)}."
        )
    if content and content[-1]["type"] == "text" and content[-1]["text"] != content[-1]["text"].rstrip():
        raise Invalid("messages: final assistant content cannot end with trailing whitespace")


def _check_thinking_kept(messages: list[dict[str, Any]]) -> None:
    """In a tool loop the assistant message must still begin with its thinking."""
    final = messages[-1]["content"]
    if isinstance(final, str) or not any(block["type"] == "tool_result" for block in final):
        return
    first = messages[-2]["content"][0]["type"]
    if first not in {"thinking", "redacted_thinking"}:
        raise Invalid(
            f"messages.{len(messages) - 2}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{first}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block."
        )


def _check_blocks(blocks: list[Any], place: str, allowed: tuple[str, ...], sign: Signer) -> None:
    for index, block in enumerate(blocks):
        here = f"{place}.{index}"
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in allowed:
            raise Invalid(f"{here}: Input tag '{kind}' found using 'type' does not match any of the expected tags")
        match kind:
            case "text":
                _check_text(block.get("text"), here)
            case "image":
                _check_image(block.get("source"), f"{here}.image.source")
            case "tool_use":
                _check_use(block, here)
            case "tool_result":
                if not isinstance(block.get("tool_use_id"), str):
                    raise Invalid(f"{here}.tool_result.tool_use_id: Field required")
                if isinstance(block.get("content"), list):
                    _check_blocks(block["content"], f"{here}.tool_result.content", ("text", "image"), sign)
            case "thinking":
                if block.get("signature") != sign(str(block.get("thinking"))):
                    raise Invalid(f"{here}: Invalid `signature` in `thinking` block")


def _check_text(text: Any, here: str) -> None:
    if not isinstance(text, str):
        raise Invalid(f"{here}.text.text: Field required")
    if not text:
        raise Invalid("messages: text content blocks must be non-empty")


def _check_use(block: dict[str, Any], here: str) -> None:
    if not ID.match(str(block.get("id", ""))) or not NAME.match(str(block.get("name", ""))):
        raise Invalid(f"{here}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if not isinstance(block.get("input"), dict):
        raise Invalid(f"{here}.tool_use.input: Input should be a valid dictionary")


def _check_image(source: Any, place: str) -> None:
    if not isinstance(source, dict) or source.get("type") not in {"base64", "url"}:
        raise Invalid(f"{place}: Input should be a base64 or url source")
    if source["type"] == "base64":
        if source.get("media_type") not in IMAGES:
            raise Invalid(f"{place}.base64.media_type: Input should be {', '.join(IMAGES)}")
        if not is_base64(source.get("data")):
            raise Invalid(f"{place}.base64: invalid base64 data")


def _check_closed(schema: Any) -> None:
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        text = "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
        raise Invalid(text)
    for sub in schema.get("properties", {}).values():
        _check_closed(sub)
    _check_closed(schema.get("items"))
