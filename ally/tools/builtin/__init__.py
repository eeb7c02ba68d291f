"""The tools that come with Ally: one module each, and beside it the text that the model reads."""

from importlib.resources import files

from ally.messages import JsonObject, ToolSpec

__all__ = ["describe"]


def describe(name: str, properties: JsonObject, required: tuple[str, ...] = ()) -> ToolSpec:
    """The tool `name` as the model sees it: its description is `NAME.md` beside this file."""
    text = files(__name__).joinpath(f"{name}.md").read_text("utf-8").strip()
    schema: JsonObject = {"type": "object", "properties": properties}
    if required:
        schema["required"] = [*required]  # `list` is a module of this package
    return ToolSpec(name, text, {**schema, "additionalProperties": False})
