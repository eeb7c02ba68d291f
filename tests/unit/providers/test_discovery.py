"""What plug-in files do to Ally while they are looked at, and when they are looked at again."""

import os
import time
from pathlib import Path

import pytest

from ally.quarantine.manifest import Manifest
from tests.unit.providers.plugin_files import IMPORT, House, house, provider_class

__all__ = ["house"]

GOOD = IMPORT + provider_class("'good'")
HOSTILE = {
    "raises": ("raise ZeroDivisionError('by hand')\n", "ZeroDivisionError: by hand (line 2)"),
    "leaves": ("import sys\nprint('bye')\nsys.exit(3)\n", "it called exit(3) (line 4)"),
    "quits": ("exit()\n", "it called exit() (line 2)"),
    "vanishes": ("import os\nos._exit(0)\n", "it ended the process with exit code 0 while it was imported"),
    "typo": ("def f(:\n", "SyntaxError: invalid syntax (line 2)"),
    "crashes": ("import ctypes\nctypes.string_at(0)\n", "it crashed Python with SIGSEGV (line 3)"),
    "kills": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "it crashed Python with SIGKILL"),
    "base_exception": ("class Odd(BaseException): pass\nraise Odd\n", "Odd (line 3)"),
    "mute": (
        "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd\n",
        "Odd: (its text failed with ValueError) (line 4)",
    ),
    "asks": ("input('name? ')\n", "EOFError: EOF when reading a line (line 2)"),
    "missing_package": (
        "import langchain_nowhere\n",
        "ModuleNotFoundError: No module named 'langchain_nowhere' (line 2)",
    ),
    "deep": ("def f(): f()\nf()\n", "RecursionError: maximum recursion depth exceeded (line 2)"),
    "empty": ("", "no class in it derives from BaseProvider; if it only helps other files, let its name start with _"),
    "unfinished": (
        "class Mine(BaseProvider):\n    def create_llm(self): ...\n",
        "Mine does not implement get_required_env_vars, name, validate_config",
    ),
    "needs_arguments": (
        provider_class("'x'", extra="def __init__(self, key): pass"),
        "TypeError: Mine.__init__() missing 1 required positional argument: 'key'",
    ),
}
NAMES = {
    "none": ("None", "its name is None, not text"),
    "empty_name": ("''", "its name is empty"),
    "blank": ("'  '", "its name is empty"),
    "number": ("5", "its name is 5, not text"),
    "bytes": ("b'x'", "its name is b'x', not text"),
    "lines": (r"'a\nb'", "its name 'a\\nb' is too long, or has spaces or control characters around it"),
    "failing": ("{}['x']", "its name failed with KeyError: 'x'"),
}


def test_hostile_files_are_left_out_with_their_cause_and_the_rest_starts(
    house: House, capfd: pytest.CaptureFixture[str]
):
    for stem, (source, _) in HOSTILE.items():
        house.drop(f"{stem}.py", IMPORT + source)
    house.drop("good.py", GOOD)
    registry = house.registry()
    causes = {entry.name: entry.error for entry in registry.entries() if entry.origin == "custom"}
    assert causes == {stem: cause for stem, (_, cause) in HOSTILE.items()} | {"good": None}
    assert registry.get("good").name == "good"
    assert capfd.readouterr() == ("", "")
    assert len(registry.warnings) == len(HOSTILE)
    assert "Failed to load custom provider from raises.py: ZeroDivisionError: by hand (line 2)" in registry.warnings


