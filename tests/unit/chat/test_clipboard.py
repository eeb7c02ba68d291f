"""A picture from the clipboard, with programs that stand in for those of the system."""

import os
import stat
import time
from pathlib import Path

import pytest

from ally.chat.clipboard import MAX_AGE_S, clipboard_picture, folder, is_own
from ally.errors import UsageError
from tests.unit.tui.composer.pictures import png


def _system(place: Path, **programs: str) -> dict[str, str]:
    for name, script in programs.items():
        program = place / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
    (place / "picture").write_bytes(png(8, 6))
    return {"PATH": f"{place}:/usr/bin:/bin", "ALLY_HOME": str(place / "home")}


def test_a_picture_is_taken_with_the_program_of_the_desktop(tmp_path: Path) -> None:
    wayland = (
        f'[ "$1" = --list-types ] && echo text/html image/png && exit; [ "$3" = image/png ] && cat {tmp_path}/picture'
    )
    x11 = f'[ "$5" = TARGETS ] && echo image/png && exit; [ "$5" = image/png ] && cat {tmp_path}/picture'
    env = _system(tmp_path, wl_paste=wayland, xclip=x11)
    old = folder(env) / "clipboard-old.png"
    old.parent.mkdir(parents=True)
    old.touch()
    os.utime(old, (1, time.time() - MAX_AGE_S - 100))
    for display in ("WAYLAND_DISPLAY", "DISPLAY"):
        taken = clipboard_picture({**env, display: ":0"})
        assert taken.read_bytes() == png(8, 6)
        assert stat.S_IMODE(taken.stat().st_mode) == 0o600
        assert is_own(taken, env)
        assert not is_own(taken.parent.parent / taken.name, env)
    assert not old.exists()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo text/plain", "no picture"),
        ("exit 1", "no picture"),
        ("echo image/png", "no picture"),
        ("[ $# = 1 ] && echo image/png && exit; printf '\\211PNG\\r\\n\\032\\n'; head -c 4000000 /dev/zero", "4.0 MB"),
    ],
)
def test_what_is_no_picture_for_a_model_is_told(tmp_path: Path, script: str, said: str) -> None:
    env = {**_system(tmp_path, wl_paste=script), "WAYLAND_DISPLAY": ":0"}
    with pytest.raises(UsageError, match=said):
        clipboard_picture(env)
    assert not folder(env).exists()


def test_where_no_program_can_ask_the_user_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no program") as caught:
        clipboard_picture({"PATH": str(tmp_path), "ALLY_HOME": str(tmp_path), "DISPLAY": ":0"})
    assert "xclip" in (caught.value.hint or "")
