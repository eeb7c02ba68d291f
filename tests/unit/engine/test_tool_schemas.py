"""What happens with the schemas that tools bring."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from ally.engine.conversation import Conversation
from ally.engine.tool_calls import run_calls
from ally.events import ToolFinished
from ally.messages import JsonObject, ToolCall, ToolSpec
from ally.permissions.action import Action
from ally.tools.base import Run, ToolOutput
from tests.scripted import ScriptedModel


class Borrowing:
    """A tool whose schema refers to a document on a server."""

    def __init__(self, address: str) -> None:
        self.spec = ToolSpec("borrow", "Borrow a book.", {"$ref": f"{address}/book.json"})

    def action(self, args: JsonObject) -> Action:
        raise AssertionError("asked about arguments that nobody could check")

    def preview(self, args: JsonObject) -> str:
        return ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        raise AssertionError("ran with arguments that nobody could check")


@pytest.fixture
def visits() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the paths that were asked for."""
    paths: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()


async def test_a_schema_that_refers_to_the_network_is_never_fetched(visits: tuple[str, list[str]]):
    address, paths = visits
    talk = Conversation(ScriptedModel([]), tools=[Borrowing(address)])
    events = [event async for event in run_calls(talk, [ToolCall("1", "borrow", {"title": "Emma"})])]
    result = talk.last_results()[0]
    assert ToolFinished(result) in events
    assert result.is_error
    assert f"refers to {address}/book.json, which is not part of it" in result.for_model
    assert paths == []
