"""What slash commands work on, and what one is."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from ally.app import App, Consent
from ally.cli.terminal import one_line
from ally.engine.conversation import Conversation, Limits
from ally.errors import UsageError
from ally.sessions.session import Session

_LABEL_CHARACTERS = 80


@dataclass(slots=True)
class Chat:
    """A running chat in the working folder. `say` tells of something that takes a while, before its result is there."""

    app: App
    args: argparse.Namespace
    consent: Consent
    say: Callable[[str], None]
    talk: Conversation
    session: Session
    agent: str
    is_over: bool = False

    async def change_session(self, session: Session) -> None:
        """Go on with `session`, with the same model.

        Raises:
            AllyError: it cannot be read; the chat goes on as it was.
        """
        profile = self.talk.model.profile
        await self._go_on(session.agent, session, profile.provider, profile.model)

    async def change_agent(self, name: str) -> None:
        """Go on as another agent, on what the settings say for it, with the same history.

        Raises:
            AllyError: there is no such agent, or its model cannot be had; the chat goes on as it was.
        """
        await self._go_on(name, self.session, self.args.provider, self.args.model)

    def begin_step(self, text: str) -> None:
        """What is changed from now on is one step of /undo, named by what the user said."""
        if self.talk.checkpoints is not None:
            self.talk.checkpoints.begin(one_line(text)[:_LABEL_CHARACTERS])

    async def close(self) -> None:
        """Let go of the model, and end what runs in the background."""
        await self.talk.model.close()
        await asyncio.to_thread(self.app.tidy)

    async def _go_on(self, agent: str, session: Session, provider: str | None, model: str | None) -> None:
        before = self.talk
        talk = self.app.converse(agent, provider=provider, model=model, temperature=self.args.temperature)
        try:
            self.app.equip(talk, agent, session, self.consent)
        except BaseException:
            await talk.model.close()
            raise
        talk.limits = before.limits
        self.talk, self.session, self.agent = talk, session, agent
        await before.model.close()


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command; `run` gets what stands after its name and gives what is shown."""

    usage: str
    help: str
    run: Callable[[Chat, str], Awaitable[str]]


async def open_chat(app: App, args: argparse.Namespace, consent: Consent, say: Callable[[str], None]) -> Chat:
    """A chat in the working folder, as the command line asks for it.

    Raises:
        AllyError: the session, agent, provider or model cannot be had.
    """
    session = open_session(app, args)
    agent = args.agent or session.agent
    talk = app.converse(agent, provider=args.provider, model=args.model, temperature=args.temperature)
    try:
        app.equip(talk, agent, session, consent)
        await asyncio.to_thread(app.recover, talk)
    except BaseException:
        await talk.model.close()
        raise
    talk.limits = Limits(args.max_turns, args.max_seconds)
    return Chat(app, args, consent, say, talk, session, agent)


def open_session(app: App, args: argparse.Namespace) -> Session:
    """The session that the command line asks for, else a new one.

    Raises:
        UsageError: there is no such session.
        StorageError: the database cannot be read.
    """
    folder = Path.cwd()
    if args.fork is not None:
        return app.sessions.fork(args.fork)
    if args.id is not None:
        return app.sessions.resume(args.id)
    if args.go_on:
        latest = app.sessions.latest(folder)
        if latest is None:
            raise UsageError("There is no session of this folder yet.", hint="ally sessions --all lists the others")
        return latest
    return app.sessions.start(folder, args.agent or "general")
