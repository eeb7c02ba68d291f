"""Web pages."""

import re
from pathlib import Path

from ally.errors import ExtractionError
from ally.rag.document import Extracted
from ally.rag.extract.decoding import decode
from ally.rag.extract.web import NoPage, read_page
from ally.storage.encoding import Encoding, detect

_CHARSET = re.compile(rb"<(?:meta|\?xml)[^>]{0,500}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_HEAD_BYTES = 4096


def extract(data: bytes, name: str) -> Extracted:
    """What a reader of the page would see of its main part."""
    text = decode(data, name, _encoding(data))
    try:
        return read_page(text)
    except NoPage as exc:
        raise ExtractionError(Path(name), f"is not a valid web page: {exc}") from exc


def _encoding(data: bytes) -> Encoding | None:
    """As the page itself says, if its bytes do not say otherwise."""
    found = detect(data)
    if found is None or found.bom or (found.errors == "strict" and found.codec == "utf-8"):
        return found
    said = _CHARSET.search(data[:_HEAD_BYTES])
    if not said:
        return found
    codec = said[1].decode("ascii").lower()
    codec = "cp1252" if codec in ("iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii") else codec  # as browsers do
    try:
        data.decode(codec, "replace")
    except (LookupError, UnicodeError):
        return found
    return Encoding(codec, errors="replace")
