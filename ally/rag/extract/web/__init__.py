"""From a web page to its text: also for formats that have pages inside."""

from ally.rag.extract.web.page import read_page

__all__ = ["read_page"]
