"""Asking a LangChain chat model for JSON of a schema while it still streams."""

import copy
import json
from dataclasses import dataclass
from typing import Any

from ally.messages import JsonObject
from ally.providers.langchain.vendor import Vendor, uses_responses

NAME = "answer"
INSTRUCTION = "Answer with exactly one JSON value that matches this JSON Schema, and with nothing else:\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """How the schema is asked for: by the object itself, by the arguments of `tool`, or by an `instruction`."""

    llm: Any  # Any: a LangChain runnable
    tool: str = ""
    instruction: str = ""


def ask_for(llm: Any, vendor: Vendor, schema: JsonObject) -> Asked:  # Any: a LangChain runnable
    """`llm` prepared to answer in JSON of `schema`.

    `with_structured_output` gives parsed objects instead of a stream, without finish reason and usage. What it puts
    around the model is the vendor's own way, though, so the prepared model is taken out of it.
    """
    titled = {"title": NAME, "description": "The answer.", **copy.deepcopy(schema)}
    if vendor.family == "openai" and not uses_responses(vendor.core):
        return Asked(llm.bind(extra_body=_openai_body(vendor.core, schema)))
    for options in ({"method": "json_schema"}, {}):
        try:
            chain = llm.with_structured_output(titled, include_raw=True, **options)
            bound = chain.first.steps__["raw"]
        except Exception:  # noqa: S112, BLE001 - boundary: a class that cannot do it this way says so in its own manner
            continue
        given: JsonObject = getattr(bound, "kwargs", {})
        tool = str(titled["title"]) if given.get("tools") or given.get("functions") else ""
        return Asked(bound, tool=tool)
    return Asked(llm, instruction=instruct(schema))


def instruct(schema: JsonObject) -> str:
    """The request for JSON in words, for models that know no other way."""
    return INSTRUCTION + json.dumps(schema, ensure_ascii=False)


def _openai_body(core: Any, schema: JsonObject) -> JsonObject:  # Any: ChatOpenAI
    """OpenAI's request field, past the client's own parser, which fails on answers that hit the length limit."""
    wanted = {"type": "json_schema", "json_schema": {"name": NAME, "schema": schema, "strict": _is_strict(schema)}}
    return {**(getattr(core, "extra_body", None) or {}), "response_format": wanted}


def _is_strict(schema: JsonObject) -> bool:
    """OpenAI's strict mode takes only closed objects with all properties required."""
    properties: JsonObject = schema.get("properties", {})
    return schema.get("additionalProperties") is False and set(schema.get("required", ())) == set(properties)
