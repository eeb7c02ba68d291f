"""`ally kb eval`: how well a collection is found, and whether another setting would find more."""

import argparse
import asyncio
import json
import textwrap
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ally.app import App, Consent
from ally.chat.knowing import quoted
from ally.cli import exits
from ally.cli.kb_reading import shown
from ally.cli.terminal import say
from ally.errors import UsageError
from ally.messages import JsonObject
from ally.terminal.table import room, table
from ally.terminal.text import clean

if TYPE_CHECKING:
    from ally.providers.model import Model
    from ally.rag.embeddings.base import Embedder
    from ally.rag.evaluate import Evaluation, Options, Row

_COLUMNS = ("", "NDCG@10", "95 %", "R@1", "R@5", "R@10", "P50 MS", "P95 MS")
_SHORTEST, _LONGEST = 32, 100_000


def run(args: argparse.Namespace, app: App) -> int:
    """Measure a collection as it is set, beside what `args` names.

    Raises:
        UsageError: a number or a name cannot be used.
        UnknownCollection, KnowledgeError: there is no such collection, or too little in it.
        ProviderError: an embedder or the model that writes questions failed.
    """
    from ally.rag.evaluate import Options  # heavy

    if args.limit < 1:
        raise UsageError("--limit has to be at least 1.")
    options = Options(questions=args.limit, chunk_tokens=_lengths(args.chunk_tokens))
    wanted = [_split(choice) for choice in args.embedder or ()]
    app.library.shelf.open(args.name).close()  # first: nothing is opened for a collection that is not there
    with ExitStack() as stack:
        embedders = [stack.enter_context(closing(_open(app, *choice))) for choice in wanted]
        for embedder in [app.library.embedder, *embedders]:
            if embedder.location != "local":
                say(f"A sample of the texts is sent to {embedder.provider} ({embedder.location}) for vectors.")
        if args.questions == "model":
            options = stack.enter_context(_writing(app, options))
        stack.enter_context(_told_of_interruption())
        found = shown(lambda watcher: app.library.evaluate(args.name, options, embedders, watcher))
    _tell(found, as_json=args.json)
    return exits.OK


def _lengths(text: str | None) -> tuple[int, ...]:
    lengths = [part.strip() for part in (text or "").split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() and _SHORTEST <= int(part) <= _LONGEST for part in lengths):
        raise UsageError(
            f"--chunk-tokens takes whole numbers from {_SHORTEST} on, with commas between.",
            hint="--chunk-tokens 128,224",
        )
    return tuple(map(int, lengths))


def _split(choice: str) -> tuple[str, str | None]:
    provider, _, model = choice.partition("/")
    if not provider.strip():
        raise UsageError(f"--embedder takes PROVIDER/MODEL, not {choice}.", hint="--embedder ollama/nomic-embed-text")
    return provider.strip(), model.strip() or None


def _open(app: App, provider: str, model: str | None) -> "Embedder":
    import msgspec  # heavy

    from ally.rag.embeddings.registry import open_embedder, wanted_embedder  # heavy

    settings = msgspec.structs.replace(app.settings, embedding_provider=provider, embedding_model=model)
    return open_embedder(wanted_embedder(settings, app.keys, app.knowledge.embedders, app.env), app.paths)


@contextmanager
def _writing(app: App, options: "Options") -> "Generator[Options]":
    """`options` with the model in use as the writer of questions; it sees no file that it might not read otherwise."""
    from ally.tools.workspace import Workspace  # heavy

    folder, home = Path.cwd().resolve(), Path.home().resolve()
    policy = app.policy(Workspace(folder, home, app.paths.cache / "spill" / "none"), Consent())
    talk = app.converse("general")
    profile = talk.model.profile
    if profile.location != "local":
        say(f"Pieces of the files are sent to {profile.provider} ({profile.location}), one request for each question.")
    with asyncio.Runner() as runner:  # one loop: connections belong to it

        def ask(text: str) -> str:
            return runner.run(_question(talk.model, text))

        def may_ask(path: str) -> bool:
            return not any(policy.hidden(one) for one in (Path(path), Path(path).resolve()))

        try:
            yield replace(options, ask=ask, may_ask=may_ask)
        finally:
            runner.run(talk.model.close())


async def _question(model: "Model", text: str) -> str:
    from ally.engine.answer import Answer  # heavy
    from ally.messages import user  # heavy
    from ally.providers.model import Request  # heavy
    from ally.rag.evaluate.writing import order, question_of  # heavy

    answer = Answer()
    async for chunk in model.stream(Request([user(order(text))], purpose="kb eval")):
        answer.add(chunk)
    return question_of(answer.message().text)


def _tell(found: "Evaluation", *, as_json: bool) -> None:
    from ally.rag.evaluate.advice import advise  # heavy

    if as_json:
        print(json.dumps(_object(found, advise(found)), indent=2))
        return
    print(clean("\n".join(_table(found))))
    for note in found.notes:
        say(note)
    advice = clean(advise(replace(found, name=quoted(found.name))))
    print("", *(textwrap.wrap(advice, width) if (width := room()) else [advice]), sep="\n")


def _table(found: "Evaluation") -> list[str]:
    """One block of rows for each variant, readable in 80 columns."""
    from ally.rag.evaluate.advice import kinds, overall  # heavy

    cells: list[tuple[str, ...]] = []
    heads: dict[int, str] = {}
    for both in overall(found, "both"):
        heads[len(cells)] = f"{both.embedder}, {both.chunk_tokens} tokens, {both.passages:,} passages"
        same = (row for row in found.rows if not row.kind and _variant(row) == _variant(both))
        cells += [_cells(f"  {row.way}", row) for row in same]
        several = kinds(found, both)
        cells += [_cells(f"    {row.kind} ({row.questions})", row) for row in several]
    lines = table(_COLUMNS, cells, space=room(), spare=("P95 MS", "P50 MS"))
    asked = overall(found, "both")[0].questions
    told = [f"{found.name}: {asked} questions about {found.documents:,} files.", "", lines[0]]
    for number, line in enumerate(lines[1:]):
        told += [heads[number], line] if number in heads else [line]
    return told


def _variant(row: "Row") -> tuple[str, int]:
    return row.embedder, row.chunk_tokens


def _cells(name: str, row: "Row") -> tuple[str, ...]:
    shares = (f"{share:.2f}" for share in (row.recall_1, row.recall_5, row.recall_10))
    between = f"{row.low:.3f}-{row.high:.3f}"
    return (name, f"{row.ndcg_10:.3f}", between, *shares, f"{row.p50_ms:.0f}", f"{row.p95_ms:.0f}")


def _object(found: "Evaluation", advice: str) -> JsonObject:
    rows = [{name: getattr(row, name) for name in row.__slots__ if name != "values"} for row in found.rows]
    return {
        "name": found.name,
        "documents": found.documents,
        "rows": rows,
        "notes": list(found.notes),
        "advice": advice,
        "seconds": found.seconds,
        "is_complete": found.is_complete,
    }


@contextmanager
def _told_of_interruption() -> Generator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("Interrupted. Nothing was kept, and nothing was changed.")
        raise
