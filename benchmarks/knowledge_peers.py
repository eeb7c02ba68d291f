"""`python -m benchmarks.knowledge_peers FOLDER`: Ally's embedded store beside chromadb, LanceDB and llm's embeddings.

FOLDER has an environment for each of them, which this does not make:

    for NAME in chromadb lancedb llm; do python -m venv FOLDER/$NAME && FOLDER/$NAME/bin/pip install $NAME; done

All are given the same passages and vectors, and each step is a process of its own. With `--vectors FILE` (the file of a
collection, `vectors-N.f32`) the vectors are real ones, repeated with some noise where there are too few.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.knowledge_peer import DIM, LIMIT
from benchmarks.knowledge_store import Text, Vectors
from benchmarks.measure import Command, Cost, run
from benchmarks.report import RESULTS, describe_machine

CHILD = Path(__file__).with_name("knowledge_peer.py")
STORES = {
    "ally": ("Ally", ""),
    "chromadb": ("chromadb", "chromadb"),
    "lancedb": ("LanceDB", "lancedb"),
    "lancedb-indexed": ("LanceDB with an index", "lancedb"),
    "llm": ("llm", "llm"),
}
QUESTIONS = 100
FEW = 3
"""Searching with llm takes seconds."""

SHORT_ROUNDS = 5
NOISE = 0.02


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one store; `found` is the share of the 10 nearest, `near` and `hybrid` are milliseconds."""

    imported: Cost
    filled: Cost
    answered: Cost
    searched: Cost
    disk_mb: float
    found: float
    near: dict[str, float]
    hybrid: dict[str, float] | None


