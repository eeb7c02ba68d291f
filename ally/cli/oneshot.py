"""`ally -p`: answer once and exit."""

import argparse
import asyncio
import json
import sys
import threading
import uuid
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from ally.app import App
from ally.chat.activity import Activity, title_of
from ally.chat.chat import open_chat
from ally.chat.commands.permissions import policy_of
from ally.cli import exits
from ally.cli.folder import enter
from ally.cli.outcome import LIMITS, Outcome
from ally.cli.outputs import Output, TextOutput, open_output
from ally.cli.plain_front import PlainFront
from ally.cli.signals import exit_code, leaving, stopping
from ally.cli.starting import start_of
from ally.cli.terminal import report, say
from ally.cli.trusting import untrusted_notice
from ally.engine.conversation import Conversation
from ally.engine.loop import send
from ally.engine.schema import UnknownReference, read_form
from ally.errors import AllyError, BadReply, UsageError
from ally.events import Notice, PermissionDenied
from ally.messages import JsonObject, user
from ally.terminal.text import one_line

_STDIN_NOTICE_S = 3.0


def run(args: argparse.Namespace, app: App) -> int:
    """Answer the prompt and return the exit code."""
    outcome = Outcome(session_id=str(uuid.uuid4()), agent=args.agent or "general")  # until there is a session
    output = open_output(args.output_format, outcome, has_schema=args.json_schema is not None)
    try:
        prompt = _prompt(args.prompt)
        schema = _read_schema(args.json_schema) if args.json_schema else None
        if args.directory:
            enter(Path(args.directory))
        if notice := untrusted_notice(app, Path.cwd()):
            say(notice)
        with leaving():
            code = asyncio.run(_run(args, app, _Task(prompt, schema, outcome, output)))
    except AllyError as error:
        outcome.error = error
        code = exits.exit_code(error)
    output.finish(outcome)
    if outcome.error is not None:
        report(outcome.error)
    return code


@dataclass(frozen=True, slots=True)
class _Task:
    """What is asked, and where the answer goes."""

    prompt: str
    schema: JsonObject | None
    outcome: Outcome
    output: Output


async def _run(args: argparse.Namespace, app: App, task: _Task) -> int:
    """Answer in the session that the options name. Nobody can be asked, so that what is not allowed is denied."""
    chat = await open_chat(app, start_of(args), PlainFront())
    outcome, talk = task.outcome, chat.talk
    outcome.session_id, outcome.agent = chat.session.id, chat.agent
    outcome.tools = [spec.name for spec in talk.tool_specs()]
    outcome.permission_mode = policy_of(chat).mode
    talk.json_schema = task.schema
    chat.begin_step(task.prompt)
    try:
        code = await _answer(talk, task)
    finally:
        await chat.close()
    outcome.session_id = chat.session.id  # another one if two processes went on with the same
    return code


async def _answer(talk: Conversation, task: _Task) -> int:
    outcome = task.outcome
    activity = Activity() if isinstance(task.output, TextOutput) and sys.stderr.isatty() else None
    with stopping(talk.interrupt) as received:
        async with aclosing(send(talk, user(task.prompt))) as events:
            async for event in events:
                outcome.add(event)
                task.output.show(event)
                if isinstance(event, Notice):
                    _notice(event)
                if isinstance(event, PermissionDenied) and activity is None:
                    say(f"{title_of(event.call)} was not allowed: {one_line(event.reason)}.")
                for line in activity.lines(event) if activity else ():
                    say(line)
    if outcome.stop_reason == "interrupted":
        return exit_code(received.number)
    if outcome.error is not None:
        return exits.exit_code(outcome.error)
    if outcome.stop_reason in ("max_turns", "max_seconds"):
        say(f"Stopped: the limit --{outcome.stop_reason.replace('_', '-')} was reached.")
    if outcome.stop_reason == "length":
        say("The answer reached the model's length limit.")
    if outcome.stop_reason in LIMITS:
        return exits.LIMIT
    if talk.json_schema is not None:
        outcome.structured_output = _structured(outcome, talk.json_schema)
    return exits.OK


def _notice(event: Notice) -> None:
    say(event.text if event.retry_in_s is None else f"{event.text.removesuffix('.')} in {event.retry_in_s:.1f} s.")


def _prompt(words: str) -> str:
    """What standard input holds, if it is no terminal, followed by the prompt of the command line.

    Models answer better when the question comes after the text it is about.

    Raises:
        UsageError: both are empty.
    """
    piped = "" if sys.stdin is None or sys.stdin.isatty() else _read_stdin()
    prompt = "\n\n".join(part for part in (piped.strip(), words.strip()) if part)
    if not prompt:
        raise UsageError("There is nothing to answer.", hint='give a prompt: ally -p "…", or pipe text in')
    return prompt


def _read_stdin() -> str:
    notice = threading.Timer(_STDIN_NOTICE_S, say, ["Reading standard input … (end it with Ctrl-D or </dev/null)"])
    notice.daemon = True
    notice.start()
    try:
        return sys.stdin.buffer.read().decode("utf-8", errors="replace")
    finally:
        notice.cancel()


def _read_schema(path: str) -> JsonObject:
    """The JSON Schema in `path`.

    Raises:
        UsageError: the file cannot be read or holds no valid JSON Schema.
    """
    from jsonschema import Draft202012Validator, SchemaError  # heavy

    try:
        schema = json.loads(Path(path).read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
    except OSError as error:
        raise UsageError(f"--json-schema {path}: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"--json-schema {path}: no JSON: {error}.") from error
    except SchemaError as error:
        raise UsageError(f"--json-schema {path}: {error.message} at {error.json_path}") from error
    if not isinstance(schema, dict):
        raise UsageError(f"--json-schema {path}: a schema is a JSON object.")
    return schema  # pyright: ignore[reportUnknownVariableType] - checked: keys of JSON objects are str


def _structured(outcome: Outcome, schema: JsonObject) -> object:
    """The answer as a JSON value of `schema`.

    Raises:
        BadReply: it is none.
        UsageError: the schema refers to something that is not part of it.
    """
    try:
        return read_form(outcome.result, schema)
    except UnknownReference as missing:
        raise UsageError(f"--json-schema refers to {missing}, which is not part of it.") from missing
    except ValueError as error:
        hint = "try again, or a larger model; the answer is in `result`"
        raise BadReply(f"The answer is no JSON of the schema: {error}.", hint=hint) from error
