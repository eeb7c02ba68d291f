"""From a web page to its text: also for formats that have pages inside."""

from ally.rag.extract.web.page import NoPage, read_page

__all__ = ["NoPage", "read_page"]
