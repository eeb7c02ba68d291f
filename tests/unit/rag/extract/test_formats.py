import codecs
import json

import pytest

from ally.errors import ExtractionError
from ally.rag.extract.languages import language_of
from tests.unit.rag.extract.extracting import extract, numbered, outline


@pytest.mark.parametrize(
    "data",
    [
        "Größe 5 €\nzwei".encode(),
        codecs.BOM_UTF8 + "Größe 5 €\nzwei\n".encode(),
        codecs.BOM_UTF16_LE + "Größe 5 €\r\nzwei".encode("utf-16-le"),
        codecs.BOM_UTF32_BE + "Größe 5 €\nzwei".encode("utf-32-be"),
        "Größe 5 €\nzwei\n".encode("utf-16-le"),
        "Größe 5 €\r\nzwei".encode("cp1252"),
        "Größe 5 €\rzwei".encode("cp1252"),
    ],
)
def test_text_of_any_encoding_has_the_lines_of_its_file(data: bytes):
    assert extract("a.txt", data).text == "Größe 5 €\nzwei\n"


def test_zeros_and_halves_of_characters_never_get_into_a_text():
    assert extract("a.txt", codecs.BOM_UTF16_LE + "a\0b".encode("utf-16-le")).text == "a\ufffdb\n"
    assert extract("a.txt", b"caf\xc3\xa9 \xc3\xa9t\xc3\xa9 \xff").text == "café été \ufffd\n"


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.py", "a.html", "a.csv", "a.json", "a.rst", "a.ipynb", "a"])
def test_binary_content_is_refused_whatever_the_name(name: str):
    with pytest.raises(ExtractionError, match="is binary"):
        extract(name, b"PK\x03\x04" + bytes(range(256)) * 20)


def test_headings_of_markdown():
    text = """\
---
title: "The  guide"
# not a heading
---
Intro
=====

# One #
## Two `code` and [a link](http://x.example/) {#id}

    # code

```sh
# comment
```
~~~~
## in a fence
~~~
still in it
~~~~
> # quoted

- item
---
#hashtag

Two lines
of it
-----
###
| a | b |
|---|---|
Last **bold** _word_ snake_case
===
"""
    document = extract("a.md", text)
    assert document.title == "The guide"
    assert outline(document) == [
        (1, "Intro"),
        (1, "One"),
        (2, "Two code and a link"),
        (2, "Two lines of it"),
    ]
    assert [document.text[one.start :].split("\n")[0] for one in document.headings] == [
        "Intro",
        "# One #",
        "## Two `code` and [a link](http://x.example/) {#id}",
        "Two lines",
    ]


def test_headings_of_restructured_text_have_the_levels_in_which_their_signs_come():
    text = """\
=====
Title
=====

:mod:`json` --- ``things`` and `links <http://x.example>`_
----------------------------------------------------------

Deep
~~~~

Back here
---------
=====  =====
a      b
=====  =====
too long for it
~~~

----------

::

    Not
    ~~~~
"""
    assert outline(extract("intro.rst.txt", text)) == [
        (1, "Title"),
        (2, "json --- things and links"),
        (3, "Deep"),
        (2, "Back here"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.tex", "\\documentclass{x}\n\\section*{On \\emph{it}}\n  \\subsection[s]{Two}\n", ["On \\emph{it}", "Two"]),
        ("a.org", "* TODO One :tag:\ntext\n** Two\n*bold*\n", ["One", "Two"]),
        ("a.adoc", "= One\n== Two\n====\nblock\n====\n", ["One", "Two"]),
        ("a.txt", "* one\n= two\n# three\n", []),
    ],
)
def test_headings_of_other_markup(name: str, text: str, expected: list[str]):
    document = extract(name, text)
    assert [one.text for one in document.headings] == expected
    assert document.text == text


@pytest.mark.parametrize(
    ("name", "head", "language"),
    [
        ("a.py", "", "python"),
        ("A.PY", "", "python"),
        ("b.tsx", "", "tsx"),
        ("c.h", "", "c"),
        ("Makefile", "", "make"),
        ("Dockerfile", "", "docker"),
        ("CMakeLists.txt", "", "cmake"),
        ("run", "#!/usr/bin/env python3.11\n", "python"),
        ("run", "#! /bin/bash -e\n", "bash"),
        ("run", "#!/usr/bin/env -S node --x\n", "javascript"),
        ("notes", "", ""),
        ("a.txt", "words", ""),
    ],
)
def test_the_language_of_code_is_told_by_name_or_first_line(name: str, head: str, language: str):
    assert language_of(name, head.encode()) == language
    assert extract(name, head + "x\n").format == (f"code:{language}" if language else "text")


