"""What OpenAI's chat completions refuse, with the service's words."""

import re
from typing import Any

from tests.fakes.base import Invalid
from tests.fakes.requests import is_base64, words

FIELDS = words(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens "
    "max_tokens messages metadata modalities model n parallel_tool_calls prediction presence_penalty "
    "prompt_cache_key prompt_cache_retention reasoning_effort response_format safety_identifier seed "
    "service_tier stop store stream stream_options temperature tool_choice tools top_logprobs top_p user "
    "verbosity web_search_options"
)
ROLES = ("system", "developer", "user", "assistant", "tool")
GPT = re.compile(r"^gpt-(\d+)(?:\.(\d+))?")
O_SERIES = re.compile(r"^o\d")
NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
DATA_URL = re.compile(r"^data:image/(?:png|jpeg|gif|webp);base64,(?P<data>.*)$", re.DOTALL)


def check(body: dict[str, Any], *, lenient: bool) -> None:
    """Raise `Invalid` for a request that the service would answer with 400.

    `lenient` is a compatible service, which knows no reasoning models of OpenAI and takes fields of its own.
    """
    found = GPT.match(body["model"])
    generation = (int(found[1]), int(found[2] or 0)) if found else (0, 0)
    reasons = (generation >= (5, 0) and "-chat" not in body["model"]) or bool(O_SERIES.match(body["model"]))
    unknown = sorted(set(body) - FIELDS)
    if unknown and not lenient:
        raise Invalid(f"Unrecognized request argument supplied: {unknown[0]}")
    _check_numbers(body, reasons and not lenient)
    if body.get("tools") and generation >= (5, 4) and body.get("reasoning_effort") != "none" and not lenient:
        raise Invalid(
            f"Function tools with reasoning_effort are not supported for {body['model']} in /v1/chat/completions. "
            "To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
            param="reasoning_effort",
        )
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Invalid("Invalid 'messages': empty array. Expected an array with minimum length 1.", param="messages")
    _check_messages(messages)
    _check_tools(body)
    _check_format(body, messages)


