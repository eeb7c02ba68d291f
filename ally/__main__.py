"""The `ally` command, which is `python -m ally` too."""

import sys


def main() -> None:
    """Run the command line of this process, and leave."""
    end_quietly()
    from ally.cli.main import main as run_command_line  # late: it takes a while

    run_command_line()


def end_quietly() -> None:
    """Until the command can be stopped in order, Ctrl-C ends it without a word instead of with a traceback."""
    signal = __import__("_signal")  # is there at once, which `signal` is not
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else somebody wants it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _leave_out_working_folder() -> None:
    """`python -m` would let any folder one stands in replace Ally's own imports; only Ally's own folder may stay."""
    from pathlib import Path  # late: Ctrl-C comes first

    own, here = Path(__file__).resolve().parents[1], Path.cwd()
    if here != own:
        sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != here]


if __name__ == "__main__":
    end_quietly()
    _leave_out_working_folder()
    main()
