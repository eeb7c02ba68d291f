import pytest

from tests.unit.providers.tool_calling.printed_samples import IN_PROSE, MARKED, WHOLE
from tests.unit.providers.tool_calling.printing import parse, read, summary

FAMILIES = {**MARKED, **WHOLE}
SHORT = 55


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_cut_at_every_byte_is_the_same_call(family: str) -> None:
    text, expected = FAMILIES[family]
    assert read(text) == read(text, anywhere=True) == expected
    for place in range(1, len(text)):
        assert summary(parse([text[:place], text[place:]], anywhere=family in WHOLE)) == expected


@pytest.mark.parametrize("family", [name for name, (text, _) in FAMILIES.items() if len(text) <= SHORT])
def test_short_shapes_cut_at_every_two_places_are_the_same_call(family: str) -> None:
    text, expected = FAMILIES[family]
    for first in range(1, len(text)):
        for second in range(first + 1, len(text)):
            assert summary(parse([text[:first], text[first:second], text[second:]])) == expected


@pytest.mark.parametrize("family", IN_PROSE)
def test_calls_in_prose_count_only_where_they_may_stand_anywhere(family: str) -> None:
    text, expected = IN_PROSE[family]
    assert read(text, anywhere=True) == expected
    assert read(text, anywhere=False) == [text]