def make_vectors(file: Path | None, count: int) -> NDArray[np.float32]:
    """`count` vectors of length 1 for passages, and those of the questions after them."""
    every = count + QUESTIONS
    if file is None:
        return Vectors(1).take(every)
    real = np.fromfile(file, np.float32).reshape(-1, DIM)
    chance = np.random.default_rng(1)
    more = chance.permutation(np.resize(np.arange(len(real)), every))
    vectors = real[more] + NOISE * chance.standard_normal((every, DIM), np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write(folder: Path, vectors: NDArray[np.float32]) -> None:
    """What the stores are given."""
    count = len(vectors) - QUESTIONS
    text = Text()
    (folder / "passages.txt").write_text("".join(f"{text.passage()}\n" for _ in range(count)), encoding="utf-8")
    questions = text.questions()["three telling words"]
    (folder / "questions.txt").write_text("".join(f"{' '.join(words)}\n" for words in questions), encoding="utf-8")
    vectors[:count].tofile(folder / "vectors.f32")
    vectors[count:].tofile(folder / "questions.f32")


def best_of(command: Command, rounds: int) -> Cost:
    """The least of several runs in each respect, because what else runs only adds."""
    costs = [run(command) for _ in range(rounds)]
    return Cost(**{name: min(getattr(cost, name) for cost in costs) for name in Cost.__slots__})


def measure(name: str, python: Path, folder: Path, vectors: NDArray[np.float32]) -> Figures:
    """One store, from nothing."""
    count = len(vectors) - QUESTIONS
    with tempfile.TemporaryDirectory(dir=folder) as place:
        home = Path(place) / "home"

        def command(step: str, *more: str) -> Command:
            words = [str(python), str(CHILD), name, step, str(folder), str(home), *more]
            environment = {"HOME": place, "LLM_USER_PATH": place, "ALLY_HOME": place}
            if name == "ally":
                environment["PYTHONPATH"] = str(CHILD.parents[1])
            return Command(name, words, environment)

        imported = best_of(command("import"), SHORT_ROUNDS)
        filled = run(command("fill"))
        disk = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
        answered = best_of(command("answer"), SHORT_ROUNDS)
        questions = FEW if name == "llm" else QUESTIONS
        searched = run(command("search", str(questions)))
        report: dict[str, Any] = json.loads((Path(place) / "search.json").read_text(encoding="utf-8"))  # Any: JSON
    exact = np.argsort(-(vectors[:count] @ vectors[count : count + questions].T), axis=0)[:LIMIT].T
    found = np.mean([len({*one} & {*map(int, best)}) / LIMIT for one, best in zip(report["found"], exact, strict=True)])
    hybrid = report.get("hybrid")
    return Figures(imported, filled, answered, searched, disk / 1e6, float(found), report["near"], hybrid)


ROWS = (
    ("import, ms wall", lambda one: one.imported.wall_s * 1e3, 0),
    ("import, ms CPU", lambda one: one.imported.cpu_s * 1e3, 0),
    ("import, MB", lambda one: one.imported.peak_mb, 0),
    ("filling, s wall", lambda one: one.filled.wall_s, 1),
    ("filling, s CPU", lambda one: one.filled.cpu_s, 1),
    ("filling, MB", lambda one: one.filled.peak_mb, 0),
    ("disk, MB", lambda one: one.disk_mb, 0),
    ("first answer of a new process, ms wall", lambda one: one.answered.first_byte_s * 1e3, 0),
    ("first answer, ms CPU", lambda one: one.answered.cpu_s * 1e3, 0),
    ("first answer, MB", lambda one: one.answered.peak_mb, 0),
    ("searching, MB", lambda one: one.searched.peak_mb, 0),
    ("query by vector, ms p50", lambda one: one.near["p50"], 1),
    ("query by vector, ms p95", lambda one: one.near["p95"], 1),
    ("query by vector, ms least", lambda one: one.near["least"], 1),
    ("query by vector, ms CPU", lambda one: one.near["cpu"], 1),
    ("hybrid query, ms p50", lambda one: one.hybrid and one.hybrid["p50"], 1),
    ("hybrid query, ms p95", lambda one: one.hybrid and one.hybrid["p95"], 1),
    ("hybrid query, ms CPU", lambda one: one.hybrid and one.hybrid["cpu"], 1),
    (f"found of the {LIMIT} nearest, %", lambda one: one.found * 100, 1),
)


def table(figures: dict[str, Figures]) -> str:
    """Each figure, and how many times Ally's it is."""
    lines = [
        f"| | {' | '.join(f'{STORES[name][0]} | x' if name != 'ally' else 'Ally' for name in figures)} |",
        f"|---|{'---:|' * (2 * len(figures) - 1)}",
    ]
    for title, value_of, digits in ROWS:
        base = value_of(figures["ally"])
        cells: list[str] = []
        for name, one in figures.items():
            value = value_of(one)
            cells.append("-" if value is None else f"{value:.{digits}f}")
            if name != "ally":
                cells.append("-" if value is None or not base else f"{value / base:.2f}")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def versions(pythons: dict[str, Path]) -> str:
    """Which releases were measured."""
    wanted = {package: python for name, python in pythons.items() if (package := STORES[name][1])}
    found: list[str] = []
    for package, python in wanted.items():
        script = f"import importlib.metadata as m; print(m.version('{package}'))"
        done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
        found.append(f"{package} {done.stdout.strip()}")
    return ", ".join(found)


def main() -> int:
    """Measure, print, and keep it in `results/`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.knowledge_peers")
    parser.add_argument("folder", type=Path, help="where the environments are")
    parser.add_argument("--passages", type=int, nargs="+", default=[20_000, 100_000], help="sizes")
    parser.add_argument("--vectors", type=Path, help="a collection's file of vectors with 384 numbers each")
    parser.add_argument("--only", nargs="+", choices=STORES, default=list(STORES), help="which of them")
    parser.add_argument("--no-save", action="store_true", help="leave benchmarks/results/ as it is")
    args = parser.parse_args()
    pythons = {
        name: Path(sys.executable) if not package else args.folder.absolute() / package / "bin" / "python"
        for name, (_, package) in STORES.items()
        if name in args.only
    }
    kind = "vectors of a collection, with noise" if args.vectors else "random vectors in 32 directions and noise"
    texts = [f"# Stores for knowledge\n\n{describe_machine()}\n{versions(pythons)}; {kind}. x: multiple of Ally's.\n"]
    results: dict[str, object] = {"machine": describe_machine()}
    for passages in args.passages:
        vectors = make_vectors(args.vectors, passages)
        with tempfile.TemporaryDirectory() as temporary:
            write(Path(temporary), vectors)
            figures = {name: measure(name, python, Path(temporary), vectors) for name, python in pythons.items()}
        texts.append(f"## {passages:,} passages\n\n{table(figures)}\n")
        print(texts[-1], flush=True)
        results[str(passages)] = {name: asdict(one) for name, one in figures.items()}
    if not args.no_save:
        (RESULTS / "knowledge_peers.md").write_text("\n".join(texts), encoding="utf-8")
        (RESULTS / "knowledge_peers.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
