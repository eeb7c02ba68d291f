"""The JSON Schema of config.json, for editors and other programs."""

from ally.config.settings import SHAPE
from ally.messages import JsonObject


def json_schema() -> JsonObject:
    """The schema in JSON Schema draft 7, which editors understand best."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "config.json of Ally",
        "description": "Made by `ally config schema`.",
        **SHAPE.schema(),
    }
