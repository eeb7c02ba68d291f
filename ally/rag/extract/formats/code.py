"""Source code as it is; its structure is found when it is cut."""

from ally.rag.document import Extracted
from ally.rag.extract.decoding import decode
from ally.rag.extract.languages import language_of


def extract(data: bytes, name: str) -> Extracted:
    """The code of a file called `name`, with its language; its name is its title."""
    return Extracted(decode(data, name), f"code:{language_of(name, data[:1024]) or 'text'}", name)