def test_hanging_and_flooding_files_are_stopped_and_say_where(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALLY_PLUGIN_TIMEOUT_S", "3")
    house.drop("hangs.py", IMPORT + "import time\n\ntime.sleep(600)\n")
    house.drop("spins.py", IMPORT + "while True:\n    pass\n")
    flood = "import sys\nwhile True:\n    print('x' * 9999)\n    sys.stderr.write('y' * 9999)\n"
    house.drop("floods.py", IMPORT + flood)
    house.drop("lock.py", IMPORT + provider_class("__import__('time').sleep(600)"))
    begun = time.monotonic()
    errors = {entry.name: entry.error for entry in house.registry().entries() if entry.origin == "custom"}
    assert time.monotonic() - begun < 20
    assert errors["hangs"] == "it was not imported within 3 s (line 4)"
    assert errors["spins"] is not None
    assert errors["spins"].startswith("it was not imported within 3 s (line ")
    assert errors["floods"] is not None
    assert errors["floods"].startswith("it was not imported within 3 s")
    assert errors["lock"] == "it was not imported within 3 s (line 5)"


def test_what_a_plug_in_leaves_running_does_not_hold_ally_up(house: House, tmp_path: Path):
    pid_file = tmp_path / "pid"
    source = (
        "import subprocess, sys, threading, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
    )
    house.drop("busy.py", IMPORT + source + provider_class("'busy'"))
    begun = time.monotonic()
    assert house.entry("busy").error is None
    assert time.monotonic() - begun < 8
    assert not _is_running(int(pid_file.read_text()))


@pytest.mark.parametrize("stem", NAMES)
def test_name_that_cannot_be_used(house: House, stem: str):
    expression, cause = NAMES[stem]
    house.drop(f"{stem}.py", IMPORT + provider_class(expression))
    error = house.entry(stem).error
    assert error is not None
    assert error.partition(" (line")[0] == cause


def test_bad_class_beside_a_good_one_is_named_on_its_own(house: House):
    house.drop("pair.py", IMPORT + provider_class("None", cls="Bad") + provider_class("'fine'", cls="Fine"))
    rows = {entry.name: entry.error for entry in house.registry().entries() if entry.origin == "custom"}
    assert rows == {"fine": None, "pair.Bad": "its name is None, not text"}


def test_files_that_are_none(house: House):
    custom = house.custom
    (custom / "folder.py").mkdir()
    (custom / "loop.py").symlink_to(custom / "loop.py")
    (custom / "gone.py").symlink_to(custom / "nowhere")
    os.mkfifo(custom / "pipe.py")
    with (custom / "huge.py").open("wb") as file:
        file.truncate(3_000_000_000)
    (custom / ".#edited.py").symlink_to("someone@host")
    (custom / "._finder.py").write_bytes(b"\x00\x05\x16\x07")
    (custom / "_helper.py").write_text("raise RuntimeError")
    (custom / "notes.txt").write_text("no plug-in")
    rows = {entry.name: entry.error for entry in house.registry().entries() if entry.origin == "custom"}
    assert rows == {
        "folder": "it is a folder, not a file",
        "gone": "it is a link to a file that does not exist",
        "huge": "it is larger than 1 MB",
        "loop": "it cannot be read: Too many levels of symbolic links",
        "pipe": "it is not a regular file",
    }


@pytest.mark.parametrize("name", ["my-llm.py", "my llm.py", "my.llm.py", "1st.py", "class.py", "ünïcode.py", "json.py"])
def test_file_name_that_is_no_module_name(house: House, name: str):
    house.drop(name, IMPORT + provider_class("'odd'"))
    registry = house.registry()
    assert registry.get("odd").name == "odd"
    assert registry.warnings == []


def test_encodings_of_source_files(house: House):
    bom, latin = house.custom / "bom.py", house.custom / "latin.py"
    bom.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("good", "bom").encode())
    latin.write_bytes(b"# -*- coding: latin-1 -*-\nNAME = 'caf\xe9'\n" + (IMPORT + provider_class("NAME")).encode())
    (house.custom / "bytes.py").write_bytes(b"NAME = 'caf\xe9'\n" + GOOD.encode())
    (house.custom / "nul.py").write_bytes(GOOD.encode() + b"\0")
    registry = house.registry()
    errors = {entry.name: entry.error for entry in registry.entries() if entry.origin == "custom"}
    assert (errors["bom"], errors["café"]) == (None, None)
    assert errors["bytes"] is not None
    assert "utf-8" in errors["bytes"]
    assert errors["nul"] is not None
    assert "null bytes" in errors["nul"]
    assert registry.get("café").name == "café"


def test_unchanged_file_is_not_imported_again(house: House, tmp_path: Path):
    log = tmp_path / "log"
    note = f"open({str(log)!r}, 'a').write(__name__ + ' ')\n"
    house.drop("a.py", IMPORT + note + provider_class("'a'"))
    house.drop("b.py", IMPORT + note + provider_class("'b'"))
    house.registry().entries()
    house.registry().entries()
    assert sorted(log.read_text().split()) == ["app.src.providers.custom.a", "app.src.providers.custom.b"]
    log.unlink()
    house.drop("b.py", IMPORT + note + provider_class("'c'"))
    assert "c" in house.registry().names()
    assert log.read_text().split() == ["app.src.providers.custom.b"]


def test_edit_of_the_same_length_within_a_second_is_seen(house: House):
    for name in ("one", "two", "six"):
        path = house.drop("quick.py", IMPORT + provider_class(f"'{name}'"))
        os.utime(path, (1_700_000_000, 1_700_000_000))
        assert name in house.registry().names()


def test_change_of_a_helper_is_seen(house: House):
    helper = house.drop("_shared.py", "NAME = 'before'\n")
    house.drop("mine.py", IMPORT + "from app.src.providers.custom._shared import NAME\n" + provider_class("NAME"))
    assert "before" in house.registry().names()
    helper.write_text("NAME = 'after_'\n")
    names = house.registry().names()
    assert ("before" in names, "after_" in names) == (False, True)


def test_change_of_a_plug_in_that_another_one_imports_is_seen(house: House):
    parent = house.drop("parent.py", IMPORT + provider_class("'parent'", extra="title = 'x'"))
    child = "from app.src.providers.custom.parent import Mine\nclass Child(Mine):\n    name = Mine.title + '-child'\n"
    house.drop("child.py", child)
    assert "x-child" in house.registry().names()
    parent.write_text(IMPORT + provider_class("'parent'", extra="title = 'y'"))
    assert "y-child" in house.registry().names()


def test_variable_that_the_file_reads_is_seen(house: House, monkeypatch: pytest.MonkeyPatch):
    source = "import os\nURL = os.environ['MINE_URL']\n"
    house.drop("mine.py", IMPORT + source + provider_class("'mine'"))
    assert house.entry("mine").error == "KeyError: 'MINE_URL' (line 3)"
    monkeypatch.setenv("MINE_URL", "http://localhost")
    assert house.entry("mine").error is None


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"format": 1, "plugins": 5}', b'{"format": 1, "plugins": {"x": []}}', b"\xff\x00"]
)
def test_damaged_cache_is_an_empty_one(house: House, damage: bytes):
    house.drop("good.py", GOOD)
    house.cache.parent.mkdir()
    house.cache.write_bytes(damage)
    assert house.entry("good").error is None
    assert Manifest(house.cache).find(str(house.custom / "good.py"), "another digest") is None


def test_cache_that_cannot_be_written_only_costs_time(house: House):
    house.drop("good.py", GOOD)
    house.cache.parent.write_text("a file where a folder should be")
    assert house.entry("good").error is None


def _is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    for _ in range(50):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except (ProcessLookupError, FileNotFoundError):
            return False
        time.sleep(0.1)
    return True
