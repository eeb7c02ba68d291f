"""Office documents, books and PDF that were made to break who reads them, for a reader that may use 70 MB."""

import io
import random
import zipfile
import zlib

from tests.unit.rag.extract import office
from tests.unit.rag.extract.office import cells, docx, epub, odf, paragraph, pdf, pptx, shape, xlsx

MEGABYTE = 1 << 20


def flate(content: bytes, times: int = 1) -> tuple[bytes, str]:
    """A stream packed as often, with its keys."""
    for _ in range(times):
        content = zlib.compress(content, 1)
    return content, "/Filter[" + "/FlateDecode" * times + "]"


def pdf_with(content: bytes, keys: str) -> bytes:
    """A PDF of one page whose content has these keys."""
    plain = pdf([office.lines("Words."), "BT ET"])
    return plain.replace(office.stream(b"BT ET"), office.stream(content, keys))


def pdf_double_flate() -> bytes:
    return pdf_with(*flate(b"BT /F 9 Tf (bomb) Tj ET " * (4 * MEGABYTE), 2))


def pdf_flate() -> bytes:
    return pdf_with(*flate(b" " * (90 * MEGABYTE)))


def pdf_page_again_and_again() -> bytes:
    """One page, 5,000 times."""
    kids = b" ".join([b"10 0 R"] * 5_000)
    return office.assemble(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 5000/Kids[" + kids + b"]>>",
            10: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        }
    )


def pdf_counts_pages_it_has_not() -> bytes:
    return pdf([office.lines("Words.")]).replace(b"/Count 1/", b"/Count 2000000000/")


def pdf_tree_in_a_circle() -> bytes:
    return office.assemble(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 9/Kids[4 0 R 2 0 R 4 0 R]>>",
            4: b"<</Type/Pages/Parent 2 0 R/Count 5/Kids[2 0 R 4 0 R]>>",
        }
    )


def pdf_table_in_a_circle() -> bytes:
    plain = pdf([office.lines("Words.")])
    start = plain.index(b"xref\n")
    return plain.replace(b"/Root 1 0 R>>", f"/Root 1 0 R/Prev {start:09d}>>".encode())


def pdf_object_in_itself() -> bytes:
    return pdf(
        ["/X Do"], [office.stream(b"/X Do", "/Type/XObject/Subtype/Form/Resources<</XObject<</X 1000000 0 R>>>>")]
    )


def pdf_deep_arrays() -> bytes:
    return office.assemble({1: b"<</Type/Catalog/Pages 2 0 R/X " + b"[" * 2_000_000 + b">>", 2: b"[" * 100})


def pdf_bookmarks_in_a_circle() -> bytes:
    marks = [b"<</First 1000001 0 R>>", b"<</Title(a)/Dest[10 0 R/Fit]/Next 1000001 0 R/First 1000001 0 R>>"]
    return pdf([office.lines("Words.")], marks, "/Outlines 1000000 0 R")


def docx_large() -> bytes:
    return docx("<w:p/>", {"word/document.xml": _document(paragraph("words" * 20_000) * 210)})


def docx_one_text() -> bytes:
    return docx("<w:p/>", {"word/document.xml": _document(paragraph("x" * (21 * MEGABYTE)))})


def docx_blank() -> bytes:
    return docx("<w:p/>", {"word/document.xml": _document(" " * (21 * MEGABYTE))})


def docx_empty_elements() -> bytes:
    return docx("<w:p/>", {"word/document.xml": _document("<w:p/>" * 50_000)})


def docx_deep() -> bytes:
    return docx("<w:tbl><w:tr><w:tc>" * 100_000)


def docx_deep_within_limits() -> bytes:
    return docx("<w:tbl><w:tr><w:tc>" * 80 + paragraph("deep") + "</w:tc></w:tr></w:tbl>" * 80)


def docx_runs_in_one_paragraph() -> bytes:
    return docx(f"<w:p>{'<w:r><w:t>a</w:t></w:r>' * 1_000_000}</w:p>")


def docx_quadratic() -> bytes:
    """One entity of 100 kB, named 30,000 times."""
    return docx("", {"word/document.xml": _with_entities(f'<!ENTITY a "{"a" * 100_000}">', "&a;" * 30_000)})


def docx_laughs() -> bytes:
    return docx("", {"word/document.xml": _with_entities(_laughs(), "&e9;")})


def docx_reads_files() -> bytes:
    return docx("", {"word/document.xml": _with_entities('<!ENTITY e9 SYSTEM "file:///etc/passwd">', "&e9;")})


def docx_styles_in_a_circle() -> bytes:
    styles = "".join(
        f'<w:style w:styleId="S{n}"><w:name w:val="S"/><w:basedOn w:val="S{(n + 1) % 5_000}"/></w:style>'
        for n in range(5_000)
    )
    body = "".join(paragraph("a", f"S{n}") for n in range(500))
    return docx(body, {"word/styles.xml": f"<w:styles {office.W}>{styles}</w:styles>"})


def docx_many_members() -> bytes:
    plain = office.archive({"word/document.xml": b"<x/>"})
    start, end = plain.index(b"PK\x01\x02"), plain.index(b"PK\x05\x06")
    return plain[:start] + plain[start:end] * 100_000 + plain[end:]


