"""Source code is cut between functions and classes."""

import pytest

from ally.rag.chunking import chunk
from ally.rag.chunking.languages import GRAMMARS
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.document import Extracted, Passage

LIMITS = ChunkLimits(max_tokens=120, target_tokens=90)
SMALL = ChunkLimits(max_tokens=90, target_tokens=54)

PYTHON = '''"""Reads things."""

import os

# Before the function,
# in two lines.
@cache
async def fetch(url: str) -> str:
    """Get it from over there, and do not give up too early."""
    return await something_with_a_long_name(url)


class Reader(Base):
    """Reads whatever there is to read, as long as there is something."""

    def read(self, size: int) -> bytes:
        """Read it all, or what `size` allows, whichever comes first here."""
        return self.file.read(size)

    def close(self) -> None:
        self.file.close_with_a_name_that_is_rather_long_for_a_method_of_this_kind_but_so_be_it()
'''


def cut(language: str, text: str, limits: ChunkLimits = LIMITS) -> list[Passage]:
    return chunk(Extracted(text, f"code:{language}", "file"), limits)


def find(passages: list[Passage], text: str) -> Passage:
    (found,) = [passage for passage in passages if text in passage.text]
    return found


def test_functions_and_methods_have_their_path():
    passages = cut("python", PYTHON, SMALL)
    assert find(passages, "async def fetch").headings == ("file", "async def fetch")
    assert find(passages, "def read").headings == ("file", "class Reader", "def read")
    assert find(passages, "def close").headings == ("file", "class Reader", "def close")


def test_comments_and_decorators_go_with_their_function():
    assert find(cut("python", PYTHON, SMALL), "async def fetch").text.startswith(
        "# Before the function,\n# in two lines.\n@cache"
    )


def test_small_functions_share_a_passage():
    passages = cut("python", "\n\n".join(f"def f{n}():\n    return {n}\n" for n in range(16)))
    assert len(passages) == 2
    assert {passage.headings for passage in passages} == {("file",)}


def test_large_function_is_cut_between_its_statements():
    body = "".join(f"    if something_{n}:\n        do_this({n})\n        and_that({n})\n" for n in range(30))
    passages = cut("python", f"def large():\n{body}")
    assert len(passages) > 5
    assert all(passage.headings == ("file", "def large") for passage in passages)
    assert all(passage.text.lstrip().startswith(("def large", "if something")) for passage in passages)
    assert all(passage.text.startswith("    if") for passage in passages[1:])


BODY = {
    "c": "/* about it */\nstatic int *name(int a) {\n%s}\n",
    "cpp": "namespace n {\n// about it\ntemplate <class T>\nint Foo<T>::name(int a) {\n%s}\n}\n",
    "csharp": "class Foo {\n  /// about it\n  [Old]\n  public int name(int a) {\n%s}\n}\n",
    "go": "// about it\nfunc (f *Foo) name(a int) {\n%s}\n",
    "java": "class Foo {\n  /** about it */\n  @Old\n  public int name(int a) {\n%s}\n}\n",
    "javascript": "/** about it */\nexport default class Foo {\n  static name(a) {\n%s}\n}\n",
    "php": "<?php\n/** about it */\nfinal class Foo {\n  public function name($a) {\n%s}\n}\n",
    "rust": "/// about it\n#[old]\nimpl<T> Bar for Foo<T> {\n  fn name(a: u8) {\n%s}\n}\n",
    "tsx": "/** about it */\nexport const name = (a: number) => {\n%s}\n",
    "typescript": "namespace n {\n/** about it */\nabstract class Foo<T> { async name(a: T) {\n%s}\n}\n}\n",
}

HEADINGS = {
    "c": ("static int *name",),
    "cpp": ("namespace n", "int Foo<T>::name"),
    "csharp": ("class Foo", "public int name"),
    "go": ("func (f *Foo) name",),
    "java": ("class Foo", "public int name"),
    "javascript": ("class Foo", "static name"),
    "php": ("final class Foo", "public function name"),
    "rust": ("impl<T> Bar for Foo", "fn name"),
    "tsx": ("const name",),
    "typescript": ("namespace n", "abstract class Foo", "async name"),
}


@pytest.mark.parametrize("language", sorted(BODY))
def test_language_names_its_functions(language: str):
    statement = "    $call(1, 2, 3);\n" if language == "php" else "    call(1, 2, 3);\n"
    passages = cut(language, BODY[language] % (statement * 30))
    assert passages[-1].headings == ("file", *HEADINGS[language])
    assert "about it" in passages[0].text
    assert "name(" in passages[0].text or "name =" in passages[0].text


def test_ruby_and_bash_name_their_functions():
    ruby = (
        "module A\n  class Foo < Bar\n    # about it\n    def self.name(a)\n"
        + "      call 1, 2, 3\n" * 30
        + "    end\n  end\nend\n"
    )
    assert cut("ruby", ruby)[2].headings == ("file", "module A", "class Foo", "def self.name")
    bash = "# about it\nfunction name() {\n" + "  call 1 2 3\n" * 30 + "}\n"
    assert cut("bash", bash)[1].headings == ("file", "function name")


def test_unknown_language_is_cut_by_blank_lines():
    text = "".join(f"PARAGRAPH-{n}.\n    MOVE A TO B.\n    DISPLAY 'SOMETHING OR OTHER'.\n\n" for n in range(20))
    passages = cut("cobol", text)
    assert len(passages) > 5
    assert all(passage.text.startswith("PARAGRAPH") for passage in passages)


HOSTILE = [
    "(",
    "[{",
    "a<b<",
    "a*b(c)(",
    "`${",
    "<<A <<B\n",
    "class A{",
    "def a():\n ",
    "\0\U000edf9e{",
    "if(",
    "/*",
    "'",
]


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_text_that_is_made_to_keep_the_parser_busy(language: str):
    for piece in HOSTILE:
        text = piece * (3_000 // len(piece))
        passages = cut(language, text, ChunkLimits())
        assert sum(len(passage.text) for passage in passages) > 2_000


def test_generated_code_is_not_parsed():
    text = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(12_000))
    passages = cut("python", text, ChunkLimits())
    assert {passage.headings for passage in passages} == {("file",)}
