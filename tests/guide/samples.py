"""The code of docs/adding_providers.md, unchanged, and the files that it is completed to."""

import re
from pathlib import Path

from tests.conftest import ROOT

GUIDE = ROOT / "docs" / "adding_providers.md"
PACKAGES = ROOT / "tests" / "guide" / "packages"
_BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)

HEAD = """
import os

from langchain_openai import ChatOpenAI

from app.src.providers.base_provider import BaseProvider
"""
"""What the fragments take for granted."""

CHAT_PROVIDER = '''

def ChatProvider(endpoint=None, group_id=None, **kwargs):
    """The client class that the guide leaves to the reader."""
    headers = {"X-Group-Id": group_id} if group_id else None
    return ChatOpenAI(base_url=endpoint or os.environ["PROVIDER_URL"], default_headers=headers, **kwargs)


'''

CLASS = '''

class FragmentProvider(BaseProvider):
    """The class around the fragments; what they define above is its own."""

    name = "{name}"
    create_llm = create_llm

    def get_required_env_vars(self):
        return {variables!r}

    validate_config = validate_config
'''

PLAIN_VALIDATION = """

def validate_config(self, config):
    return True, None
"""

PLAIN_CREATION = """

def create_llm(self, model_name, temperature, api_key, **kwargs):
    return ChatProvider(model=model_name, temperature=temperature, api_key=api_key, **kwargs)


"""


def under(heading: str) -> str:
    """The first block of Python below a heading of the guide, byte for byte."""
    text = GUIDE.read_text(encoding="utf-8")
    start = re.search(rf"^#+ {re.escape(heading)}$", text, re.MULTILINE)
    assert start is not None, f"the guide has no heading {heading!r}"
    block = _BLOCK.search(text, start.end())
    assert block is not None
    return block["code"]


EXAMPLES = {
    "myllm": "Step 1: Create Provider Module",
    "together": "Example 1: Together AI (OpenAI-Compatible)",
    "groq": "Example 2: Groq (High-Speed Inference)",
    "localai": "Example 3: Local Provider (No API Key)",
}


def example(name: str) -> str:
    """One of the guide's four whole files."""
    return under(EXAMPLES[name])


def custom_kwargs() -> str:
    """ "Custom kwargs Handling" as a file."""
    code = HEAD + CHAT_PROVIDER + under("Custom kwargs Handling") + PLAIN_VALIDATION
    return code + CLASS.format(name="special", variables=["SPECIAL_API_KEY"])


def multi_credential() -> str:
    """ "Multi-Credential Providers" as a file."""
    code = HEAD + CHAT_PROVIDER + under("Multi-Credential Providers") + PLAIN_VALIDATION
    return code + CLASS.format(name="grouped", variables=["GROUPED_API_KEY", "PROVIDER_GROUP_ID"])


def own_features() -> str:
    """ "Provider-Specific Features" as a file."""
    methods = (
        "    supports_streaming, supports_tools, get_max_tokens = supports_streaming, supports_tools, get_max_tokens\n"
    )
    code = HEAD + CHAT_PROVIDER + PLAIN_CREATION + under("Provider-Specific Features") + PLAIN_VALIDATION
    return code + CLASS.format(name="whole", variables=["WHOLE_API_KEY"]) + methods


def best_practice() -> str:
    """The four fragments of "Best Practices" as one file."""
    field = "\n\ndef validate_custom_field(value):\n    return value == 'good'\n\n\n"
    parts = [under("3. Documentation"), HEAD, "\n\n", under("1. Error Handling"), field, under("2. Validation")]
    models = "\n\n" + under("4. Model Lists")
    method = "    get_available_models = get_available_models\n"
    return "".join(parts) + models + CLASS.format(name="provider_name", variables=["XYZ_API_KEY"]) + method


def drop(checkout: Path, file: str, code: str) -> Path:
    """Put a plug-in where the guide says."""
    path = checkout / "app" / "src" / "providers" / "custom" / file
    path.write_text(code, encoding="utf-8")
    return path
