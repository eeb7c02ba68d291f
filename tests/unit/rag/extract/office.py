"""Office documents, books and PDF, made by hand: as small as their formats allow."""

import io
import zipfile
from collections.abc import Iterable, Mapping

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "urn:oasis:names:tc:opendocument:xmlns"
NAMES = " ".join(
    f'xmlns:{short}="{OFFICE}:{name}:1.0"'
    for short, name in {
        "office": "office",
        "text": "text",
        "table": "table",
        "draw": "drawing",
        "presentation": "presentation",
    }.items()
)
TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def archive(members: Mapping[str, str | bytes], *, is_packed: bool = True) -> bytes:
    """A zip archive of the members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED, compresslevel=1) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return made.getvalue()


def relations(targets: Mapping[str, tuple[str, str]]) -> str:
    """The part with relations: kind and target by identifier."""
    rows = "".join(f'<Relationship Id="{i}" Type="{TYPES}/{k}" Target="{t}"/>' for i, (k, t) in targets.items())
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{rows}</Relationships>'


def paragraph(text: str, style: str = "", extra: str = "") -> str:
    """A paragraph of a text document; `extra` are further runs."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{text}</w:t></w:r>{extra}</w:p>'


STYLES = f"""<w:styles {W}>
<w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Own"><w:name w:val="Mine"/><w:basedOn w:val="H2"/></w:style>
<w:style w:type="paragraph" w:styleId="Toc"><w:name w:val="toc 1"/></w:style>
<w:style w:type="paragraph" w:styleId="L"><w:name w:val="List"/>
<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>
</w:styles>"""


def docx(body: str, more: Mapping[str, str | bytes] | None = None, kinds: Mapping[str, str] | None = None) -> bytes:
    """A text document with `body`, and `more` members that it refers to as the `kinds`."""
    targets = {f"r{n}": (kind, member) for n, (member, kind) in enumerate((kinds or {}).items(), 2)}
    return archive(
        {
            "_rels/.rels": relations({"r1": ("officeDocument", "word/document.xml")}),
            "word/document.xml": f"<w:document {W} {R}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": relations({"r1": ("styles", "styles.xml"), **targets}),
            "word/styles.xml": STYLES,
            **(more or {}),
        }
    )


def shape(text: str, kind: str = "") -> str:
    """A box of a slide, with a line for each line."""
    lines = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in text.split("\n"))
    mark = f'<p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>' if kind else ""
    return f"<p:sp>{mark}<p:txBody>{lines}</p:txBody></p:sp>"


def pptx(
    slides: Iterable[str], notes: Mapping[int, str] | None = None, charts: Mapping[int, str] | None = None
) -> bytes:
    """A presentation of slides with these shapes, and notes or a chart by the number of the slide."""
    slides = list(slides)
    members = {"_rels/.rels": relations({"r1": ("officeDocument", "ppt/presentation.xml")})}
    ids = "".join(f'<p:sldId id="{255 + n}" r:id="s{n}"/>' for n in range(1, len(slides) + 1))
    members["ppt/presentation.xml"] = f"<p:presentation {P} {R}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>"
    # The files are numbered backwards: the order is that of the list.
    names = {n: f"slide{len(slides) - n + 1}.xml" for n in range(1, len(slides) + 1)}
    members["ppt/_rels/presentation.xml.rels"] = relations({f"s{n}": ("slide", f"slides/{names[n]}") for n in names})
    for n, shapes in enumerate(slides, 1):
        members[f"ppt/slides/{names[n]}"] = f"<p:sld {P} {A}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
        if notes and n in notes:
            members[f"ppt/slides/_rels/{names[n]}.rels"] = relations({"n": ("notesSlide", f"../notes/n{n}.xml")})
            members[f"ppt/notes/n{n}.xml"] = f"<p:notes {P} {A}>{notes[n]}</p:notes>"
        if charts and n in charts:
            members[f"ppt/slides/_rels/{names[n]}.rels"] = relations({"c": ("chart", f"../charts/chart{n}.xml")})
            members[f"ppt/charts/chart{n}.xml"] = f'<c:chartSpace xmlns:c="urn:c" {A}>{charts[n]}</c:chartSpace>'
    return archive(members)


