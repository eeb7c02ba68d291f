"""Collections, runs over them and what was found, in words: for the commands of the chat and of the command line."""

import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ally.models.progress import size_text
from ally.rag.document import Place
from ally.rag.progress import Progress, Report
from ally.rag.search.hit import Found, Hit, Why
from ally.rag.stores.base import CollectionFacts
from ally.terminal.text import one_line, visible

COLUMNS = ("NAME", "STATE", "FILES", "PASSAGES", "VECTORS", "SIZE", "READ", "FROM")
MAX_SKIPPED = 20
_PHASES = {
    "looking": "looking at",
    "reading": "reading",
    "embedding": "embedding",
    "writing": "writing",
    "asking": "asking",
}


def row(facts: CollectionFacts) -> tuple[str, ...]:
    """The cells of one collection, as `COLUMNS` names them."""
    return (
        facts.name,
        "indexed" if facts.is_indexed else "unindexed",
        f"{facts.files:,}",
        f"{facts.passages:,}",
        _vectors(facts),
        size_text(facts.size_bytes),
        time.strftime("%Y-%m-%d %H:%M", time.localtime(facts.updated_at)),
        ", ".join(short_path(root) for root in facts.roots),
    )


def short_path(path: str) -> str:
    """`path` as it is told: relative to the working folder when it lies there, else with ~ for home, on one line."""
    here, home = _prefix(os.getcwd()), _prefix(os.path.expanduser("~"))  # noqa: PTH109, PTH111 - texts are compared
    if path.startswith(here):
        path = path[len(here) :]
    elif path.startswith(home):
        path = f"~/{path[len(home) :]}"
    return one_line(visible(path))


def where(path: str, place: Place) -> str:
    """`docs/router.md:12-14`, `book.pdf, page 3`."""
    last = f"-{place.line_end}" if place.line_end > place.line_start else ""
    lines = f":{place.line_start}{last}" if place.line_start else ""
    label = f", {place.label}" if place.label else ""
    return f"{short_path(path)}{lines}{one_line(label)}"


def how_far(progress: Progress) -> str:
    """One line for a run that goes on: `reading 120 of 5,000 files, 45/s, about 2 min left, 3 skipped`."""
    of = f" of {progress.total:,}" if progress.total else ""
    parts = [f"{_PHASES[progress.phase]} {progress.done:,}{of} {progress.unit}"]
    if progress.per_s and progress.phase != "looking":
        parts.append(f"{progress.per_s:,.0f}/s" if progress.per_s >= 10 else f"{progress.per_s:.1f}/s")
    if progress.eta_s is not None and progress.done < progress.total:
        parts.append(f"about {_duration(progress.eta_s)} left")
    if progress.skipped:
        parts.append(f"{progress.skipped:,} skipped")
    return ", ".join(parts)


def outcome(report: Report, facts: CollectionFacts | None = None) -> list[str]:
    """What a run did, in lines; the skipped files by reason."""
    counts = {
        "added": report.added,
        "changed": report.changed,
        "moved": report.moved,
        "removed": report.removed,
        "unchanged": report.unchanged,
    }
    done = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "no files"
    lines = [f"{report.name}: {done}, {len(report.skipped):,} skipped, in {_duration(report.seconds)}."]
    if facts is not None:
        held = f"{_counted(facts.passages, 'passage')} of {_counted(facts.files, 'file')}"
        lines.append(f"It holds {held}; vectors: {_vectors(facts)}.")
    lines += _skipped(report.name, report.skipped)
    lines += report.problems
    if not report.is_complete:
        lines.append(f"It is not complete; ally kb sync {quoted(report.name)} goes on from here.")
    return lines


def listed(found: Found, *, explain: bool = False, whole: bool = False) -> list[str]:
    """What was found, best first, in lines."""
    lines: list[str] = []
    for rank, hit in enumerate(found.hits, 1):
        lines += [*_hit(rank, hit, whole=whole)]
        if explain:
            lines.append(f"    why: {reasons(hit.why)}")
        lines.append("")
    if explain and found.dropped:
        lines.append("Left out:")
        lines += [f"  {where(hit.path, hit.place)}: {reasons(hit.why)}" for hit in found.dropped]
        lines.append("")
    if explain:
        lines.append(f"Searched for: {one_line(found.query)}")
    lines += found.notes
    return lines[:-1] if lines and not lines[-1] else lines


def reasons(why: Why) -> str:
    """Why a passage came, in one line."""
    parts: list[str] = []
    if why.word_rank is not None:
        held = f": {' '.join(map(one_line, why.words))}" if why.words else ""
        parts.append(f"words #{why.word_rank} (BM25 {why.word_score or 0:.2f}{held})")
    if why.vector_rank is not None:
        parts.append(f"meaning #{why.vector_rank} (cosine {why.vector_score or 0:.2f})")
    if why.rerank_score is not None:
        parts.append(f"reranked {why.rerank_score:.3f}")
    parts.append(f"together {why.fused_score:.3f}")
    return " · ".join([*parts, *map(one_line, why.notes)])


def quoted(name: str) -> str:
    """`name` as it is typed in a command."""
    mark = "'" if '"' in name else '"'
    return f"{mark}{name}{mark}" if any(char.isspace() or char in "\"'" for char in name) else name


def files_of(hits: Sequence[Hit]) -> list[Path]:
    """The files of what was found, each once."""
    return [Path(path) for path in dict.fromkeys(hit.path for hit in hits)]


def _hit(rank: int, hit: Hit, *, whole: bool) -> list[str]:
    headings = f"  {one_line(' > '.join(hit.headings))}" if hit.headings else ""
    head = f"{rank:>2}  {where(hit.path, hit.place)}{headings}"
    if whole:
        return [head, *(f"    {line}" for line in hit.text.splitlines())]
    return [head, f"    {one_line(hit.text)[:200]}"]


def _skipped(name: str, skipped: Sequence[tuple[str, str]]) -> list[str]:
    """The files that were left out: common reasons as one line each, the rest by name."""
    by_reason = Counter(reason for _, reason in skipped)
    lines: list[str] = []
    for reason, count in by_reason.most_common(MAX_SKIPPED):
        paths = [path for path, why in skipped if why == reason]
        example = short_path(paths[0]) if count == 1 else f"{count:,} files, e.g. {short_path(paths[0])}"
        lines.append(f"  skipped: {example}: {one_line(reason)}")
    if len(by_reason) > MAX_SKIPPED:
        lines.append(f"  … and {len(by_reason) - MAX_SKIPPED:,} other reasons")
    if len(lines) < len(skipped):
        lines.append(f"  ally kb list {quoted(name)} --skipped names them all.")
    return lines


def _vectors(facts: CollectionFacts) -> str:
    if not facts.passages:
        return "none"
    share = 100 * facts.embedded // facts.passages
    return f"{facts.fingerprint} {share} %" if facts.embedded else "none yet"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _prefix(folder: str) -> str:
    return folder.rstrip(os.sep) + os.sep
