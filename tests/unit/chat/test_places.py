"""/open: places that answers name are opened in the editor."""

from pathlib import Path

import pytest

from ally.chat.commands.registry import run_command
from ally.errors import UsageError
from ally.messages import assistant, user
from tests.unit.chat.desk import Desk


def _write(*names: str) -> None:
    for name in names:
        Path(name).write_text("".join(f"{name} {number}\n" for number in range(1, 40)))


async def test_the_newest_answer_that_names_places_offers_them_with_their_lines(chat, desk: Desk):
    _write("a.py", "b.py")
    chat.talk.messages += [user("where?"), assistant("In a.py:12 and again a.py:12, see `b.py:3-5` and gone.py:1.")]
    chat.talk.messages += [user("thanks"), assistant("You are welcome.")]
    desk.picks = lambda options: options[1].value
    assert await run_command(chat, "/open") == ""
    assert [option.label for option in desk.asked["Open"]] == ["a.py:12", "b.py:3-5"]
    assert "   12  a.py 12" in desk.previews[desk.asked["Open"][0].value]
    assert [(path.name, line) for path, line in desk.looked_at] == [("b.py", 3)]
    await run_command(chat, "/open a.py")
    await run_command(chat, "/open a.py:9")
    assert [(path.name, line) for path, line in desk.looked_at][1:] == [("a.py", 1), ("a.py", 9)]


async def test_what_is_no_file_of_the_folder_is_not_opened(chat, desk: Desk, tmp_path: Path):
    (tmp_path / "outside.py").write_text("x")
    chat.talk.messages += [user("?"), assistant("See ../outside.py:1 and /etc/passwd:1.")]
    for text in ("/open", "/open ../outside.py:1", "/open gone.py"):
        with pytest.raises(UsageError):
            await run_command(chat, text)
    assert desk.looked_at == []
