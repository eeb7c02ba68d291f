"""Stands for the integration package of the guide's "Error Handling", whose `ChatXYZ(...)` really takes an ellipsis."""

import os
from types import EllipsisType

from langchain_openai import ChatOpenAI


def ChatXYZ(arguments: EllipsisType) -> ChatOpenAI:  # noqa: N802 - the guide's name
    """A chat model at `XYZ_URL`."""
    return ChatOpenAI(model="model-v1", api_key=os.environ["XYZ_API_KEY"], base_url=os.environ["XYZ_URL"])
