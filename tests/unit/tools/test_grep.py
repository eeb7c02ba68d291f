"""The same cases over ripgrep and over our own engine: what a model sees must not depend on the machine."""

import asyncio
import os
import shutil
import time
from pathlib import Path

import pytest

from ally.errors import ToolArguments, ToolError
from ally.tools.builtin.grep import MAX_LINES, GrepTool
from ally.tools.dialect import to_python
from ally.tools.engines import find_ripgrep
from tests.unit.tools.bench import call, make_bench, write

needs_ripgrep = pytest.mark.skipif(shutil.which("rg") is None, reason="ripgrep is not installed; our own engine runs")


@pytest.fixture(params=[pytest.param("ripgrep", marks=needs_ripgrep), "own"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "own":
        monkeypatch.setenv("PATH", "/nonexistent")
    return request.param


async def grep(root: Path, pattern: str, **args: object) -> str:
    return (await call(GrepTool(make_bench(root)), pattern=pattern, **args)).for_model


TEXT = "first\nneedle one\nthird\nfourth\nfifth\nNeedle two\nneedle three\nlast"


async def test_lines_by_file_in_the_order_of_paths(engine: str, tmp_path: Path):
    write(tmp_path, b_dot_txt=TEXT, a__c_dot_py="no\nneedle\n", _dot_hidden="a needle")
    assert await grep(tmp_path, "needle") == (
        ".hidden\n1: a needle\na/c.py\n2: needle\nb.txt\n2: needle one\n7: needle three"
    )


async def test_switches(engine: str, tmp_path: Path):
    write(tmp_path, b_dot_txt=TEXT, a__c_dot_py="NEEDLE\n", d_dot_md="x")
    assert await grep(tmp_path, "^needle", ignore_case=True, glob="*.py") == "a/c.py\n1: NEEDLE"
    assert await grep(tmp_path, "needle", ignore_case=True, files_only=True) == "a/c.py\nb.txt"
    assert await grep(tmp_path, "needle", path="b.txt") == "b.txt\n2: needle one\n7: needle three"
    assert await grep(tmp_path, "N", path="a", glob="**/*.py") == "a/c.py\n1: NEEDLE"
    assert await grep(tmp_path, "nothing like it") == "[no match in 3 files]"


async def test_the_user_is_told_how_much_was_found(tmp_path: Path):
    write(tmp_path, b_dot_txt=TEXT, c_dot_txt="needle")
    tool = GrepTool(make_bench(tmp_path))
    assert (await call(tool, pattern="first")).for_user == "1 match in 1 file"
    assert (await call(tool, pattern="needle")).for_user == "3 matches in 2 files"


async def test_context_is_marked_and_gaps_are_shown(engine: str, tmp_path: Path):
    write(tmp_path, b=TEXT)
    assert await grep(tmp_path, "needle (one|three)", context=1) == (
        "b\n1- first\n2: needle one\n3- third\n--\n6- Needle two\n7: needle three\n8- last"
    )


async def test_encodings_line_ends_and_odd_bytes(engine: str, tmp_path: Path):
    write(
        tmp_path,
        a_bom=b"\xef\xbb\xbfneedle bom",
        b_crlf=b"x\r\nneedle crlf\r\n",
        c_latin="needle caf\xe9".encode("latin-1"),
        d_utf16="zeile\nneedle ü\n".encode("utf-16"),
        e_utf16be=b"\xfe\xff" + "needle be".encode("utf-16-be"),
        f_wide="日本 needle 語\n",
        g_escape="needle \x1b[31mred\x07",
    )
    assert await grep(tmp_path, "needle") == (
        "a_bom\n1: needle bom\nb_crlf\n2: needle crlf\nc_latin\n1: needle caf\ufffd\nd_utf16\n2: needle ü\n"
        "e_utf16be\n1: needle be\nf_wide\n1: 日本 needle 語\ng_escape\n1: needle red\u2407"
    )
    assert await grep(tmp_path, "^needle crlf$") == "b_crlf\n2: needle crlf"
    assert await grep(tmp_path, r"^\w\w needle \w$") == "f_wide\n1: 日本 needle 語"


async def test_binary_files_links_pipes_and_git_are_left_out(engine: str, tmp_path: Path):
    root = tmp_path / "root"
    write(root, binary=b"needle\n\0\1\2", _dot_git__config="needle", text="needle")
    write(tmp_path, outside="needle secret")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "away").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    assert await grep(root, "needle") == "text\n1: needle"


async def test_ignored_files_only_when_asked_for(engine: str, tmp_path: Path):
    write(tmp_path, _dot_gitignore="*.log\n/out/\n", a_dot_log="needle", out__x="needle", b="needle")
    assert await grep(tmp_path, "needle") == "b\n1: needle"
    assert await grep(tmp_path, "needle", glob="*.log") == "[no match in 0 files]"
    assert await grep(tmp_path, "needle", ignored=True, files_only=True) == "a.log\nb\nout/x"


async def test_hidden_files_are_not_read_and_are_named_whatever_they_hold(engine: str, tmp_path: Path):
    write(tmp_path, _dot_env="API_KEY=sk-1", sub___dot_env="nothing", b="API_KEY=here")
    bench = make_bench(tmp_path, hidden=lambda path: "holds keys" if path.name == ".env" else "")
    for pattern in ("API_KEY", "sk-1"):
        said = (await call(GrepTool(bench), pattern=pattern)).for_model
        assert "sk-1" not in said
        assert "[not searched: .env (holds keys), sub/.env (holds keys)]" in said


async def test_a_hidden_file_that_was_allowed_by_its_name_is_searched(engine: str, tmp_path: Path):
    write(tmp_path, _dot_env="API_KEY=sk-1")
    bench = make_bench(tmp_path, hidden=lambda path: "holds keys")
    assert (await call(GrepTool(bench), pattern="KEY", path=".env")).for_model == ".env\n1: API_KEY=sk-1"


async def test_names_that_could_deceive(engine: str, tmp_path: Path):
    names = ["-e", "a:1:b", "new\nline", os.fsdecode(b"no\xffutf8"), "it's; $(x)"]
    for name in names:
        (tmp_path / name).write_text("needle")
    lines = (await grep(tmp_path, "needle")).splitlines()
    assert lines[1::2] == ["1: needle"] * len(names)
    assert set(lines[::2]) == {"-e", "a:1:b", "new\\nline", "no\\xffutf8", "it's; $(x)"}


async def test_many_matches_and_long_lines_are_bounded(engine: str, tmp_path: Path):
    write(tmp_path, many="needle\n" * 5000, wide="é" * 5000 + "needle" + "x" * 5_000_000)
    many = await grep(tmp_path, "needle", path="many")
    assert len(many.splitlines()) == MAX_LINES + 1
    assert many.endswith("[there is more: narrow the pattern, path or glob]")
    wide = await grep(tmp_path, "needle", path="wide")
    assert wide == f"wide\n1: {'é' * 300}…"


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (r"(?P<q>['\"])x", "say 'x"),
        (r"(?<q>a)b", "ab"),
        (r"[[:digit:]]{2}", "n42"),
        (r"[^[:space:]\]]\]$", "a]"),
        (r"\x{41}\u{42}", "AB"),
        (r"\d+(?:px|em)\b", "12px"),
        (r"(?i)STRASSE", "strasse"),
        (r"a\.b\(\)", "a.b()"),
        (r"^\s*$", "   "),
        (r"(a|b)\1", "bb"),
        (r"foo(?=bar)", "foobar"),
        (r"(?<!x)y", "zy"),
        (r"fn main() {", "fn main() {"),
        (r"interface\{", "interface{}"),
        (r"\<word\>", "a word b"),
        ("é|日", "日"),
    ],
)
async def test_one_dialect_for_both_engines(engine: str, tmp_path: Path, pattern: str, line: str):
    write(tmp_path, f=f"{line}\n#\n")
    if pattern == r"fn main() {":
        line = ""  # empty parentheses are a group
    found = await grep(tmp_path, pattern)
    assert found == (f"f\n1: {line}".rstrip() if line else "[no match in 1 files]")


