"""The guide's road: whatever `create_llm` of a plug-in returned, behind the `Model` port.

Importing this package does not import LangChain; wrapping an object does.
"""

from ally.providers.langchain.wrap import wrap_llm

__all__ = ["wrap_llm"]
