"""What real bash would run, without running it: no program is found, and each call is written down instead."""

import os
import subprocess
from pathlib import Path

_PRELUDE = """
command_not_found_handle() { builtin printf '%s\\0' "$@" $'\\x01' >> "$TRACE"; return "$CODE"; }
enable -n echo test [ pwd type true false kill
PATH=/nonexistent
"""


class BashTrace:
    """Traces commands in `folder`, which the caller fills; nothing outside it is named by what is traced."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder, self._home = folder, home
        self._trace, self._prelude = home / ".trace", home / ".prelude"
        self._prelude.write_text(_PRELUDE)

    def calls(self, command: str) -> set[tuple[str, ...]]:
        """The words of every program called, once with all succeeding, once with all failing."""
        return self._run(command, 0) | self._run(command, 1)

    def _run(self, command: str, code: int) -> set[tuple[str, ...]]:
        self._trace.write_bytes(b"")
        variables = {"BASH_ENV": self._prelude, "TRACE": self._trace, "HOME": self._home}
        env = {name: str(value) for name, value in variables.items()} | {"CODE": str(code), "LC_ALL": "C.UTF-8"}
        subprocess.run(
            ["/bin/bash", "-c", command], cwd=self._folder, env=env, capture_output=True, timeout=20, check=False
        )
        words = os.fsdecode(self._trace.read_bytes()).split("\0")
        calls, current = set[tuple[str, ...]](), list[str]()
        for word in words[:-1]:
            if word == "\x01":
                calls.add(tuple(current))
                current = []
            else:
                current.append(word)
        return calls