@pytest.mark.parametrize(("pattern", "said"), [("(", "regular expression"), ("", "empty"), ("a\\nb", "spans lines")])
async def test_patterns_without_sense_are_refused(engine: str, tmp_path: Path, pattern: str, said: str):
    with pytest.raises(ToolArguments, match=said):
        await grep(tmp_path, pattern)


@pytest.mark.parametrize("pattern", [r"\p{Greek}", "[a-z&&[^b]]", r"[\p{L}]", "[[:nonsense:]]"])
def test_what_only_ripgrep_understands_is_said_clearly(pattern: str):
    with pytest.raises(ValueError, match=r"ripgrep|no class"):
        to_python(pattern)


async def test_a_folder_that_is_not_there(engine: str, tmp_path: Path):
    with pytest.raises(ToolError, match="does not exist"):
        await grep(tmp_path, "x", path="nowhere")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
async def test_files_that_cannot_be_read_are_counted(engine: str, tmp_path: Path):
    write(tmp_path, a="needle", b="needle", c__d="needle")
    (tmp_path / "b").chmod(0)
    (tmp_path / "c").chmod(0)
    said = await grep(tmp_path, "needle")
    (tmp_path / "c").chmod(0o700)
    assert said == "a\n1: needle\n[2 could not be read]"


