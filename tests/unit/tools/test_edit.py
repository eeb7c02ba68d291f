import asyncio
import codecs
import os
import random
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from ally.errors import ToolError
from ally.storage.encoding import END
from ally.tools.builtin.edit import EditTool
from ally.tools.builtin.read import ReadTool
from tests.unit.tools.files import agree, call, make_bench

PLAIN = "abcdefg hij(.*)[x]\\$\t"
ACCENTS = PLAIN + "äöüßéà"
WIDE = ACCENTS + "中文字→😀"
INVALID = ACCENTS + "中\udcff\udc80"
ENCODINGS = {
    "ascii": ("ascii", b"", PLAIN),
    "utf-8": ("utf-8", b"", WIDE),
    "utf-8 with mark": ("utf-8", codecs.BOM_UTF8, WIDE),
    "utf-8 with invalid bytes": ("utf-8", b"", INVALID),
    "windows-1252": ("cp1252", b"", ACCENTS + "\u20ac\u201c"),
    "latin-1": ("latin-1", b"", ACCENTS + "\x81\x8d"),
    "utf-16 le with mark": ("utf-16-le", codecs.BOM_UTF16_LE, WIDE),
    "utf-16 be with mark": ("utf-16-be", codecs.BOM_UTF16_BE, WIDE),
    "utf-16 le": ("utf-16-le", b"", WIDE),
    "utf-16 be": ("utf-16-be", b"", WIDE),
    "utf-32 le with mark": ("utf-32-le", codecs.BOM_UTF32_LE, WIDE),
    "utf-32 be": ("utf-32-be", b"", WIDE),
    "koi8-r, which is not known": ("koi8-r", b"", PLAIN + "Привет"),
}
ENDS = {"lf": ["\n"], "crlf": ["\r\n"], "cr": ["\r"], "mixed": ["\n", "\r\n", "\r"]}
EDITS_EACH = 15


def plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize(("name", "ends"), list(product(ENCODINGS, ENDS)))
async def test_random_edits_change_no_foreign_byte(tmp_path: Path, name: str, ends: str):
    codec, bom, letters = ENCODINGS[name]
    # What is not known can be edited where it is ASCII, and its other bytes stay.
    writable = PLAIN if codec == "koi8-r" else letters.replace("\udcff", "").replace("\udc80", "")
    chance = random.Random(f"{name} {ends}")
    tool = EditTool(make_bench(tmp_path))
    for number in range(EDITS_EACH):
        path = tmp_path / str(number)
        lines = ["".join(chance.choices(letters, k=chance.randrange(1, 12))) for _ in range(12)]
        # Distinct lines make most spans unique.
        text = "".join(f"{at} {line}{chance.choice(ENDS[ends])}" for at, line in enumerate(lines))
        text += chance.choice(["", "\u00e4 last" if "\u00e4" in writable else "last"])
        start, end = span_of(chance, text, set(writable) | set("0123456789\r\n"))
        old, new = plain(text[start:end]), "".join(chance.choices(writable + "\n", k=chance.randrange(20)))
        if old == new or plain(text).count(old) != 1:
            new, old, start, end = "", plain(text[: text.index(" ")]) + " ", 0, text.index(" ") + 1
        if plain(text).count(old) != 1:
            continue
        before, after = (part.encode(codec, "surrogateescape") for part in (text[:start], text[end:]))
        path.write_bytes(bom + before + text[start:end].encode(codec) + after)
        await call(tool, path=path.name, edits=[{"old": old, "new": new}])
        data = path.read_bytes()
        assert data.startswith(bom + before)
        assert data.endswith(after)
        middle = data[len(bom) + len(before) : len(data) - len(after)].decode(codec)
        assert plain(middle) == new
        if ends != "mixed":
            assert set(END.findall(middle)) <= set(ENDS[ends])


def span_of(chance: random.Random, text: str, allowed: set[str]) -> tuple[int, int]:
    """A random part of `text` of allowed characters that cuts no CRLF in two."""
    start = chance.randrange(len(text) - 1)
    while text[start] not in allowed or text[start - 1 : start + 1] == "\r\n":
        start = (start + 1) % len(text)
    end = start
    while end < len(text) and text[end] in allowed and end - start < 25:
        end += 1
    return start, end - (text[end - 1 : end + 1] == "\r\n") if end - start > 1 else end


@pytest.mark.parametrize(("ends", "around"), [("\r\n", b"\r\n"), ("\r", b"\r"), ("\n", b"\n")])
async def test_new_lines_get_the_ends_of_their_surroundings(tmp_path: Path, ends: str, around: bytes):
    path = tmp_path / "x"
    path.write_bytes(ends.join(["one", "two", "three"]).encode())
    await call(EditTool(make_bench(tmp_path)), path="x", edits=[{"old": "two\nthree", "new": "2\n2.5\nthree\nfour"}])
    assert path.read_bytes() == around.join([b"one", b"2", b"2.5", b"three", b"four"])


