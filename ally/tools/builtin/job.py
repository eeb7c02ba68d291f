"""The tool that looks after commands in the background."""

import asyncio
from typing import TYPE_CHECKING

from ally.errors import ToolArguments
from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.tools.base import Run, ToolOutput
from ally.tools.builtin import describe
from ally.tools.jobs import Job

if TYPE_CHECKING:
    from ally.tools.catalogue import Bench

_STOP_S = 2.0
_SPEC = describe(
    "job",
    {"do": {"enum": ["list", "read", "stop"]}, "id": {"type": "integer"}},
    ("do",),
)


class JobTool:
    """Lists the jobs, reads what one printed since the last time, stops one."""

    def __init__(self, bench: "Bench") -> None:
        self._jobs = bench.jobs

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return _SPEC

    def action(self, args: JsonObject) -> Action:
        """It touches nothing but what was started before."""
        if args["do"] != "list" and "id" not in args:
            raise ToolArguments("job", f"{args['do']} needs the id of a job.")
        return Action("job", "none", subject=args["do"])

    def preview(self, args: JsonObject) -> str:
        """Nothing: the arguments say it."""
        return ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Do one of the three."""
        await asyncio.sleep(0)  # what ended meanwhile is told first
        if args["do"] == "list":
            lines = [f"{job.id}: {job.state}: {_short(job.text)}" for job in self._jobs.all()]
            return ToolOutput("\n".join(lines) or "[no jobs]", f"{len(lines)} jobs")
        job = self._jobs.get(int(args["id"]))
        if args["do"] == "stop" and job.is_running:
            job.child.stop()
            await asyncio.wait({asyncio.wrap_future(job.child.ended)}, timeout=_STOP_S)
        return _told(job)


def _told(job: Job) -> ToolOutput:
    output = job.read().rstrip("\n") or "[nothing new]"
    return ToolOutput(f"{output}\n[job {job.id}: {job.state}]", f"job {job.id}: {job.state}")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
