from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.providers.model import TextChunk, ThinkingChunk
from ally.providers.thinking import ThinkSplitter


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkSplitter()
    chunks = [chunk for piece in pieces for chunk in splitter.feed(piece)] + splitter.finish()
    assert all(chunk.text for chunk in chunks)
    return (
        "".join(chunk.text for chunk in chunks if isinstance(chunk, ThinkingChunk)),
        "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk)),
    )


CASES = [
    ("Hello", "", "Hello"),
    ("<think>why</think>\n\nHello", "why", "Hello"),
    ("\n<think>\nwhy\n</think>Hello", "\nwhy\n", "Hello"),
    ("<thinking>a</thinking><think>b</think>c", "ab", "c"),
    ("<think></think>Hello", "", "Hello"),
    ("<think>never closed < / think>", "never closed < / think>", ""),
    ("<thin ice", "", "<thin ice"),
    ("  indented", "", "  indented"),
    ("Use <think>x</think> here", "", "Use <think>x</think> here"),
    ("<think>a</thi</think>b", "a</thi", "b"),
    ("<think>1 < 2 </", "1 < 2 </", ""),
    ("", "", ""),
    ("<think>a</think>\n", "a", ""),
    ("<thi", "", "<thi"),
]


@pytest.mark.parametrize(("text", "thought", "answer"), CASES)
def test_thinking_is_told_from_the_answer(text: str, thought: str, answer: str) -> None:
    assert split([text]) == (thought, answer)
    assert split(list(text)) == (thought, answer)


@given(st.sampled_from([case[0] for case in CASES]), st.lists(st.integers(0, 30)))
def test_the_cut_between_pieces_does_not_matter(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert split(pieces) == split([text])