async def test_in_a_mixed_file_only_the_neighbours_count(tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(b"a\nb\nc\r\nd\r\ne\n")
    tool = EditTool(make_bench(tmp_path))
    await call(tool, path="x", edits=[{"old": "d\n", "new": "d\nd2\n"}, {"old": "a\n", "new": "a\na2\n"}])
    assert path.read_bytes() == b"a\na2\nb\nc\r\nd\r\nd2\ne\n"


async def test_several_edits_are_made_together_or_not_at_all(tmp_path: Path):
    path = tmp_path / "x"
    path.write_text("a = 1\nb = 2\nc = 3\n")
    tool = EditTool(make_bench(tmp_path))
    with pytest.raises(ToolError, match=r"unchanged.*Old text 2 of 2 is not there"):
        await call(tool, path="x", edits=[{"old": "a = 1", "new": "a = 10"}, {"old": "nothing", "new": "x"}])
    assert path.read_text() == "a = 1\nb = 2\nc = 3\n"
    done = await call(tool, path="x", edits=[{"old": "c = 3", "new": "c = 30"}, {"old": "a = 1", "new": "b = 2"}])
    assert path.read_text() == "b = 2\nb = 2\nc = 30\n"
    assert done.for_model == "Edited x, lines 1, 3: +2 -2 lines."
    with pytest.raises(ToolError, match="overlaps another edit in line 1"):
        await call(tool, path="x", edits=[{"old": "b = 2\nb", "new": ""}, {"old": "2\nb = 2\nc", "new": ""}])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "x", "empty old text"),
        ("a", "a", "changes nothing"),
        ("a\r\n", "a\n", "changes nothing"),
        ("x = 1", "y", r"more than once \(lines 1, 3\).*or set all"),
        ("aa", "b", "more than once"),
        ("x=1", "y", "is not there"),
    ],
)
async def test_what_cannot_be_done_for_sure_is_refused(tmp_path: Path, old: str, new: str, message: str):
    path = tmp_path / "x"
    path.write_text("x = 1\naaa\nx = 1\n")
    with pytest.raises(ToolError, match=message):
        await call(EditTool(make_bench(tmp_path)), path="x", edits=[{"old": old, "new": new}])
    assert path.read_text() == "x = 1\naaa\nx = 1\n"


async def test_all_replaces_every_place(tmp_path: Path):
    (tmp_path / "x").write_bytes(b"a\r\nb\na\r\nb\n" * 3)
    await call(EditTool(make_bench(tmp_path)), path="x", edits=[{"old": "a\nb", "new": "c", "all": True}])
    assert (tmp_path / "x").read_bytes() == b"c\nc\n" * 3


@pytest.mark.parametrize(
    ("text", "old", "expected"),
    [
        ("if x:\n\treturn 1\n", "if x:\n    return 1\n", ["lines 1-2", "white space", r"2: the file has “\treturn 1”"]),
        ("a\nb\nfoo(a,  b)\n", "foo(a, b)", ["lines 3-3", "white space"]),
        ("say(“hi”)\n", 'say("hi")', ["lines 1-1", "quotes differ"]),
        ("one\ntwo\nthree\nfour\n", "one\ntwo\nTHREE\nfour", ["lines 1-4", "3: the file has “three”, not “THREE”"]),
        ("def compute_total(items):\n    pass\n", "def compute_totals(item):", ["lines 1-1", "they differ"]),
        ("a\nb\n", "1\ta\n2\tb", ["line numbers"]),
        ("the long new text is here\n", "old text gone", ["is there already"]),
        ("a\n", "zzz", ["Nothing like it"]),
        ("cafe\u0301\n", "café", ["white space or quotes differ"]),
    ],
)
async def test_failure_shows_the_nearest_place_and_what_differs(
    tmp_path: Path, text: str, old: str, expected: list[str]
):
    (tmp_path / "x").write_text(text)
    with pytest.raises(ToolError, match="is not there") as caught:
        edits = [{"old": old, "new": "the long new text is here"}]
        await call(EditTool(make_bench(tmp_path)), path="x", edits=edits)
    for part in expected:
        assert part in caught.value.hint


async def test_character_that_the_encoding_lacks_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes("größer\n".encode("cp1252"))
    with pytest.raises(ToolError, match=r"Windows-1252 has no character '→' \(U\+2192\)"):
        await call(EditTool(make_bench(tmp_path)), path="x", edits=[{"old": "größer", "new": "→"}])
    assert path.read_bytes() == b"gr\xf6\xdfer\n"


