"""The estimate for models whose tokenizer is not on this machine, against what real tokenizers make of texts."""

import pytest

from ally.rag.embeddings.counting import ESTIMATE, estimate, room

COUNTED = {
    "The quick brown fox jumps over the lazy dog while seventeen curious engineers discuss the reliability of "
    "distributed systems.": 29,
    "def read_line(self, limit: int = -1) -> bytes:\n    if not self._open:\n        raise ValueError('closed file')\n"
    "    return self._buffer[:limit]\n": 50,
    "Die Geschwindigkeitsbegrenzung gilt nicht für Einsatzfahrzeuge der Rettungsdienste.": 25,
    "Быстрая коричневая лиса перепрыгивает через ленивую собаку.": 30,
    "机器学习模型把文本切成片段然后为每个片段计算一个向量。": 30,
    "検索エンジンは文書を段落に分けて、それぞれのベクトルを計算します。": 36,
    "검색 엔진은 문서를 단락으로 나누고 각 단락의 벡터를 계산합니다.": 37,
    "यह पाठ कई भाषाओं में लिखा गया है।": 34,
    "3.14159 2718281828 0xdeadbeef 2026-11-23T10:15:00Z 127.0.0.1:8080": 61,
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08": 61,
}
"""The most of cl100k, Qwen 2, Command R, Gemma and XLM-RoBERTa (2026-11-23)."""


@pytest.mark.parametrize(("text", "most"), COUNTED.items())
def test_it_is_near_the_most_that_any_of_them_makes(text: str, most: int):
    assert 0.9 * most <= estimate(text) <= 1.9 * most


def test_english_is_not_cut_at_half_the_size():
    text, most = next(iter(COUNTED.items()))
    assert estimate(text) <= 1.2 * most


def test_what_is_estimated_has_room_for_error():
    assert room(512, ESTIMATE) == 409
    assert room(512, "wordpiece:vocab.txt") == 512
    assert estimate("\ud83d\0") > 0