async def test_an_expression_that_takes_for_ever_ends_at_once_when_cancelled(engine: str, tmp_path: Path):
    write(tmp_path, f="x" * 5000)
    task = asyncio.create_task(grep(tmp_path, r"(x+x+)+y(?=z)"))
    await asyncio.sleep(0.3)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _searching()


async def test_an_expression_that_takes_for_ever_has_a_time_limit(tmp_path: Path):
    write(tmp_path, f="x" * 5000)
    tool = GrepTool(make_bench(tmp_path), max_seconds=0.5)
    assert "stopped after 0.5 s" in (await call(tool, pattern=r"(x+x+)+y(?=z)")).for_model


def test_ripgrep_is_never_taken_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    write(root, bin__rg="#!/bin/sh\n")
    (root / "bin" / "rg").chmod(0o755)
    elsewhere.mkdir()
    (elsewhere / "rg").symlink_to(root / "bin" / "rg")
    monkeypatch.setenv("PATH", f"{root}/bin:bin:.:{elsewhere}")
    monkeypatch.chdir(root)
    assert find_ripgrep(root) == ""
    (elsewhere / "rg").unlink()
    shutil.copy(root / "bin" / "rg", elsewhere / "rg")
    assert find_ripgrep(root) == str(elsewhere / "rg")


@needs_ripgrep
async def test_no_configuration_of_ripgrep_is_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, f="needle", rc="--invert-match\n--pre=/bin/false\n")
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(tmp_path / "rc"))
    assert await grep(tmp_path, "needle", glob="f") == "f\n1: needle"


def _searching() -> list[str]:
    """Our engines that still run, looked at for up to a second."""
    until = time.monotonic() + 1
    while True:
        found: list[str] = []
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = line.read_bytes()
            except OSError:
                continue
            if b"line_search.py" in words and f"{os.getpid()}\n" in _parent(line):
                found.append(words.decode())
        if not found or time.monotonic() > until:
            return found


def _parent(line: Path) -> str:
    try:
        status = line.with_name("status").read_text()
    except OSError:
        return ""
    return next(row.split()[1] + "\n" for row in status.splitlines() if row.startswith("PPid"))
