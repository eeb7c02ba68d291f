"""The command line as argparse sees it. Imports nothing heavy: `-h` must be instant."""

import argparse
import difflib
from collections.abc import Sequence

from ally import __version__
from ally.cli.subcommands import COMMANDS, PERMISSION_MODES, Parser, add_common, command_parser
from ally.errors import UsageError

OUTPUT_FORMATS = ("text", "json", "stream-json")
_ONLY_PRINT = {"--output-format": "text", "--json-schema": None}
_EPILOG = "commands (ally COMMAND -h tells more):\n" + "\n".join(
    f"  {name:<13}{text}" for name, text in COMMANDS.items()
)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The parsed command line; `command` is one of `COMMANDS`, or "chat".

    The first word that is no option decides: the name of a command, unless -p says that it is a prompt.

    Raises:
        UsageError: an unknown option, a missing or bad value.
    """
    parser = _chat_parser()
    if not _prints(argv) and _first_word(parser, argv) in COMMANDS:
        return command_parser().parse_args(argv)
    end = argv.index("--") if "--" in argv else len(argv)
    args, unknown = parser.parse_known_intermixed_args(argv[:end])
    if unknown:
        raise UsageError(f"unknown option {unknown[0]}", hint=_nearest_option(parser, unknown[0]))
    _check_combination(args)
    if not args.print:
        _refuse_in_chat(args)
        if end == len(argv) and len(args.prompt) == 1:
            _refuse_mistyped(args.prompt[0])
    args.command = "chat"
    args.prompt = " ".join([*args.prompt, *argv[end + 1 :]])
    return args


def _check_combination(args: argparse.Namespace) -> None:
    given = {"-c": args.go_on, "-i": args.id is not None, "--fork": args.fork is not None}
    several = [option for option, is_given in given.items() if is_given]
    if len(several) > 1:
        raise UsageError(f"{' and '.join(several)} contradict each other.", hint="each names the session to go on with")
    if args.allow_all_tools:
        if args.permission_mode not in (None, "bypass"):
            text = f"--allow-all-tools and --permission-mode {args.permission_mode} contradict each other."
            raise UsageError(text, hint="--allow-all-tools is --permission-mode bypass")
        args.permission_mode = "bypass"


def _refuse_in_chat(args: argparse.Namespace) -> None:
    """An option that would be ignored is an error: whoever sets it relies on it."""
    for option, default in _ONLY_PRINT.items():
        if getattr(args, option.strip("-").replace("-", "_")) != default:
            raise UsageError(f"{option} needs -p.", hint=f"ally -p {option} …")


def _refuse_mistyped(word: str) -> None:
    """A single word that is nearly a command is not said to a model, which might be a hosted one."""
    near = difflib.get_close_matches(word.lower(), COMMANDS, n=1, cutoff=0.8)
    if near or word.lower() == "help":
        meant = f"ally {near[0]}" if near else "ally -h"
        raise UsageError(f"There is no command {word}.", hint=f"did you mean {meant}? To say it: ally -- {word}")


def _first_word(parser: argparse.ArgumentParser, argv: Sequence[str]) -> str | None:
    takes_value = {name for action in parser._actions if action.nargs != 0 for name in action.option_strings}
    skip = False
    for token in argv:
        if skip:
            skip = False
        elif token == "--":  # noqa: S105 - the end of the options, no password
            return None
        elif token.startswith("-"):
            skip = token in takes_value
        else:
            return token
    return None


def _prints(argv: Sequence[str]) -> bool:
    return any(token in ("-p", "--print") for token in argv)


def _nearest_option(parser: argparse.ArgumentParser, option: str) -> str:
    known = [name for action in parser._actions for name in action.option_strings]
    near = difflib.get_close_matches(option.partition("=")[0], known, n=1)
    return f"did you mean {near[0]}?" if near else "ally -h lists what is accepted"


def _chat_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="ally",
        description="The private AI assistant for the terminal that works with any model.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("prompt", nargs="*", metavar="PROMPT", help="what to say first; with -p also read from standard input")
    add("-p", "--print", action="store_true", help="answer once and exit")
    add("-d", "--directory", metavar="DIR", help="work there (created on request)")
    add("-c", "--continue", dest="go_on", action="store_true", help="go on with the last session of this folder")
    add("-i", "--id", "--resume", dest="id", metavar="ID", help="go on with that session (ally sessions)")
    add("--fork", metavar="ID", help="go on with a copy of that session")
    add("--agent", metavar="NAME", help="general (unless set), code_gen, brainstormer or web_searcher")
    add("--provider", metavar="NAME", help="provider for this run (ally providers)")
    add("--model", metavar="NAME", help="model for this run")
    add("--temperature", metavar="X", type=_temperature, help="temperature for this run, 0 to 2")
    add("--output-format", choices=OUTPUT_FORMATS, default="text", help="with -p: what is printed")
    add("--json-schema", metavar="FILE", help="with -p: answer with JSON of this JSON Schema")
    add("--max-turns", metavar="N", type=_count, help="at most N calls of the model for one message")
    add("--max-seconds", metavar="N", type=_seconds, help="at most N seconds for one message")
    add("--rag", action="store_true", help="answer from your indexed collections only (ally kb)")
    add("--permission-mode", choices=PERMISSION_MODES, help="what may be done without asking (else: config.json)")
    add("--allow", metavar="RULE", action="append", default=[], help="runs without asking, e.g. 'shell(make *)'")
    add("--deny", metavar="RULE", action="append", default=[], help="never runs, e.g. 'read(secret/**)'")
    add("--allow-all-tools", action="store_true", help="the same as --permission-mode bypass")
    add("--plain", "--screen-reader", action="store_true", help="plain lines, nothing redrawn, choices by number")
    add("--no-scrollback", action="store_true", help="leave nothing of the chat in the terminal's history at the end")
    add_common(parser)
    parser.add_argument("--version", action="version", version=f"ally {__version__}")
    return parser


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error
    if not 0 <= value <= 2:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 2")
    return value


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from error
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value
