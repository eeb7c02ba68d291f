"""Each bomb is contained, named with a reason, and the next file is read."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ally.rag.chunking.limits import ChunkLimits
from ally.rag.extract.limits import ReadLimits
from ally.rag.extract.reading import Reader
from tests.unit.rag.extract import bombs
from tests.unit.rag.extract.office import docx, odf, paragraph, pdf, pptx, shape, xlsx

SMALL = ReadLimits(cpu_s=2, most_cpu_s=2, wall_factor=20, memory_bytes=70_000_000, processes=1)
GIVEN_UP = "is too large or damaged: reading it was given up at 70 MB"
TOO_LARGE = "unpacks to more than 20 MB"
ENTITY = "is not safe to read: it declares the entity"
GOOD = {"good.docx": docx(paragraph("Words.")), "good.pdf": pdf(["BT /F 9 Tf (Words.) Tj ET"])}


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(ChunkLimits(), SMALL) as one:
        yield one


def problem_of(reader: Reader, folder: Path, name: str, content: bytes) -> str:
    paths: list[str] = []
    for file_name, data in ((name, content), *GOOD.items()):
        (folder / file_name).write_bytes(data)
        paths.append(str(folder / file_name))
    hostile, *good = reader.read(paths)
    assert [one.document.text for one in good if one.document] == ["Words.\n", "Words.\n"]
    return hostile.state.problem


@pytest.mark.parametrize(
    ("name", "make", "problem"),
    [
        ("pages.pdf", bombs.pdf_page_again_and_again, "holds no text"),
        ("count.pdf", bombs.pdf_counts_pages_it_has_not, ""),
        ("tree.pdf", bombs.pdf_tree_in_a_circle, "is damaged: none of its pages can be read"),
        ("xref.pdf", bombs.pdf_table_in_a_circle, ""),
        ("form.pdf", bombs.pdf_object_in_itself, "holds no text"),
        ("marks.pdf", bombs.pdf_bookmarks_in_a_circle, ""),
        ("large.docx", bombs.docx_large, TOO_LARGE),
        ("text.docx", bombs.docx_one_text, TOO_LARGE),
        ("blank.docx", bombs.docx_blank, TOO_LARGE),
        ("elements.docx", bombs.docx_empty_elements, "holds no text"),
        ("deep.docx", bombs.docx_deep, "is nested too deeply"),
        ("tables.docx", bombs.docx_deep_within_limits, ""),
        ("quadratic.docx", bombs.docx_quadratic, ENTITY),
        ("laughs.docx", bombs.docx_laughs, ENTITY),
        ("files.docx", bombs.docx_reads_files, ENTITY),
        ("styles.docx", bombs.docx_styles_in_a_circle, ""),
        ("members.docx", bombs.docx_many_members, "is an archive of more than 20,000 files"),
        ("nested.docx", bombs.docx_in_docx, ""),
        ("overlap.docx", bombs.docx_members_over_each_other, "is damaged: "),
        ("lies.docx", bombs.docx_lies_about_its_size, "is damaged: "),
        ("names.docx", bombs.docx_with_odd_names, ""),
        ("laughs.odt", bombs.odt_laughs, ENTITY),
        ("blanks.odt", bombs.odt_repeats, ""),
        ("spans.odt", bombs.odt_deep_spans, ""),
        ("repeats.ods", bombs.ods_repeats, "is damaged: "),
        ("dimension.xlsx", bombs.xlsx_dimension, ""),
        ("corner.xlsx", bombs.xlsx_far_corner, "holds no text: the sheet A is too large: it reaches to XFD1048576"),
        ("laughs.xlsx", bombs.xlsx_laughs, "is damaged: "),
        ("groups.pptx", bombs.pptx_groups, "is nested too deeply"),
        ("slides.pptx", bombs.pptx_slide_again_and_again, ""),
        ("spine.epub", bombs.epub_spine, ""),
        ("itself.epub", bombs.epub_chapter_of_itself, "holds no text"),
        ("chapters.epub", bombs.epub_large_chapters, TOO_LARGE),
    ],
)
def test_a_bomb_is_contained_and_the_next_files_are_read(
    reader: Reader, tmp_path: Path, name: str, make: Callable[[], bytes], problem: str | tuple[str, ...]
):
    found = problem_of(reader, tmp_path, name, make())
    assert found.startswith(problem) if problem else not found


EATERS = {
    "flate.pdf": bombs.pdf_flate,
    "double.pdf": bombs.pdf_double_flate,
    "arrays.pdf": bombs.pdf_deep_arrays,
    "strings.xlsx": bombs.xlsx_shared_strings,
    "string.xlsx": bombs.xlsx_one_string_everywhere,
}
"""They end the process that reads them."""


def test_what_eats_all_memory_is_named_and_the_next_files_are_read(reader: Reader, tmp_path: Path):
    paths = [str(tmp_path / name) for name in EATERS]
    for path, make in zip(paths, EATERS.values(), strict=True):
        Path(path).write_bytes(make())
    found = [one.state.problem for one in reader.read(paths)]
    assert found == [GIVEN_UP] * len(paths)
    assert problem_of(reader, tmp_path, "next.docx", GOOD["good.docx"]) == ""


SUFFIXES = ["pdf", "docx", "pptx", "xlsx", "xls", "xlsb", "ods", "odt", "odp", "epub", "doc"]
STARTS = {"pdf": b"%PDF-1.7\n", "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_random_bytes_are_named(reader: Reader, tmp_path: Path, suffix: str):
    content = bombs.random_bytes(STARTS.get(suffix, b"PK\x03\x04"))
    assert problem_of(reader, tmp_path, f"a.{suffix}", content)
    assert problem_of(reader, tmp_path, f"b.{suffix}", content[8:])


WHOLE = {
    "pdf": pdf(["BT /F 9 Tf (Some words.) Tj ET"] * 3),
    "docx": docx("".join(paragraph(f"Paragraph {n}.", "H1") for n in range(50))),
    "pptx": pptx([shape("Words")] * 5),
    "xlsx": xlsx({"A": "<sheetData/>"}, ["a", "b"]),
    "odt": odf("<text:p>Words.</text:p>" * 50),
}


@pytest.mark.parametrize("suffix", WHOLE)
def test_cut_files_and_those_of_another_format_are_read_or_named(reader: Reader, tmp_path: Path, suffix: str):
    whole = WHOLE[suffix]
    paths: list[str] = []
    for number in range(12):
        cut = tmp_path / f"{number}.{suffix}"
        cut.write_bytes(whole[: len(whole) * number // 12 + 1])
        paths.append(str(cut))
    for other, content in WHOLE.items():
        mixed = tmp_path / f"{other}.{suffix}"
        mixed.write_bytes(content)
        paths.append(str(mixed))
    found = list(reader.read(paths))
    assert len(found) == len(paths)
    assert all(bool(one.state.problem) == (one.document is None) for one in found)
    assert all(one.state.problem for one in found[:10])