def content_text(content: Any) -> str:
    """The text of a message's content."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part["text"] for part in content if part["type"] == "text")


def _check_numbers(body: dict[str, Any], reasoning_model: bool) -> None:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise Invalid("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
    temperature = body.get("temperature")
    if temperature is not None and (not _number(temperature) or not 0 <= temperature <= 2):
        raise Invalid("Invalid 'temperature': decimal above maximum value.", param="temperature")
    if not reasoning_model:
        return
    if body.get("max_tokens") is not None:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise Invalid(text, param="max_tokens", code="unsupported_parameter")
    if temperature not in {None, 1}:
        text = (
            f"Unsupported value: 'temperature' does not support {temperature} with this model. "
            "Only the default (1) value is supported."
        )
        raise Invalid(text, param="temperature", code="unsupported_value")


def _check_messages(messages: list[Any]) -> None:
    open_ids: list[str] = []
    after_calls = False
    for index, message in enumerate(messages):
        param = f"messages.[{index}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ROLES:
            raise Invalid(f"Invalid value: '{role}'. Supported values are: {', '.join(ROLES)}.", param=f"{param}.role")
        if role == "tool":
            if not after_calls:
                text = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
                raise Invalid("Invalid parameter: " + text, param=f"{param}.role")
            if message.get("tool_call_id") not in open_ids:
                raise Invalid(
                    f"Invalid parameter: 'tool_call_id' of '{param}' not found.", param=f"{param}.tool_call_id"
                )
            open_ids.remove(message["tool_call_id"])
            _check_content(message.get("content"), param, ("text",))
            continue
        _check_answered(open_ids)
        open_ids = _call_ids(message, param) if role == "assistant" else []
        after_calls = bool(open_ids)
        if message.get("content") is None and role == "assistant" and after_calls:
            continue
        allowed = ("text", "image_url", "input_audio", "file") if role == "user" else ("text", "refusal")
        _check_content(message.get("content"), param, allowed)
    _check_answered(open_ids)


def _check_answered(open_ids: list[str]) -> None:
    if open_ids:
        raise Invalid(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(open_ids)}"
        )


def _call_ids(message: dict[str, Any], param: str) -> list[str]:
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, list) or not calls:
        raise Invalid(f"Invalid '{param}.tool_calls': empty array. Expected an array with minimum length 1.")
    for place, call in enumerate(calls):
        function = call.get("function") or {}
        if not isinstance(call.get("id"), str) or call.get("type") != "function":
            raise Invalid(f"Missing required parameter: '{param}.tool_calls[{place}].id'.")
        if not isinstance(function.get("name"), str) or not NAME.match(function["name"]):
            raise Invalid(f"Invalid '{param}.tool_calls[{place}].function.name': string does not match pattern.")
        if not isinstance(function.get("arguments"), str):
            text = f"Invalid type for '{param}.tool_calls[{place}].function.arguments': expected a string."
            raise Invalid(text, code="invalid_type")
    return [call["id"] for call in calls]


def _check_content(content: Any, param: str, allowed: tuple[str, ...]) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list) or not content:
        raise Invalid(f"Invalid value for 'content': expected a string, got {content!r}.", param=f"{param}.content")
    for place, part in enumerate(content):
        if part.get("type") not in allowed:
            text = f"Invalid value: '{part.get('type')}'. Supported values are: {', '.join(allowed)}."
            raise Invalid(text, param=f"{param}.content[{place}].type", code="invalid_value")
        if part["type"] == "text" and not isinstance(part.get("text"), str):
            raise Invalid(f"Missing required parameter: '{param}.content[{place}].text'.")
        if part["type"] == "image_url":
            _check_image(part.get("image_url"), f"{param}.content[{place}].image_url")


def _check_image(image: Any, param: str) -> None:
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(url, str):
        raise Invalid(f"Invalid type for '{param}': expected an object with 'url'.", code="invalid_type")
    if url.startswith("https://"):
        return
    match = DATA_URL.match(url)
    if match is None or not is_base64(match["data"]):
        raise Invalid(
            "You uploaded an unsupported image. Please make sure your image is valid.", code="invalid_image_format"
        )


def _check_tools(body: dict[str, Any]) -> None:
    tools = body.get("tools")
    choice = body.get("tool_choice")
    if tools is None:
        if choice is not None:
            raise Invalid("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")
        return
    if not isinstance(tools, list) or not tools:
        raise Invalid("Invalid 'tools': empty array. Expected an array with minimum length 1.", param="tools")
    names: list[str] = []
    for index, tool in enumerate(tools):
        function = tool.get("function") or {}
        if tool.get("type") != "function" or not NAME.match(str(function.get("name", ""))):
            raise Invalid(
                f"Invalid 'tools[{index}].function.name': string does not match pattern.", param=f"tools[{index}]"
            )
        parameters = function.get("parameters", {"type": "object"})
        if not isinstance(parameters, dict) or parameters.get("type") != "object":
            text = (
                f"Invalid schema for function '{function['name']}': schema must be a JSON Schema of 'type: \"object\"'."
            )
            raise Invalid(text, param=f"tools[{index}].function.parameters", code="invalid_function_parameters")
        names.append(function["name"])
    if isinstance(choice, dict):
        known = choice.get("type") == "function" and (choice.get("function") or {}).get("name") in names
    else:
        known = choice in {None, "auto", "none", "required"}
    if not known:
        raise Invalid("Invalid value for 'tool_choice'.", param="tool_choice")


def _check_format(body: dict[str, Any], messages: list[Any]) -> None:
    form = body.get("response_format")
    if form is None:
        return
    match form.get("type"):
        case "text":
            return
        case "json_object":
            if "json" not in "".join(content_text(message.get("content")) for message in messages).lower():
                raise Invalid("'messages' must contain the word 'json' in some form, to use 'json_object'.")
        case "json_schema":
            wanted = form.get("json_schema") or {}
            if not NAME.match(str(wanted.get("name", ""))):
                raise Invalid("Missing required parameter: 'response_format.json_schema.name'.")
            if wanted.get("strict"):
                _check_strict(wanted["name"], wanted.get("schema") or {}, ())
        case other:
            raise Invalid(f"Invalid value: '{other}'. Supported values are: json_object, json_schema, text.")


def _check_strict(name: str, schema: Any, place: tuple[str, ...]) -> None:
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        context = f"Invalid schema for response_format '{name}': In context={place}, "
        if schema.get("additionalProperties") is not False:
            raise Invalid(context + "'additionalProperties' is required to be supplied and to be false.")
        missing = set(schema.get("properties", {})) - set(schema.get("required", ()))
        if missing:
            raise Invalid(context + f"'required' must include every key in properties. Missing '{sorted(missing)[0]}'.")
    for key, sub in schema.get("properties", {}).items():
        _check_strict(name, sub, (*place, "properties", key))
    _check_strict(name, schema.get("items"), (*place, "items"))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
