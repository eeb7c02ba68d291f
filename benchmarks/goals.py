"""What is measured against what, and the marks that Ally wants to keep."""

from dataclasses import dataclass

from benchmarks.measure import Cost


@dataclass(frozen=True, slots=True)
class Goal:
    """At most `limit` for `quantity` of a row; with `against`, a multiple of that row's figure."""

    row: str
    quantity: str
    limit: float
    against: str = ""

    def judge(self, costs: dict[str, Cost]) -> tuple[float, bool]:
        """(what was measured, whether it is within the limit)."""
        value: float = getattr(costs[self.row], self.quantity)
        if self.against:
            value /= getattr(costs[self.against], self.quantity)
        return value, value <= self.limit

    def __str__(self) -> str:
        names = {"wall_s": "wall", "cpu_s": "CPU", "peak_mb": "peak memory", "exit_s": "exit after the last byte"}
        unit = f" x {self.against}" if self.against else {"peak_mb": " MB"}.get(self.quantity, " s")
        return f"{self.row}: {names[self.quantity]} <= {self.limit:g}{unit}"


BARE = "python -c pass"
VERSION = "ally --version"
HELP = "ally -h"
PROVIDERS = "ally providers list"
ASK = "ally -p hi"
LLM = "llm hi"
LOCAL = "ally -p (embedded model)"

GOALS = (
    Goal(VERSION, "wall_s", 6, BARE),
    Goal(HELP, "wall_s", 6, BARE),
    Goal(ASK, "wall_s", 0.6, LLM),
    Goal(ASK, "cpu_s", 0.6, LLM),
    Goal(ASK, "peak_mb", 80),
    Goal(ASK, "exit_s", 0.05),
)
