"""What the Gemini API refuses, with the service's words. It takes camelCase and snake_case names alike."""

import re
from typing import Any

from tests.fakes.base import Invalid
from tests.fakes.requests import is_base64, words

FIELDS = words(
    "contents systemInstruction tools toolConfig generationConfig safetySettings cachedContent model store serviceTier"
)
CONFIG = words(
    "temperature topP topK candidateCount maxOutputTokens stopSequences responseMimeType responseSchema "
    "responseJsonSchema presencePenalty frequencyPenalty seed responseLogprobs logprobs thinkingConfig "
    "responseModalities speechConfig mediaResolution enableEnhancedCivicAnswers imageConfig"
)
PARTS = words("text thought thoughtSignature inlineData fileData functionCall functionResponse partMetadata")
SCHEMA = words(
    "type format title description nullable enum maxItems minItems properties required minProperties "
    "maxProperties minLength maxLength pattern example anyOf propertyOrdering default items minimum "
    "maximum additionalProperties ref defs"
)
NAME = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$")


def pick(value: dict[str, Any], name: str) -> Any:
    """A field by its camelCase name, also when it is written in snake_case; None when absent."""
    return value.get(name, value.get(_snake(name)))


def text_of(turn: dict[str, Any]) -> str:
    """The text of a turn without thoughts."""
    return "".join(part.get("text", "") for part in turn.get("parts") or () if not part.get("thought"))


def check(body: dict[str, Any], model: str) -> None:
    """Raise `Invalid` for a request that the service would answer with 400."""
    _check_names(body, FIELDS, "")
    config = pick(body, "generationConfig") or {}
    _check_names(config, CONFIG, "generation_config")
    temperature = config.get("temperature")
    if temperature is not None and not 0 <= temperature <= 2:
        raise Invalid("* GenerateContentRequest.generation_config.temperature: must be in the range [0, 2]")
    has_functions = _check_tools(body)
    if (schema := pick(config, "responseSchema")) is not None:
        _check_schema(schema, "generation_config.response_schema")
    wants_json = pick(config, "responseMimeType") == "application/json"
    if (pick(config, "responseSchema") or pick(config, "responseJsonSchema")) and not wants_json:
        raise Invalid("response_schema is only supported with response_mime_type 'application/json'")
    if has_functions and wants_json and not model.startswith("gemini-3"):
        raise Invalid("Function calling with a response mime type: 'application/json' is unsupported")
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise Invalid("* GenerateContentRequest.contents: contents is not specified\n")
    instruction = pick(body, "systemInstruction")
    for turn in [*([instruction] if instruction else []), *contents]:
        _check_turn(turn)
    _check_calls(contents)
    if model.startswith("gemini-3"):
        _check_signatures(contents)


def _check_turn(turn: dict[str, Any]) -> None:
    if turn.get("role", "user") not in {"user", "model", "function", "system"}:
        raise Invalid("Please use a valid role: user, model.")
    parts = turn.get("parts")
    if not isinstance(parts, list) or not parts:
        raise Invalid("* GenerateContentRequest.contents.parts: contents.parts must not be empty.\n")
    for part in parts:
        _check_names(part, PARTS, "contents.parts")
        kinds = [
            name
            for name in ("text", "inlineData", "functionCall", "functionResponse", "fileData")
            if pick(part, name) is not None
        ]
        if len(kinds) != 1:
            rule = "required oneof field 'data' must have one initialized field"
            raise Invalid(f"* GenerateContentRequest.contents.parts.data: {rule}")
        if (blob := pick(part, "inlineData")) is not None and not (
            pick(blob, "mimeType") and _is_blob(blob.get("data"))
        ):
            raise Invalid("Unable to process input image. Please retry or report in the troubleshooting guide.")
        if (call := pick(part, "functionCall")) is not None and not isinstance(call.get("args", {}), dict):
            raise Invalid(
                "Invalid value at 'contents.parts.function_call.args' (type.googleapis.com/google.protobuf.Struct)"
            )
        if (answer := pick(part, "functionResponse")) is not None and not isinstance(answer.get("response"), dict):
            raise Invalid("Invalid value at 'contents.parts.function_response.response' (google.protobuf.Struct)")


def _check_calls(contents: list[dict[str, Any]]) -> None:
    before: list[str] = []
    for index, turn in enumerate(contents):
        calls = [pick(part, "functionCall")["name"] for part in turn["parts"] if pick(part, "functionCall")]
        answers = [pick(part, "functionResponse")["name"] for part in turn["parts"] if pick(part, "functionResponse")]
        if len(answers) != len(before) or sorted(answers) != sorted(before):
            raise Invalid(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        if calls and (index == 0 or contents[index - 1].get("role") == "model"):
            raise Invalid(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
        before = calls


def _check_signatures(contents: list[dict[str, Any]]) -> None:
    """From Gemini 3 on, the first call of every step of the current turn needs its signature."""
    starts = [index for index, turn in enumerate(contents) if turn.get("role") == "user" and text_of(turn)]
    for turn in contents[starts[-1] if starts else 0 :]:
        calls = [part for part in turn["parts"] if pick(part, "functionCall")]
        if calls and not pick(calls[0], "thoughtSignature"):
            name = pick(calls[0], "functionCall")["name"]
            raise Invalid(
                "Function call is missing a thought_signature in functionCall parts: "
                f"function call `default_api:{name}`."
            )


def _check_tools(body: dict[str, Any]) -> bool:
    names: list[str] = []
    for tool in body.get("tools") or ():
        for spec in pick(tool, "functionDeclarations") or ():
            if not NAME.match(str(spec.get("name", ""))):
                raise Invalid("Invalid function name. Must start with a letter or an underscore.")
            if spec.get("parameters") is not None:
                _check_schema(spec["parameters"], "tools.function_declarations.parameters")
            names.append(spec["name"])
    calling = pick(pick(body, "toolConfig") or {}, "functionCallingConfig") or {}
    if calling.get("mode", "AUTO") not in {"AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"}:
        raise Invalid("Invalid value at 'tool_config.function_calling_config.mode'")
    if any(name not in names for name in pick(calling, "allowedFunctionNames") or ()):
        raise Invalid("allowed_function_names should be a subset of the declared functions.")
    return bool(names)


def _check_schema(schema: Any, place: str) -> None:
    if not isinstance(schema, dict):
        raise Invalid(f"Invalid value at '{place}'")
    _check_names(schema, SCHEMA, place)
    for sub in schema.get("properties", {}).values():
        _check_schema(sub, place)
    for sub in [schema.get("items"), *(pick(schema, "anyOf") or ())]:
        if sub is not None:
            _check_schema(sub, place)


def _check_names(value: Any, known: frozenset[str], place: str) -> None:
    if not isinstance(value, dict):
        raise Invalid(f"Invalid value at '{place}'")
    for name in value:
        if _camel(name) not in known:
            where = f" at '{place}'" if place else ""
            raise Invalid(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')


def _is_blob(data: Any) -> bool:
    """Base64 with either alphabet, padded or not, as proto JSON reads bytes."""
    if not isinstance(data, str):
        return False
    plain = data.replace("-", "+").replace("_", "/").rstrip("=")
    return is_base64(plain + "=" * (-len(plain) % 4))


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), name)


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
