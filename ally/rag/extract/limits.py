"""What reading files may cost."""

from dataclasses import dataclass

MAX_FILE_BYTES = 50_000_000
"""Larger files are skipped unread."""

MAX_TEXT_CHARS = 20_000_000
"""What one file may give."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """For one file and the process that reads it.

    `cpu_s` is for a small file, a large one gets more in proportion, up to `most_cpu_s`; `wall_factor` is how much
    longer it may take on a busy machine. `memory_bytes` is all that the process may have; `processes` read side by
    side.
    """

    cpu_s: float = 10.0
    most_cpu_s: float = 60.0
    wall_factor: float = 3.0
    memory_bytes: int = 300_000_000
    text_chars: int = MAX_TEXT_CHARS
    file_bytes: int = MAX_FILE_BYTES
    processes: int = 2
