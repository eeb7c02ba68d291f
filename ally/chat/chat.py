"""A running chat, and opening one."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from ally.app import App, Consent
from ally.chat.front import Front
from ally.chat.reading import Reading
from ally.chat.rewinding import Said, label, rewind, said, steps_since
from ally.chat.start import Start
from ally.chat.tally import Tally
from ally.engine.conversation import Conversation, Limits
from ally.engine.grounding import Grounding
from ally.errors import UsageError
from ally.sessions.session import Session


@dataclass(slots=True)
class Chat:
    """A running chat in the working folder; what slash commands work on.

    `readings` are the runs over collections, by name, that were begun here.
    """

    app: App
    start: Start
    consent: Consent
    front: Front
    talk: Conversation
    session: Session
    agent: str
    tally: Tally = field(default_factory=Tally)
    is_over: bool = False
    readings: dict[str, Reading] = field(default_factory=dict[str, Reading])

    async def change_session(self, session: Session) -> None:
        """Go on with `session`, with the same model.

        Raises:
            AllyError: it cannot be read; the chat goes on as it was.
        """
        profile = self.talk.model.profile
        await self._go_on(session.agent, session, profile.provider, profile.model)
        self.front.show(self.talk.messages)

    async def change_agent(self, name: str) -> None:
        """Go on as another agent, on what the settings say for it, with the same history.

        Raises:
            AllyError: there is no such agent, or its model cannot be had; the chat goes on as it was.
        """
        await self._go_on(name, self.session, self.start.provider, self.start.model)

    def begin_step(self, text: str) -> None:
        """What is changed from now on is one step of /undo, named by what the user said."""
        if self.talk.checkpoints is not None:
            self.talk.checkpoints.begin(label(text))

    def said(self) -> list[Said]:
        """The messages of the user that `rewind` can go back to, oldest first.

        Raises:
            StorageError: the session cannot be read.
        """
        return said(self)

    def steps_since(self, index: int) -> int:
        """How many steps of /undo came of the messages from `said()[index]` on.

        Raises:
            StorageError: the session or the steps cannot be read.
        """
        return steps_since(self, index)

    async def rewind(self, index: int, *, files: bool) -> str:
        """Go back to before `said()[index]`; its text, to be written anew. Not while a turn runs.

        The front end shows the conversation that is left and is told what happened. With `files` also what was
        changed in files since is taken back, as /undo does. Queued messages stay queued.

        Raises:
            UsageError: there is no such message.
            StorageError: the session or the steps cannot be read, or a step cannot be taken back.
        """
        return await rewind(self, index, files=files)

    async def close(self) -> None:
        """Let go of the model, and end what runs in the background."""
        for reading in self.readings.values():
            reading.stop()
        await self.talk.model.close()
        await asyncio.to_thread(self.app.tidy)

    async def _go_on(self, agent: str, session: Session, provider: str | None, model: str | None) -> None:
        before = self.talk
        talk = self.app.converse(agent, provider=provider, model=model, temperature=self.start.temperature)
        try:
            self.app.equip(talk, agent, session, self.consent)
        except BaseException:
            await talk.model.close()
            raise
        talk.limits, talk.grounding = before.limits, before.grounding
        self.talk, self.session, self.agent = talk, session, agent
        await before.model.close()


async def open_chat(app: App, start: Start, front: Front) -> Chat:
    """A chat in the working folder.

    It may be opened in the event loop of another thread: nothing of it is bound to one before the first turn.

    Raises:
        AllyError: the session, agent, provider or model cannot be had.
    """
    session = open_session(app, start)
    agent = start.agent or session.agent
    talk = app.converse(agent, provider=start.provider, model=start.model, temperature=start.temperature)
    try:
        app.equip(talk, agent, session, start.consent)
        await asyncio.to_thread(app.recover, talk)
    except BaseException:
        await talk.model.close()
        raise
    talk.limits = Limits(start.max_turns, start.max_seconds)
    talk.grounding = Grounding(rewrite=app.settings.knowledge.rewrite) if start.is_grounded else None
    return Chat(app, start, start.consent, front, talk, session, agent)


def open_session(app: App, start: Start) -> Session:
    """The session that the user asks for, else a new one.

    Raises:
        UsageError: there is no such session.
        StorageError: the database cannot be read.
    """
    folder = Path.cwd()
    if start.fork is not None:
        return app.sessions.fork(start.fork)
    if start.id is not None:
        return app.sessions.resume(start.id)
    if start.go_on:
        latest = app.sessions.latest(folder)
        if latest is None:
            raise UsageError("There is no session of this folder yet.", hint="ally sessions --all lists the others")
        return latest
    return app.sessions.start(folder, start.agent or "general")
