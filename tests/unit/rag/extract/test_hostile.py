"""Files that were made, or happened, to break who reads them."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ally.errors import ExtractionError
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.extract.limits import ReadLimits
from ally.rag.extract.reading import Reader
from tests.unit.rag.extract.extracting import extract

SMALL = ReadLimits(cpu_s=1, most_cpu_s=1, wall_factor=20, memory_bytes=80_000_000, text_chars=2_000_000, processes=1)
NESTED = "it is nested too deeply, and what comes after that was left out"
GOOD = ("good.md", "# Good\n\nwords\n")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(ChunkLimits(), SMALL) as one:
        yield one


def problem_of(reader: Reader, folder: Path, name: str, content: bytes | str) -> str:
    """What is said of the file; the one after it must be read whatever happened."""
    paths: list[str] = []
    for file_name, data in ((name, content), GOOD):
        (folder / file_name).write_bytes(data if isinstance(data, bytes) else data.encode())
        paths.append(str(folder / file_name))
    hostile, good = reader.read(paths)
    assert good.document is not None
    assert (hostile.document is None) == bool(hostile.state.problem)
    return hostile.state.problem


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.md", b"0" * 1_000_000)
    return buffer.getvalue()


def nested_mail(depth: int) -> str:
    levels = (f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth))
    return "Subject: x\n" + "".join(levels)


def many_attributes() -> bytes:
    """The parser compares each with all before it."""
    return b"<p " + b" ".join(b"a%d=1" % number for number in range(90_000)) + b">words"


def laughing() -> str:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE a [<!ENTITY e0 "ha">{entities}]><a>&e11;</a>'


@pytest.mark.parametrize(
    ("name", "make", "problem"),
    [
        ("line.txt", lambda: b"word " * 600_000, "holds more than 2,000,000 characters"),
        ("zeros.txt", lambda: b"\0" * 1_000_000, "is binary"),
        ("zip.md", zipped, "is binary"),
        ("zip.html", zipped, "is binary"),
        ("tags.html", lambda: b"<div>" * 1_000_000 + b"deep", f"holds no text: {NESTED}"),
        ("flat.html", lambda: b"<p>x" * 500_000, "needs more than 80 MB"),
        ("attributes.html", many_attributes, "took longer than 1 s"),
        ("deep.ipynb", lambda: b"[" * 1_000_000, "is nested too deeply"),
        ("nested.eml", lambda: nested_mail(3_000), "is nested too deeply"),
        ("forwarded.eml", lambda: "Content-Type: message/rfc822\n\n" * 3_000, "is nested too deeply"),
        ("blank.md", lambda: b"\n" * 200_000, "holds no text"),
        ("laughs.xml", laughing, ""),
        ("laughs.html", laughing, ""),
        ("deep.json", lambda: b"[" * 200_000, ""),
        ("row.csv", lambda: 'a,b\n"' + "x" * 1_000_000 + '",1\n', ""),
        ("columns.csv", lambda: b"," * 200_000, ""),
        ("many.mbox", lambda: b"From a\n" * 200_000 + b"Subject: x\n\nwords\n", "holds no message"),
        ("words.eml", lambda: b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\n\nwords\n", ""),
        ("brackets.md", lambda: (b"# " + b"[" * 1_900 + b"\n") * 100, ""),
        ("stars.md", lambda: (b"# " + b"*_`" * 600 + b"\n") * 100, ""),
        ("angles.md", lambda: (b"# " + b"<a" * 900 + b"\n") * 100, ""),
        ("ticks.rst", lambda: (b"`" * 490 + b"\n" + b"=" * 490 + b"\n\n") * 100, ""),
        ("braces.tex", lambda: b"\\section{" * 50_000, ""),
        ("blocks.py", lambda: b"(" * 100_000, ""),
    ],
)
def test_a_hostile_file_is_named_or_read_and_the_next_one_is_read(
    reader: Reader, tmp_path: Path, name: str, make: Callable[[], bytes | str], problem: str
):
    assert problem_of(reader, tmp_path, name, make()) == problem


def test_a_file_of_200_mb_is_not_even_read(reader: Reader, tmp_path: Path):
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(200_000_000)
    (found,) = reader.read([str(tmp_path / "huge.txt")])
    assert (found.state.problem, found.state.size) == ("is larger than 50 MB", 200_000_000)


TOKENS = {
    "a.md": "# |## x|\n|===\n|---\n|```|~~~\n|> |- |    |[a](b)|`|**|{#i}|title: x|é",
    "a.rst": "=|====\n|----\n|~|Title|\n| |:x:`y`|``|`a <b>`_|::\n|é",
    "a.html": (
        "<p>|</p>|<table>|<tr>|<td>|</table>|<h1>|</h1>|<pre>\n|</pre>|<ul>|<li>|</ul>|<div style='display:none'>"
        "|</div>|<main>|<!--|-->|&lt;|words| |\n|<dt class=sig>|<br>|é"
    ),
    "a.csv": ',|;|"|\n|a|1|\t|é',
    "a.ipynb": '{"cells":[|]}|{|}|"cell_type":|"markdown"|"source":|["# a"]|,|null|"outputs":[|1',
    "a.mbox": (
        "From a\n|Subject: |Content-Type: multipart/mixed; boundary=b\n|\n|--b\n|--b--|x|=?utf-8?q?=C3?=|é"
        "|Content-Transfer-Encoding: base64\n|Content-Type: text/html; charset=utf-7\n|<p>|From: |Date: "
    ),
    "a.org": "* |** TODO |\n|a|:t:",
    "a.tex": "\\section{|}|\\part*[x]{a}|\n| ",
}


@pytest.mark.parametrize("name", TOKENS)
def test_no_text_breaks_its_format(name: str):
    @settings(max_examples=60, deadline=None, database=None)
    @given(st.lists(st.sampled_from(TOKENS[name].split("|")), max_size=40).map("".join))
    def never(text: str) -> None:
        read_if_it_can_be(name, text.encode())

    never()


@pytest.mark.parametrize("name", [*TOKENS, "a.txt", "a.json", "a.py", "a.eml", "a.unknown"])
def test_no_bytes_break_a_format(name: str):
    @settings(max_examples=40, deadline=None, database=None)
    @given(st.binary(max_size=200))
    @example(b"")
    @example(b"\xff\xfe")
    @example(b"\xef\xbb\xbf")
    @example(b"\r")
    def never(data: bytes) -> None:
        read_if_it_can_be(name, data)

    never()


def read_if_it_can_be(name: str, data: bytes) -> None:
    try:
        extract(name, data)
    except ExtractionError as exc:
        assert exc.message
