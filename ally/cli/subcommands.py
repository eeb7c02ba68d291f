"""What the sub-commands of `ally` accept. Imports nothing heavy: `-h` must be instant."""

import argparse
from typing import NoReturn

from ally.errors import UsageError

COMMANDS = {
    "providers": "list, show, check and write providers",
    "models": "list, fetch, check and remove the models of this machine and its servers",
    "agents": "list and show the agents: their models, temperatures and prompts",
    "sessions": "list, show, search, export, fork and delete sessions",
    "kb": "read your files into collections, and search them",
    "permissions": "show the rules, and what they say about a call",
    "config": "show and change settings",
    "doctor": "say what works here and what to do about the rest",
    "serve": "the chat in a browser of this machine",
}
PERMISSION_MODES = ("ask", "accept-edits", "plan", "bypass")


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are `UsageError`, so that all errors leave through one door."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message.removeprefix("argument "), hint=f"{self.prog} -h lists what is accepted")


def add_common(parser: argparse.ArgumentParser, *, inherited: bool = False) -> None:
    """Add the options that every command takes."""
    # A sub-command repeats the options with no default of its own, or it would undo what came before its name.
    default = argparse.SUPPRESS if inherited else False
    parser.add_argument("--offline", action="store_true", default=default, help="nothing leaves this machine, enforced")
    parser.add_argument("--no-color", action="store_true", default=default, help="no colours (also NO_COLOR)")


def command_parser() -> argparse.ArgumentParser:
    """The parser of lines whose first word is one of `COMMANDS`."""
    parser = Parser(prog="ally", allow_abbrev=False)
    add_common(parser)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    adders = (_add_providers, _add_models, _add_agents, _add_sessions, _add_kb, _add_permissions, _add_config)
    for add in (*adders, _add_doctor, _add_serve):
        add(commands)
    return parser


_Commands = argparse._SubParsersAction  # pyright: ignore[reportPrivateUsage] - argparse has no public name for it


def _actions(commands: "_Commands[Parser]", name: str, default: str, /, **defaults: object) -> "_Commands[Parser]":
    parser = commands.add_parser(name, help=COMMANDS[name], description=COMMANDS[name].capitalize() + ".")
    add_common(parser, inherited=True)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    actions = parser.add_subparsers(dest="action", parser_class=Parser, metavar="ACTION")
    parser.set_defaults(action=default, **defaults)
    return actions


def _action(actions: "_Commands[Parser]", name: str, text: str, *, json: bool = False) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text.capitalize() + ".")
    add_common(parser, inherited=True)
    if json:
        parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="machine-readable output")
    return parser


def _add_providers(commands: "_Commands[Parser]") -> None:
    actions = _actions(commands, "providers", "list")
    _action(actions, "list", "all providers, with where each comes from", json=True)
    _action(actions, "show", "one provider in full", json=True).add_argument("name", metavar="NAME")
    check = _action(actions, "check", "try a provider: answer, stream, tools, errors", json=True)
    check.add_argument("name", metavar="NAME")
    check.add_argument("--model", metavar="M", help="the model to try; else the provider's default")
    _action(actions, "new", "write a commented plug-in to start from").add_argument("name", metavar="NAME")


def _add_models(commands: "_Commands[Parser]") -> None:
    actions = _actions(commands, "models", "list")
    _action(actions, "list", "models on this machine and in the catalogue", json=True)
    pull = _action(actions, "pull", "fetch a model, resuming where it stopped")
    pull.add_argument("name", metavar="NAME", help="of the catalogue, ollama:NAME, or one of your own with --from")
    pull.add_argument("--from", dest="source", metavar="SOURCE", help="a .gguf file, hf:OWNER/REPO/FILE.gguf, ollama")
    pull.add_argument("--force", action="store_true", help="fetch again although it is there")
    check = _action(actions, "check", "try how well a model calls tools here, and keep the best way", json=True)
    check.add_argument("name", metavar="NAME", help="a model, or PROVIDER:MODEL")
    check.add_argument("--provider", metavar="P", help="whose model it is; else the one in use")
    check.add_argument("--strategy", choices=("native", "schema", "text"), help="try only this way")
    update = _action(actions, "update", "fetch the newest list of what hosted models hold, do and cost", json=True)
    update.add_argument("--from", dest="source", metavar="SOURCE", help="another address, or a file")
    remove = _action(actions, "remove", "delete a model that was fetched")
    remove.add_argument("name", metavar="NAME", help="as listed; ollama:NAME or local:NAME says whose")


def _add_agents(commands: "_Commands[Parser]") -> None:
    actions = _actions(commands, "agents", "list")
    _action(actions, "list", "all agents, with what each runs on", json=True)
    show = _action(actions, "show", "one agent in full, and where each of its settings comes from", json=True)
    show.add_argument("name", metavar="NAME", help="general, code_gen, brainstormer or web_searcher")


