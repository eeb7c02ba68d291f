"""The tool that runs commands."""

import asyncio
import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ally.errors import ToolArguments, ToolError, ToolTimeout
from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.sandbox import Confinement
from ally.tools.base import Run, ToolOutput
from ally.tools.builtin import describe
from ally.tools.output import Output
from ally.tools.paths import locate
from ally.tools.process import Command, Ended, run_to_exit
from ally.tools.progress import Progress
from ally.tools.refusals import explain

if TYPE_CHECKING:
    from ally.tools.catalogue import Bench

DEFAULT_TIMEOUT_S = 120
MAX_TIMEOUT_S = 3600
MAX_COMMAND_BYTES = 100_000
"""Linux takes no argument longer than 131,072 bytes."""
FIRST_LOOK_S = 0.5
"""How long a job is watched after its start: one that fails at once says so in the same answer."""
_SPEC = describe(
    "shell",
    {
        "command": {"type": "string"},
        "timeout_s": {"type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT_S},
        "background": {"type": "boolean"},
        "network": {"type": "boolean"},
        "writable": {"type": "array", "items": {"type": "string"}},
    },
    ("command",),
)


class ShellTool:
    """Runs a command with bash, confined as far as this machine can and the grant says."""

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return _SPEC

    def action(self, args: JsonObject) -> Action:
        """It runs the command, and asks for what it needs beyond the sandbox."""
        command: str = args["command"]
        _check(command)
        writable = tuple(locate("shell", self._bench.workspace, text) for text in args.get("writable", ()))
        network = bool(args.get("network"))
        return Action("shell", "run", subject=command, command=command, network=network, writable=writable)

    def preview(self, args: JsonObject) -> str:
        """Nothing: the command says it."""
        return ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Run it to its end, or leave it running as a job."""
        _check(args["command"])
        command = await asyncio.to_thread(self._command, args["command"], run)
        try:
            if args.get("background"):
                return await self._start(args["command"], command)
            return await self._finish(args, command, run)
        except OSError as exc:
            raise ToolError("shell", f"The command cannot be started: {exc.strerror or exc}.") from exc

    def _command(self, text: str, run: Run) -> Command:
        spill = self._bench.workspace.spill
        with contextlib.suppress(OSError):  # a full or read-only disk costs the file, not the command
            spill.mkdir(mode=0o700, parents=True, exist_ok=True)
        grant = run.grant
        confinement = Confinement(
            self._bench.workspace.root,
            is_read_only=grant.is_read_only,
            git=grant.git,
            network=grant.network,
            writable=grant.writable,
            masks=tuple(path for path in self._bench.secrets() if path not in grant.paths),
            readable=(spill,) if spill.is_dir() else (),
        )
        return Command(self._bench.sandbox(), [*_shell(), "-c", text], confinement)

    async def _start(self, text: str, command: Command) -> ToolOutput:
        job = self._bench.jobs.start(text, command, self._bench.workspace.spill)
        await asyncio.wait({asyncio.wrap_future(job.child.ended)}, timeout=FIRST_LOOK_S)
        output = job.read().rstrip("\n")
        head = f"[job {job.id}: {job.state}; the tool job reads and stops it]"
        return ToolOutput(f"{output}\n{head}" if output else head, f"job {job.id}, sandbox {command.sandbox.tier}")

    async def _finish(self, args: JsonObject, command: Command, run: Run) -> ToolOutput:
        limit = int(args.get("timeout_s", DEFAULT_TIMEOUT_S))
        output, progress = Output(self._bench.workspace.spill, "shell"), Progress(run.progress)

        def feed(data: bytes) -> None:
            output.feed(data)
            progress.feed(data)

        try:
            async with asyncio.timeout(limit):
                ended = await run_to_exit(command, feed)
        except TimeoutError as exc:
            text = _report(args["command"], command, output, f"[stopped after {limit} s]")
            hint = "Give a larger timeout_s, or background true."
            raise ToolTimeout("shell", text, after_s=limit, hint=hint) from exc
        finally:
            output.close()
            progress.flush()
        return _result(args["command"], command, output, ended)


def _result(text: str, command: Command, output: Output, ended: Ended) -> ToolOutput:
    said = _report(text, command, output, f"[{ended.how}]" if ended.code else "")
    return ToolOutput(
        said or "[no output]",
        f"{ended.how}, {ended.seconds:.1f} s, sandbox {command.sandbox.tier}",
        is_error=ended.code != 0,
    )


def _report(text: str, command: Command, output: Output, last: str) -> str:
    printed = output.take().rstrip("\n")
    notes = explain(text, printed, command.confinement, command.sandbox.tier)
    return "\n".join(part for part in (printed, notes, last) if part)


def _check(command: str) -> None:
    try:
        size = len(os.fsencode(command))
    except UnicodeEncodeError as exc:
        raise ToolArguments("shell", "The command holds half a character.") from exc
    if not command.strip() or "\0" in command:
        raise ToolArguments("shell", "The command is empty." if not command.strip() else "The command holds NUL.")
    if size > MAX_COMMAND_BYTES:
        hint = "Write it to a file and run that."
        raise ToolArguments("shell", f"The command is longer than {MAX_COMMAND_BYTES:,} bytes.", hint=hint)


def _shell() -> list[str]:
    """bash without the user's start-up files, or sh where there is no bash."""
    for place in ("/bin/bash", "/usr/bin/bash"):
        if Path(place).exists():
            return [place, "--noprofile", "--norc"]
    found = shutil.which("bash", path="/usr/local/bin:/opt/homebrew/bin:/run/current-system/sw/bin")
    return [found, "--noprofile", "--norc"] if found else ["/bin/sh"]
