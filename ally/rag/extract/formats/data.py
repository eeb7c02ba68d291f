"""Data and settings written as text, as they are: nothing of them is interpreted."""

from ally.rag.document import Extracted
from ally.rag.extract.decoding import decode
from ally.rag.extract.kinds import suffix_of
from ally.rag.extract.languages import DATA


def extract(data: bytes, name: str) -> Extracted:
    """The text; entities of XML are not resolved, references of YAML not followed."""
    return Extracted(decode(data, name), DATA.get(suffix_of(name), "xml"))