def _add_sessions(commands: "_Commands[Parser]") -> None:
    actions, parser = _actions(commands, "sessions", "list"), commands.choices["sessions"]
    everywhere = "the sessions of every folder"
    parser.add_argument("--all", action="store_true", help=everywhere)
    parser.set_defaults(id=None, text=None, format="md", output=None, yes=False)
    listing = _action(actions, "list", "the sessions of this folder, newest first", json=True)
    listing.add_argument("--all", action="store_true", default=argparse.SUPPRESS, help=everywhere)
    show = _action(actions, "show", "what was said in one session", json=True)
    search = _action(actions, "search", "the sessions that hold certain words", json=True)
    search.add_argument("text", metavar="TEXT")
    search.add_argument("--all", action="store_true", default=argparse.SUPPRESS, help=everywhere)
    export = _action(actions, "export", "one session as a document")
    fork = _action(actions, "fork", "copy a session, to go on from it in another way", json=True)
    delete = _action(actions, "delete", "delete a session")
    for action in (show, export, fork, delete):
        action.add_argument("id", metavar="ID", help="the id of a session, or how it begins")
    export.add_argument("--format", choices=("md", "json", "html"), default="md", help="md, json or html")
    export.add_argument("-o", "--output", metavar="FILE", help="write there; else to standard output")
    delete.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _add_kb(commands: "_Commands[Parser]") -> None:
    actions = _actions(commands, "kb", "list", name=None, skipped=False)
    listing = _action(actions, "list", "all collections, or the files of one and why some were skipped", json=True)
    listing.add_argument("name", metavar="NAME", nargs="?", help="the name of a collection")
    listing.add_argument("--skipped", action="store_true", help="of its files only those that were skipped")
    add = _action(actions, "add", "read a file or a folder into a collection, which is made if need be", json=True)
    add.add_argument("path", metavar="PATH")
    sync = _action(actions, "sync", "read what is new, changed, moved or gone since", json=True)
    search = _action(actions, "search", "the passages that answer a question", json=True)
    search.add_argument("text", metavar="TEXT")
    search.add_argument("-c", "--collection", metavar="NAME", action="append", help="only there; else in all indexed")
    search.add_argument("-n", "--limit", metavar="N", type=int, default=8, help="how many at most (8)")
    search.add_argument("--explain", action="store_true", help="say why each came, and what was left out")
    search.add_argument("--whole", action="store_true", help="whole passages instead of their beginning")
    remove = _action(actions, "remove", "delete a collection; its files stay where they are")
    index = _action(actions, "index", "let answers use a collection")
    unindex = _action(actions, "unindex", "keep a collection out of answers")
    measure = _action(actions, "eval", "measure how well a collection is found, and compare settings", json=True)
    for action in (add, sync, remove, index, unindex, measure):
        action.add_argument("name", metavar="NAME", help="the name of the collection")
    for action in (add, sync):
        action.add_argument("--watch", action="store_true", help="go on whenever files change, until Ctrl-C")
    sync.add_argument("--rebuild", action="store_true", help="read and embed everything anew")
    remove.add_argument("-y", "--yes", action="store_true", help="do not ask")
    option = measure.add_argument
    option("--chunk-tokens", metavar="N,N", help="also with passages of up to so many tokens")
    option("--embedder", metavar="PROVIDER/MODEL", action="append", help="also with this one; may be given again")
    option("--questions", choices=("own", "model"), default="own", help="model: let a model write some as well")
    option("--limit", metavar="N", type=int, default=200, help="how many questions at most (200)")


def _add_permissions(commands: "_Commands[Parser]") -> None:
    actions = _actions(commands, "permissions", "list")
    _action(actions, "list", "the rules in force and where each comes from", json=True)
    test = _action(actions, "test", "which rule decides about a call, and how", json=True)
    test.add_argument("call", metavar="CALL", help="as in rules: 'shell(git status)', 'edit(src/a.py)'")


def _add_config(commands: "_Commands[Parser]") -> None:
    actions = _actions(commands, "config", "show")
    _action(actions, "show", "every setting and where it was set", json=True)
    _action(actions, "get", "one setting", json=True).add_argument("key", metavar="KEY")
    change = _action(actions, "set", "change one setting")
    change.add_argument("key", metavar="KEY")
    change.add_argument("value", metavar="VALUE", help="JSON, or plain text")
    _action(actions, "unset", "take one setting out of its file").add_argument("key", metavar="KEY")
    _action(actions, "path", "the files that are read")
    _action(actions, "schema", "the JSON Schema of config.json")


def _add_doctor(commands: "_Commands[Parser]") -> None:
    parser = commands.add_parser("doctor", help=COMMANDS["doctor"], description=COMMANDS["doctor"].capitalize() + ".")
    add_common(parser, inherited=True)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--bench", action="store_true", help="measure the models on this machine and propose settings")


def _add_serve(commands: "_Commands[Parser]") -> None:
    text = COMMANDS["serve"]
    parser = commands.add_parser("serve", help=text, description=f"Serve {text}, on loopback and with a token.")
    add_common(parser, inherited=True)
    add = parser.add_argument
    add("--port", metavar="N", type=int, default=0, help="the port; 0, as it is unless set: a free one")
    add("-d", "--directory", metavar="DIR", help="work there (created on request)")
    add("--agent", metavar="NAME", help="the agent of new chats")
    add("--provider", metavar="NAME", help="their provider (ally providers)")
    add("--model", metavar="NAME", help="their model")
    add("--permission-mode", choices=PERMISSION_MODES, help="what may be done without asking (else: config.json)")
