"""What waits above the composer."""

from textual.app import App, ComposeResult

from ally.tui.composer.queue import Queue


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield Queue()


async def test_an_empty_queue_can_be_painted() -> None:
    app = Host()
    async with app.run_test():
        queue = app.query_one(Queue)
        queue.texts = ["one"]
        queue.texts = []
        assert queue.render().plain == ""