def xlsx(sheets: Mapping[str, str], strings: Iterable[str] = (), states: Mapping[str, str] | None = None) -> bytes:
    """A workbook of sheets with these rows (as XML), and shared strings."""
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="s{n}" state="{(states or {}).get(name, "visible")}"/>'
        for n, name in enumerate(sheets, 1)
    )
    targets = {f"s{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)}
    texts = "".join(f"<si><t>{text}</t></si>" for text in strings)
    members = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": relations({"r1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": f"<workbook {S} {R}><sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations({**targets, "t": ("sharedStrings", "sharedStrings.xml")}),
        "xl/sharedStrings.xml": f"<sst {S}>{texts}</sst>",
    }
    for n, rows in enumerate(sheets.values(), 1):
        members[f"xl/worksheets/sheet{n}.xml"] = f"<worksheet {S}>{rows}</worksheet>"
    return archive(members)


def cells(number: int, *values: str | float) -> str:
    """A row of a sheet."""
    made = "".join(
        f'<c r="{chr(65 + column)}{number}" t="inlineStr"><is><t>{value}</t></is></c>'
        if isinstance(value, str)
        else f'<c r="{chr(65 + column)}{number}"><v>{value}</v></c>'
        for column, value in enumerate(values)
        if value != ""
    )
    return f'<row r="{number}">{made}</row>'


def odf(body: str, kind: str = "text", more: Mapping[str, str | bytes] | None = None) -> bytes:
    """A document of LibreOffice."""
    inside = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    content = f"<office:document-content {NAMES}>{inside}</office:document-content>"
    manifest = "<manifest:manifest xmlns:manifest='urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'/>"
    mimetype = "application/vnd.oasis.opendocument." + kind
    return archive({"mimetype": mimetype, "META-INF/manifest.xml": manifest, "content.xml": content, **(more or {})})


def epub(chapters: Mapping[str, str], title: str = "A Book", spine: Iterable[str] | None = None) -> bytes:
    """A book of pages by their file names; `spine` is the order of reading."""
    items = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in chapters)
    order = "".join(f'<itemref idref="{name}"/>' for name in (spine if spine is not None else chapters))
    package = (
        f'<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        f"<dc:title>{title}</dc:title></metadata><manifest>{items}</manifest><spine>{order}</spine></package>"
    )
    container = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
    return archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "OPS/book.opf": package,
            **{f"OPS/{name}": page for name, page in chapters.items()},
        }
    )


def pdf(pages: Iterable[str | bytes], more: Iterable[bytes] = (), catalog: str = "", trailer: str = "") -> bytes:
    """A PDF of pages with these content streams, and `more` objects from number 100 on."""
    pages = list(pages)
    kids = " ".join(f"{10 + 2 * n} 0 R" for n in range(len(pages)))
    objects = {
        1: f"<</Type/Catalog/Pages 2 0 R{catalog}>>".encode(),
        2: f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>".encode(),
        3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    }
    for n, page in enumerate(pages):
        content = page.encode("cp1252") if isinstance(page, str) else page
        resources = f"/Resources<</Font<</F 3 0 R>>>>/Contents {11 + 2 * n} 0 R"
        objects[10 + 2 * n] = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]{resources}>>".encode()
        objects[11 + 2 * n] = stream(content)
    objects.update(enumerate(more, 1_000_000))
    return assemble(objects, trailer)


def stream(content: bytes, keys: str = "") -> bytes:
    """A stream object."""
    return f"<</Length {len(content)}{keys}>>\nstream\n".encode() + content + b"\nendstream"


def assemble(objects: Mapping[int, bytes], trailer: str = "") -> bytes:
    """A PDF of these objects, the first the catalog."""
    made = b"%PDF-1.7\n"
    table = ["0 1\n0000000000 65535 f \n"]
    for number, content in objects.items():
        table.append(f"{number} 1\n{len(made):010d} 00000 n \n")
        made += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    start = len(made)
    size = max(objects) + 1
    return (
        made
        + f"xref\n{''.join(table)}trailer\n<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{start}\n%%EOF".encode()
    )


def lines(*texts: str) -> str:
    """The content stream of a page with these lines from the top down."""
    shown = "".join(f"1 0 0 1 72 {720 - 20 * n} Tm ({text}) Tj " for n, text in enumerate(texts))
    return f"BT /F 12 Tf {shown}ET"