def docx_in_docx() -> bytes:
    inner = docx(paragraph("inner"))
    for _ in range(20):
        inner = docx(paragraph("outer"), {"word/embeddings/inner.docx": inner})
    return inner


def docx_members_over_each_other() -> bytes:
    """A directory whose 15,000 entries all lead to the same 10 MB."""
    plain = office.archive({"word/document.xml": b" " * (10 * MEGABYTE)})
    start = plain.index(b"PK\x01\x02")
    end = plain.index(b"PK\x05\x06")
    entries = plain[start:end] * 15_000
    tail = plain[end : end + 8] + (15_000).to_bytes(2, "little") * 2
    return plain[:start] + entries + tail + len(entries).to_bytes(4, "little") + plain[end + 16 :]


def docx_lies_about_its_size() -> bytes:
    made = docx("", {"word/document.xml": _document("<w:p/>" * 4 * MEGABYTE)})
    size = len(_document("<w:p/>" * 4 * MEGABYTE)).to_bytes(4, "little")
    return made.replace(size, (100).to_bytes(4, "little"))


def docx_with_odd_names() -> bytes:
    odd = [
        "../../outside.txt",
        "/etc/passwd",
        "C:\\windows\\x",
        "con",
        "a" * 60_000,
        "..",
        "word/\0x",
        "word//document.xml",
    ]
    return docx(paragraph("x"), dict.fromkeys(odd, b"x"))


def odt_laughs() -> bytes:
    content = f"<!DOCTYPE x [{_laughs()}]><x {office.NAMES}><office:body><text:p>&e9;</text:p></office:body></x>"
    return odf("", more={"content.xml": content})


def odt_repeats() -> bytes:
    return odf('<text:p>a<text:s text:c="2000000000"/>b</text:p>' * 1_000 + "<text:p>words</text:p>")


def odt_deep_spans() -> bytes:
    return odf("<text:p>" + "<text:span>" * 200 + "deep" + "</text:span>" * 200 + "</text:p>")


def ods_repeats() -> bytes:
    row = (
        '<table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="16384" '
    )
    cell = 'office:value-type="string"><text:p>a</text:p></table:table-cell></table:table-row>'
    return odf(f'<table:table table:name="A">{row}{cell}</table:table>', "spreadsheet")


def xlsx_dimension() -> bytes:
    return xlsx({"A": f'<dimension ref="A1:XFD1048576"/><sheetData>{cells(1, "a")}</sheetData>'})


def xlsx_far_corner() -> bytes:
    corner = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return xlsx({"A": f"<sheetData>{cells(1, 'a', 'b')}{corner}</sheetData>"})


def xlsx_shared_strings() -> bytes:
    return xlsx({"A": f"<sheetData>{cells(1, 'a')}</sheetData>"}, ["x" * 30_000] * 2_700)


def xlsx_one_string_everywhere() -> bytes:
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 2_500))
    return xlsx({"A": f"<sheetData>{rows}</sheetData>"}, ["x" * 32_000])


def xlsx_laughs() -> bytes:
    sheet = f"<!DOCTYPE x [{_laughs()}]><worksheet {office.S}><sheetData>{cells(1, '&e9;')}</sheetData></worksheet>"
    plain = xlsx({"A": f"<sheetData>{cells(1, 'a')}</sheetData>"})
    return _replaced(plain, {"xl/worksheets/sheet1.xml": sheet})


def pptx_groups() -> bytes:
    return pptx(["<p:grpSp>" * 100_000])


def pptx_slide_again_and_again() -> bytes:
    plain = pptx([shape("words")])
    listed = '<p:sldId id="256" r:id="s1"/>' * 20_000
    main = f"<p:presentation {office.P} {office.R}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>"
    return _replaced(plain, {"ppt/presentation.xml": main})


def epub_spine() -> bytes:
    page = "<html><body><p>Words.</p></body></html>"
    return epub({"a.xhtml": page, "b.xhtml": page}, spine=["a.xhtml", "b.xhtml"] * 10_000)


def epub_chapter_of_itself() -> bytes:
    plain = epub({"a.xhtml": "<p>Words.</p>"})
    container = '<container><rootfiles><rootfile full-path="META-INF/container.xml"/></rootfiles></container>'
    return _replaced(plain, {"META-INF/container.xml": container})


def epub_large_chapters() -> bytes:
    return epub({f"{n}.xhtml": f"<p>{'word ' * 200_000}</p>" for n in range(21)})


def random_bytes(start: bytes = b"") -> bytes:
    return start + random.Random(1).randbytes(200_000)


def _document(body: str) -> str:
    return f"<w:document {office.W}><w:body>{body}</w:body></w:document>"


def _with_entities(declared: str, used: str) -> str:
    return f"<!DOCTYPE x [{declared}]>" + _document(paragraph("seen") + paragraph(used))


def _laughs() -> str:
    return '<!ENTITY e0 "ha">' + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))


def _replaced(made: bytes, members: dict[str, str]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        return office.archive({**{name: file.read(name) for name in file.namelist()}, **members})
