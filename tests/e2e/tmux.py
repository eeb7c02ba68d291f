"""A real terminal, which shows what a person would see: tmux, driven from outside."""

import shlex
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PROGRAM = shutil.which("tmux")
PATIENCE_S = 20
_ENDED = "[the program ended with "


class Terminal:
    """One program in a terminal of its own server, so that no other is touched."""

    def __init__(
        self, words: Sequence[str], env: Mapping[str, str], cwd: Path, size: tuple[int, int] = (80, 24)
    ) -> None:
        self._name = f"ally-test-{uuid.uuid4().hex[:8]}"
        columns, rows = size
        # env -i: the server would give the program the environment of whoever started it.
        variables = [f"{name}={value}" for name, value in env.items() if name not in ("TERM", "TMUX")]
        command = shlex.join(["env", "-i", *variables, "TERM=tmux-256color", *words])
        # The shell's own line after the program shows that the terminal works and what the exit code was.
        line = f"{command}; echo '{_ENDED}'$?']'; exec cat"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(cwd), line)

    def type(self, text: str) -> None:
        """Press the keys of `text`."""
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names, such as Enter, Escape, C-o, BTab, M-Up."""
        self._tmux("send-keys", *keys)

    def paste(self, text: str) -> None:
        """Paste `text`, in brackets if the program has asked for them."""
        subprocess.run([*self._base(), "load-buffer", "-"], input=text.encode(), check=True)
        self._tmux("paste-buffer", "-p")

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self, *, colors: bool = False) -> str:
        """What is seen now."""
        return self._tmux("capture-pane", "-p", *(["-e"] if colors else []))

    def scrollback(self) -> str:
        """Everything that was not on the program's own screen, from the beginning."""
        return self._tmux("capture-pane", "-p", "-S", "-")

    def wait(self, *texts: str) -> str:
        """What is seen as soon as all `texts` are."""
        return self.until(lambda screen: all(text in screen for text in texts), f"none of it shows {texts}")

    def wait_gone(self, text: str) -> str:
        """What is seen as soon as `text` is not."""
        return self.until(lambda screen: text not in screen, f"{text!r} stays")

    def until(self, holds: Callable[[str], bool], complaint: str) -> str:
        """What is seen as soon as `holds` says so."""
        end = time.monotonic() + PATIENCE_S
        while not holds(screen := self.screen()):
            assert time.monotonic() < end, f"{complaint}:\n{screen}"
            time.sleep(0.03)
        return screen

    def ended(self) -> int:
        """The exit code of the program, when it has ended."""
        screen = self.wait(_ENDED)
        return int(screen.rpartition(_ENDED)[2].partition("]")[0])

    def close(self) -> None:
        """End the program and its terminal."""
        subprocess.run([*self._base(), "kill-server"], check=False, stderr=subprocess.DEVNULL)

    def _base(self) -> list[str]:
        assert PROGRAM is not None
        return [PROGRAM, "-L", self._name]

    def _tmux(self, *words: str) -> str:
        return subprocess.run([*self._base(), *words], check=True, capture_output=True, text=True).stdout
