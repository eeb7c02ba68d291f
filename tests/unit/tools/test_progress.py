"""What of a command's output is passed on while it runs."""

import re

from ally.tools.progress import MAX_CHARS, Progress


async def test_of_a_flood_the_latest_is_told_in_whole_lines_and_the_rest_is_counted():
    told: list[str] = []
    progress = Progress(told.append)
    progress.feed(b"begun")
    progress.flush()
    lines = [f"line {number}" for number in range(20_000)]
    for line in ["", *lines]:
        progress.feed(f"{line}\n".encode())
    progress.flush()
    text = "".join(told)
    assert max(map(len, told)) <= MAX_CHARS
    first, gap, *rest = text.splitlines()
    (left_out,) = re.findall("[0-9,]+", gap)
    assert first == "begun"
    assert rest == lines[-len(rest) :]
    assert int(left_out.replace(",", "")) == len(lines) + 1 - len(rest)


async def test_what_is_no_flood_is_told_as_it_is():
    told: list[str] = []
    progress = Progress(told.append)
    progress.feed(b"a\nb")
    progress.flush()
    progress.flush()
    assert told == ["a\nb"]