async def test_half_a_character_is_never_written(tmp_path: Path):
    (tmp_path / "x").write_text("a\n")
    with pytest.raises(ToolError, match="U\\+D83D"):
        await call(EditTool(make_bench(tmp_path)), path="x", edits=[{"old": "a", "new": "\ud83d"}])


async def test_file_changed_since_it_was_read_is_refused(tmp_path: Path):
    bench = make_bench(tmp_path)
    (tmp_path / "x").write_text("one\n")
    await call(ReadTool(bench), path="x")
    (tmp_path / "x").write_text("one and more\n")
    with pytest.raises(ToolError, match="changed by somebody since it was read"):
        await call(EditTool(bench), path="x", edits=[{"old": "one", "new": "1"}])
    await call(ReadTool(bench), path="x")
    await call(EditTool(bench), path="x", edits=[{"old": "one", "new": "1"}])
    await call(EditTool(bench), path="x", edits=[{"old": "more", "new": "2"}])
    assert (tmp_path / "x").read_text() == "1 and 2\n"


async def test_file_changed_since_the_user_agreed_is_refused(tmp_path: Path):
    tool, args = EditTool(make_bench(tmp_path)), {"path": "x", "edits": [{"old": "one", "new": "1"}]}
    (tmp_path / "x").write_text("one\n")
    assert tool.preview(args) == "--- x\n+++ x\n@@ -1,1 +1,1 @@\n-one\n+1"
    (tmp_path / "x").write_text("one\nrm -rf\n")
    with pytest.raises(ToolError, match="since the user agreed"):
        await tool.run(args, agree(tool, args))


async def test_permissions_and_the_link_stay(tmp_path: Path):
    (tmp_path / "real").write_text("one")
    (tmp_path / "real").chmod(0o750)
    (tmp_path / "link").symlink_to("real")
    await call(EditTool(make_bench(tmp_path)), path="link", edits=[{"old": "one", "new": "two"}])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "two"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o750


async def test_write_protected_and_unfit_files_are_refused(tmp_path: Path):
    tool = EditTool(make_bench(tmp_path))
    (tmp_path / "locked").write_text("a")
    (tmp_path / "locked").chmod(0o444)
    (tmp_path / "binary").write_bytes(b"a\0b")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(9_000_000)
    for name, message in (
        ("locked", "write-protected"),
        ("binary", "binary"),
        ("huge", "larger than 8 MB"),
        (".", "a folder"),
        ("missing", "does not exist"),
    ):
        with pytest.raises(ToolError, match=message):
            await call(tool, path=name, edits=[{"old": "a", "new": "b"}])


def test_preview_shows_each_place_of_a_long_file(tmp_path: Path):
    (tmp_path / "x").write_text("".join(f"line {number}\n" for number in range(1, 101)))
    edits = [{"old": "line 5\n", "new": ""}, {"old": "line 90\n", "new": "line 90\nmore\n"}]
    shown = EditTool(make_bench(tmp_path)).preview({"path": "x", "edits": edits}).splitlines()
    assert [line for line in shown if line[0] in "@+-"] == [
        "--- x", "+++ x", "@@ -2,7 +2,6 @@", "-line 5", "@@ -88,6 +87,7 @@", "+more",
    ]  # fmt: skip


async def test_cancelled_edit_is_over_when_the_call_is(tmp_path: Path):
    path = tmp_path / "x"
    path.write_text("one")
    tool = EditTool(make_bench(tmp_path))
    task = asyncio.create_task(call(tool, path="x", edits=[{"old": "one", "new": "two"}]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = path.read_text()
    assert left in ("one", "two")
    await asyncio.sleep(0.05)
    assert path.read_text() == left
    assert os.listdir(tmp_path) == ["x"]  # noqa: PTH208 - no async way is needed here


COUNT_UP = """
import asyncio, sys
from pathlib import Path
from ally.errors import ToolError
from ally.tools.builtin.edit import EditTool
from tests.unit.tools.files import call, make_bench

async def main(folder):
    bench, done = make_bench(folder), 0
    tool = EditTool(bench)
    while done < 5:
        bench.workspace.seen.clear()
        number = int((folder / "x").read_text())
        try:
            await call(tool, path="x", edits=[{"old": f"{number}\\n", "new": f"{number + 1}\\n"}])
            done += 1
        except ToolError:
            pass

asyncio.run(main(Path(sys.argv[1])))
"""


def test_eight_processes_lose_no_edit(tmp_path: Path):
    (tmp_path / "x").write_text("100\n")
    workers = [subprocess.Popen([sys.executable, "-c", COUNT_UP, str(tmp_path)]) for _ in range(8)]
    assert [worker.wait(60) for worker in workers] == [0] * 8
    assert (tmp_path / "x").read_text() == "140\n"
