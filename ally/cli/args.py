"""The command line as argparse sees it. Imports nothing heavy: `-h` must be instant."""

import argparse
import difflib
from collections.abc import Sequence
from typing import NoReturn

from ally import __version__
from ally.errors import UsageError

OUTPUT_FORMATS = ("text", "json", "stream-json")
COMMANDS = {
    "providers": "list, show, check and write providers",
    "models": "list, fetch and remove models that run on this machine",
    "config": "show and change settings",
    "doctor": "say what works here and what to do about the rest",
}
_ONLY_PRINT = {"--output-format": "text", "--json-schema": None, "--max-turns": None, "--max-seconds": None}
_EPILOG = "commands (ally COMMAND -h tells more):\n" + "\n".join(
    f"  {name:<11}{text}" for name, text in COMMANDS.items()
)


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are `UsageError`, so that all errors leave through one door."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message.removeprefix("argument "), hint=f"{self.prog} -h lists what is accepted")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The parsed command line; `command` is one of `COMMANDS`, or "chat".

    The first word that is no option decides: the name of a command, unless -p says that it is a prompt.

    Raises:
        UsageError: an unknown option, a missing or bad value.
    """
    parser = _chat_parser()
    if not _prints(argv) and _first_word(parser, argv) in COMMANDS:
        return _command_parser().parse_args(argv)
    end = argv.index("--") if "--" in argv else len(argv)
    args, unknown = parser.parse_known_intermixed_args(argv[:end])
    if unknown:
        raise UsageError(f"unknown option {unknown[0]}", hint=_nearest_option(parser, unknown[0]))
    if not args.print:
        _refuse_in_chat(args)
        if end == len(argv) and len(args.prompt) == 1:
            _refuse_mistyped(args.prompt[0])
    args.command = "chat"
    args.prompt = " ".join([*args.prompt, *argv[end + 1 :]])
    return args


def _refuse_in_chat(args: argparse.Namespace) -> None:
    """An option that would be ignored is an error: whoever sets a limit relies on it."""
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


def _common(parser: argparse.ArgumentParser, *, inherited: bool = False) -> None:
    # A sub-command repeats the options with no default of its own, or it would undo what came before its name.
    default = argparse.SUPPRESS if inherited else False
    parser.add_argument("--offline", action="store_true", default=default, help="nothing leaves this machine, enforced")
    parser.add_argument("--no-color", action="store_true", default=default, help="no colours (also NO_COLOR)")


def _chat_parser() -> argparse.ArgumentParser:
    parser = _Parser(
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
    add("--agent", metavar="NAME", default="general", help="general, code_gen, brainstormer or web_searcher")
    add("--provider", metavar="NAME", help="provider for this run (ally providers)")
    add("--model", metavar="NAME", help="model for this run")
    add("--temperature", metavar="X", type=_temperature, help="temperature for this run, 0 to 2")
    add("--output-format", choices=OUTPUT_FORMATS, default="text", help="with -p: what is printed")
    add("--json-schema", metavar="FILE", help="with -p: answer with JSON of this JSON Schema")
    add("--max-turns", metavar="N", type=_count, help="with -p: at most N calls of the model")
    add("--max-seconds", metavar="N", type=_seconds, help="with -p: at most N seconds")
    add("--plain", action="store_true", help="plain lines, nothing redrawn")
    _common(parser)
    parser.add_argument("--version", action="version", version=f"ally {__version__}")
    return parser


def _command_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="ally", allow_abbrev=False)
    _common(parser)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    for add in (_add_providers, _add_models, _add_config, _add_doctor):
        add(commands)
    return parser


_Commands = argparse._SubParsersAction  # pyright: ignore[reportPrivateUsage] - argparse has no public name for it


def _actions(commands: "_Commands[_Parser]", name: str, default: str) -> "_Commands[_Parser]":
    parser = commands.add_parser(name, help=COMMANDS[name], description=COMMANDS[name].capitalize() + ".")
    _common(parser, inherited=True)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    actions = parser.add_subparsers(dest="action", parser_class=_Parser, metavar="ACTION")
    parser.set_defaults(action=default)
    return actions


def _action(actions: "_Commands[_Parser]", name: str, text: str, *, json: bool = False) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text.capitalize() + ".")
    _common(parser, inherited=True)
    if json:
        parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="machine-readable output")
    return parser


def _add_providers(commands: "_Commands[_Parser]") -> None:
    actions = _actions(commands, "providers", "list")
    _action(actions, "list", "all providers, with where each comes from", json=True)
    _action(actions, "show", "one provider in full", json=True).add_argument("name", metavar="NAME")
    check = _action(actions, "check", "try a provider: answer, stream, tools, errors", json=True)
    check.add_argument("name", metavar="NAME")
    check.add_argument("--model", metavar="M", help="the model to try; else the provider's default")
    _action(actions, "new", "write a commented plug-in to start from").add_argument("name", metavar="NAME")


def _add_models(commands: "_Commands[_Parser]") -> None:
    actions = _actions(commands, "models", "list")
    _action(actions, "list", "models on this machine and in the catalogue", json=True)
    pull = _action(actions, "pull", "fetch a model, resuming where it stopped")
    pull.add_argument("name", metavar="NAME")
    pull.add_argument("--from", dest="source", metavar="SOURCE", help="a .gguf file, or hf:OWNER/REPO/FILE.gguf")
    pull.add_argument("--force", action="store_true", help="fetch again although it is there")
    _action(actions, "remove", "delete a model that was fetched").add_argument("name", metavar="NAME")


def _add_config(commands: "_Commands[_Parser]") -> None:
    actions = _actions(commands, "config", "show")
    _action(actions, "show", "every setting and where it was set", json=True)
    _action(actions, "get", "one setting", json=True).add_argument("key", metavar="KEY")
    change = _action(actions, "set", "change one setting")
    change.add_argument("key", metavar="KEY")
    change.add_argument("value", metavar="VALUE", help="JSON, or plain text")
    _action(actions, "path", "the files that are read")
    _action(actions, "schema", "the JSON Schema of config.json")


def _add_doctor(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser("doctor", help=COMMANDS["doctor"], description=COMMANDS["doctor"].capitalize() + ".")
    _common(parser, inherited=True)
    parser.add_argument("--json", action="store_true", help="machine-readable output")


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