@pytest.mark.parametrize(
    ("name", "rows", "header"),
    [
        ("a.csv", "Name,Amount\nRent,1200\n", "Name,Amount"),
        ("a.csv", 'Name;"Amount, EUR"\nRent;1.200,00\n', 'Name;"Amount, EUR"'),
        ("a.tsv", "Name\tAmount\nRent\t12\n", "Name\tAmount"),
        ("a.csv", "1,2\n3,4\n", ""),
        ("a.csv", "a,a\n1,2\n", ""),
        ("a.csv", "just words\nand more\n", ""),
        ("a.csv", "Name,Amount\n", ""),
        ("a.csv", 'Name,"Am\nount"\n1,2\n', ""),
    ],
)
def test_the_names_of_columns_go_with_the_rows(name: str, rows: str, header: str):
    document = extract(name, rows)
    assert (document.text, document.line_numbers) == (rows, None)
    assert [(one.start, one.header) for one in document.parts] == ([(len(header) + 1, header)] if header else [])


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("a.json", "json"),
        ("a.jsonl", "jsonl"),
        ("a.yml", "yaml"),
        ("a.toml", "toml"),
        ("a.xml", "xml"),
        ("x.ini", "ini"),
    ],
)
def test_data_stays_as_it_is(name: str, known: str):
    text = '{"a": [1,\n 2]}\n'
    document = extract(name, text)
    assert (document.text, document.format) == (text, known)


def test_a_notebook_has_a_part_for_each_cell():
    cells = [
        {"cell_type": "markdown", "source": ["\n", "# Sales\n", "Words"]},
        {"cell_type": "code", "source": "", "outputs": []},
        {
            "cell_type": "code",
            "source": "plot()",
            "outputs": [
                {"output_type": "stream", "text": ["done\n"]},
                {"output_type": "display_data", "data": {"image/png": "QUJD", "text/plain": "<Figure>"}},
                {"output_type": "error", "ename": "ValueError", "evalue": "no data"},
                "nonsense",
            ],
        },
        7,
    ]
    document = extract("a.ipynb", json.dumps({"nbformat": 4, "cells": cells}))
    assert document.text == "# Sales\nWords\n\nplot()\n\ndone\n\n<Figure>\n\nValueError: no data\n\n"
    assert (document.title, outline(document), document.line_numbers) == ("Sales", [(1, "Sales")], ())
    assert [(one.label, document.text[one.start :][:4]) for one in document.parts] == [
        ("cell 1", "# Sa"),
        ("cell 2", "plot"),
        ("cell 3", "plot"),
    ]


def test_a_notebook_of_version_3_is_read():
    cell = {"cell_type": "code", "input": ["x = 1\n"], "outputs": [{"output_type": "pyout", "text": "1"}]}
    assert "x = 1" in extract("a.ipynb", json.dumps({"worksheets": [{"cells": [cell]}]})).text


@pytest.mark.parametrize("content", ['{"cells": 5}', '{"cells": [{}]}', "[1]", '"text"'])
def test_what_is_no_notebook_has_no_text(content: str):
    assert extract("a.ipynb", content).text.strip() == ""


def test_a_notebook_that_is_cut_is_named_as_invalid():
    with pytest.raises(ExtractionError, match="is not a valid notebook"):
        extract("a.ipynb", '{"cells": [')


PAGE = "=?utf-8?q?Caf=C3=A9?="
MESSAGE = f"""\
Subject: {PAGE}
 plan
From: Ann <ann@mail.example>
To: Bob
Date: Mon, 1 Jan 2024 10:00:00 +0000
X-Noise: nothing
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

--outer
Content-Type: multipart/alternative; boundary="inner"

--inner
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
--inner
Content-Type: text/html

<p>Page</p>
--inner--
--outer
Content-Type: application/pdf
Content-Disposition: attachment; filename="report.pdf"
Content-Transfer-Encoding: base64

JVBERi0=
--outer--
"""


def test_a_message_has_its_headers_and_its_plain_words():
    document = extract("a.eml", MESSAGE.replace("\n", "\r\n"))
    assert document.text.startswith(
        "Subject: Café plan\nFrom: Ann <ann@mail.example>\nTo: Bob\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\nGrüße\n"
    )
    assert "Page" not in document.text
    assert document.notes == ("attachments were not read: report.pdf",)
    assert (document.title, document.parts) == ("Café plan", ())


def test_a_mailbox_has_a_part_for_each_message():
    page = "Subject: Two\nContent-Type: text/html; charset=nonsense\n\n<p>Page <b>words</b></p>\n"
    plain = "Subject: Three\n\nWords\nFrom here on\n>From quoted\n"
    box = "".join(f"From a@mail.example Mon Jan  1\n{one}\n" for one in (MESSAGE, page, plain))
    document = extract("a.mbox", box)
    assert [(one.label, document.text[one.start :].split("\n")[0]) for one in document.parts] == [
        ("message 1", "Subject: Café plan"),
        ("message 2", "Subject: Two"),
        ("message 3", "Subject: Three"),
    ]
    assert "Page words" in document.text
    assert "Words\nFrom here on\nFrom quoted" in document.text


def test_what_is_no_message_is_named_so():
    with pytest.raises(ExtractionError, match="holds no message"):
        extract("a.eml", "just words\n")


def test_lines_of_a_log_are_those_of_the_file():
    assert numbered(extract("a.log", "one\r\n\r\nthree")) == [(1, "one"), (3, "three")]
