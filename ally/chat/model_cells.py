"""What listings say of a model, in a word or two."""

from ally.chat.model_rows import Row


def window_text(row: Row) -> str:
    """What one request and its answer may hold; "≤" where only the model's own limit is known."""
    facts = row.facts
    if facts.context_window and (row.is_usable or facts.embeds):
        return f"{facts.context_window:,}"
    return f"≤{facts.trained_window:,}" if facts.trained_window else "?"


def source_text(row: Row) -> str:
    """Who says so."""
    facts = row.facts
    if facts.context_window:
        return facts.context_window_source
    return "server" if facts.trained_window else ""


def tools_text(row: Row) -> str:
    """How it calls tools."""
    return "no" if row.facts.embeds else row.tool_calling or "?"


def note(row: Row) -> str:
    """What else matters."""
    passed = row.verdict.passed.values() if row.verdict else ()
    speed = row.measured.generation_per_s if row.measured else None
    said = (
        (row.facts.is_remote, "runs in a cloud"),
        (row.facts.embeds, "embeddings only"),
        (row.is_loaded, "loaded"),
        (speed, f"{speed:.0f} tok/s" if speed else ""),
        (passed, f"checked {sum(passed)}/{len(passed)}"),
        (not row.is_installed and row.file.licence, row.file.licence),
    )
    return ", ".join(text for applies, text in said if applies)
