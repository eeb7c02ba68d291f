"""`python -m benchmarks.citations HOME NAME`: do citations hold? 200 questions through `ally -p` over a collection.

HOME is an `ALLY_HOME` that has the collection NAME. A scripted model looks each question up with the `knowledge` tool
and then says four things: one it quotes from what it was given, one it quotes wrong, one with a number that it was
never given, and one it makes up. The first has to be shown with the file and the lines in which it stands, the others
have to be struck out.
"""

import argparse
import contextlib
import http.server
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ally.rag.document import Places
from ally.rag.stores.base import Collection
from ally.rag.stores.embedded import EmbeddedShelf
from benchmarks.report import RESULTS, describe_machine
from benchmarks.service import call_of, text_of

_SENTENCE = re.compile(r"(?<!\w)[A-Z][^.!?\n|<>\[\]\"“”*_`~]{40,160}\.(?=\s|$)")
_PASSAGE = re.compile(r"(?m)^\[(\d+)\] ")
_WORD = re.compile(r"[A-Za-z]{5,}")
INVENTED = "the moon is made of green cheese and old radio valves"


@dataclass(frozen=True, slots=True)
class Question:
    """`sentence` stands in the file `path`; another file may have it as well."""

    text: str
    sentence: str
    path: str


@dataclass
class Model:
    """Answers chat completions as the question wants; `current` is set before each."""

    current: Question | None = None
    was_found: bool = False

    def answer(self, request: dict[str, Any]) -> bytes:
        """The next step of the answer to `current`."""
        question = self.current
        assert question is not None
        last = request["messages"][-1]
        if last["role"] != "tool":
            return call_of(1, "knowledge", {"query": question.text})
        number = _number_of(question.sentence, str(last["content"]))
        self.was_found = number is not None
        words = question.sentence.rstrip(".")
        return text_of(
            f'It says so [{number or 1} "{words}"]. Also this [{number or 1} "{_misquoted(words)}"]. '
            f'And that [{(number or 1) + 500} "{words}"], for [{number or 1} "{INVENTED}"].'
        )


@dataclass
class Tally:
    """What came of the questions."""

    counts: Counter[str] = field(default_factory=Counter[str])
    failures: list[str] = field(default_factory=list[str])


def main() -> int:
    """Ask; 1 if a citation was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("name")
    parser.add_argument("--questions", type=int, default=200)
    args = parser.parse_args()
    with contextlib.closing(EmbeddedShelf(args.home / "kb")) as shelf, contextlib.closing(shelf.open(args.name)) as kb:
        questions = _questions(kb, args.questions)
        model, tally = Model(), Tally()
        with _served(model) as url, tempfile.TemporaryDirectory() as folder:
            for question in questions:
                model.current = question
                _judge(question, _ask(question, args.home, url, Path(folder)), model, tally, kb)
    counts = ", ".join(f"{count} {what}" for what, count in tally.counts.most_common())
    report = "\n".join((f"{len(questions)} questions: {counts}", *tally.failures))
    print(report)
    text = f"# Citations\n\n{describe_machine()}\n\n{report}\n"
    (RESULTS / "citations.md").write_text(text, encoding="utf-8")
    return 1 if tally.failures else 0


def _questions(collection: Collection, count: int) -> list[Question]:
    """Sentences that stand once, spread over the collection, each with a question that has its rarer words."""
    seen: Counter[str] = Counter()
    found: list[tuple[str, str, str]] = []
    common: Counter[str] = Counter()
    for stored in collection.each():
        for match in _SENTENCE.finditer(stored.passage.text):
            seen[match[0]] += 1
            common.update({word.lower() for word in _WORD.findall(match[0])})
            found.append((stored.path, stored.passage.context, match[0]))
    chosen = random.Random(1).sample([one for one in found if seen[one[2]] == 1], k=count * 2)
    questions: list[Question] = []
    for path, context, sentence in chosen:
        document = collection.extracted(path)
        if document is None or document.text.count(sentence) != 1:
            continue
        rare = sorted({word.lower() for word in _WORD.findall(sentence)}, key=lambda word: common[word])[:4]
        text = f"{context.split(' > ')[-1]}: {' '.join(rare)}?"
        questions.append(Question(text, sentence, path))
    return questions[:count]


def _places(collection: Collection, path: str, sentence: str) -> list[tuple[int, int]]:
    """The first and the last line of wherever a file has `sentence`, however its lines are broken."""
    document = collection.extracted(path)
    if document is None:
        return []
    places = Places(document)
    found = re.finditer(r"\s+".join(map(re.escape, sentence.rstrip(".").split())), document.text)
    return [(place.line_start, place.line_end) for place in (places.of(*match.span()) for match in found)]


def _judge(question: Question, answer: dict[str, Any], model: Model, tally: Tally, collection: Collection) -> None:
    tally.counts["found" if model.was_found else "not among the passages"] += 1
    cited: list[dict[str, Any]] = answer["citations"]
    right = [
        one
        for one in cited
        if (one["line_start"], one["line_end"]) in _places(collection, one["path"], question.sentence)
    ]
    expected = 1 if model.was_found else 0
    shown: str = answer["result"]
    problems: list[str] = []
    if model.was_found and len(right) != 1:
        problems.append(f"shown {cited}, where it does not stand")
    if len(cited) != expected and model.was_found:
        problems.append(f"{len(cited)} citations instead of {expected}")
    if answer["citations_struck"] != 4 - len(cited):
        problems.append(f"{answer['citations_struck']} struck out")
    if shown.count("~~") < 2 * answer["citations_struck"]:
        problems.append("not visibly struck out")
    tally.counts["right" if not problems else "wrong"] += 1
    if problems:
        tally.failures.append(f"{question.path}: {'; '.join(problems)}: {question.sentence}")


def _ask(question: Question, home: Path, url: str, folder: Path) -> dict[str, Any]:
    endpoint = {"compatible": "openai", "base_url": url, "default_model": "scripted", "context_window": 32768}
    config = home / "config.json"
    settings = json.loads(config.read_text()) if config.exists() else {}
    config.write_text(json.dumps(settings | {"provider": "scripted", "endpoints": {"scripted": endpoint}}))
    command = [sys.executable, "-m", "ally", "-p", question.text, "--output-format", "json"]
    env = {**os.environ, "ALLY_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"ally said: {done.stdout}\n{done.stderr}") from None


@contextlib.contextmanager
def _served(model: Model) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def do_POST(self) -> None:
            answer = model.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def _number_of(sentence: str, shown: str) -> int | None:
    """The number of the passage that holds `sentence`."""
    _, *rest = _PASSAGE.split(shown)
    for number, text in zip(rest[::2], rest[1::2], strict=True):
        if " ".join(sentence.split()) in " ".join(text.split()):
            return int(number)
    return None


def _misquoted(words: str) -> str:
    """The same with one long word changed."""
    longest = max(_WORD.findall(words), key=len)
    return words.replace(longest, "banana", 1)


if __name__ == "__main__":
    sys.exit(main())
