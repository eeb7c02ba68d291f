"""What a message names with an @ goes along."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ally.chat.attach import MAX_PICTURES, mentioned, message_of, missing
from ally.chat.chat import Chat
from ally.chat.clipboard import folder
from ally.errors import UsageError
from ally.messages import Image, UserMessage
from ally.providers.model import Profile
from tests.scripted import ScriptedModel
from tests.unit.tui.composer.pictures import png


class _Seeing(ScriptedModel):
    @property
    def profile(self) -> Profile:
        return replace(super().profile, images=True)


async def _said(chat: Chat, text: str, *, sees: bool = True) -> UserMessage:
    before, chat.talk.model = chat.talk.model, (_Seeing if sees else ScriptedModel)([])
    try:
        return await message_of(chat.talk, text)
    finally:
        chat.talk.model = before


@pytest.mark.parametrize(
    ("text", "found", "gone"),
    [
        ('see @a.py, @src/ and @"a b.txt"!', ["a.py", "src/", "a b.txt"], []),
        ("@a.py @a.py (@a.py) x@a.py", ["a.py"], []),
        ("@gone.py and @src/gone? @ @me @property @you!", [], ["gone.py"]),
        ('@src and @src/gone/ and @./x and @~/no and @"no file.md"', [], ["src/gone/", "./x", "~/no", "no file.md"]),
        ("@\0 @" + "x" * 5_000, [], []),
        ("mail me@a.py or @types/node", [], []),
    ],
)
def test_what_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, found: list[str], gone: list[str]):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    for name in ("a.py", "a b.txt"):
        (tmp_path / name).touch()
    assert mentioned(text) == found
    assert missing(text) == gone


def _write(**files: bytes) -> None:
    """Files by name; `__` in a name is a slash, `_dot_` a dot."""
    for name, content in files.items():
        path = Path(name.replace("__", "/").replace("_dot_", "."))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


async def test_files_folders_and_pictures_go_along(chat: Chat):
    _write(src__main_dot_py=b"print(1)\n", **{"look here_dot_png": png(8, 6)})
    text = 'what is @src/main.py in @src/ and @"look here.png"?'
    message = await _said(chat, text)
    assert message.text == text
    assert message.parts[1:] == (Image(png(8, 6), "image/png"),)
    for part in ("[The user attached src/main.py:]", "print(1)", "[The user attached src/:]\nmain.py", "8 x 6 pixels"):
        assert part in message.context


async def test_a_model_that_sees_nothing_is_told_of_and_nothing_is_said(chat: Chat):
    _write(x_dot_png=png(8, 6), cut_dot_png=png(8, 6)[:-20])
    with pytest.raises(UsageError, match="cannot see pictures") as caught:
        await _said(chat, "@x.png", sees=False)
    assert "/model" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="cut or damaged"):
        await _said(chat, "@cut.png")
    _write(**{f"{number}_dot_png": png(8, 6) for number in range(MAX_PICTURES + 1)})
    with pytest.raises(UsageError, match="21 pictures"):
        await _said(chat, " ".join(f"@{number}.png" for number in range(MAX_PICTURES + 1)))
    assert chat.talk.messages == []


async def test_what_the_gate_does_not_allow_stays_here(chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    outside = tmp_path / "outside.png"
    outside.write_bytes(png(8, 6))
    _write(_dot_env=b"KEY=1")
    for path in (".env", str(outside)):
        with pytest.raises(UsageError, match="not attached"):
            await _said(chat, f"@{path}")
    monkeypatch.setenv("ALLY_HOME", str(tmp_path / "home"))
    taken = folder(os.environ) / "clipboard-1.png"
    (taken.parent / "clipboard-x").mkdir(parents=True)
    taken.write_bytes(png(8, 6))
    (taken.parent / "clipboard-2.png").symlink_to(outside)
    assert len((await _said(chat, f"@{taken}")).parts) == 2
    for path in (f"{taken.parent}/clipboard-2.png", f"{taken.parent}/clipboard-x/../clipboard-1.png"):
        with pytest.raises(UsageError, match="not attached"):
            await _said(chat, f"@{path}")
