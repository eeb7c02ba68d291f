"""The composition root: settings in, a wired application out.

Importing it imports next to nothing: the screen is painted before anything of this is needed.
"""

import platform
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ally.config.paths import Paths, find_checkout, find_paths, moved_folder
from ally.egress.quiet import silence
from ally.errors import StorageError

if TYPE_CHECKING:
    from ally.config.load import Loaded
    from ally.config.secrets import Keys
    from ally.config.settings import PermissionMode, Settings
    from ally.engine.conversation import Conversation
    from ally.engine.gate import Asker
    from ally.knowledge import Knowledge
    from ally.permissions.memory import Answers
    from ally.permissions.policy import Policy
    from ally.permissions.rules import Rule
    from ally.permissions.trust import Trust
    from ally.providers.model import Profile, ToolCalling
    from ally.providers.registry import ProviderRegistry
    from ally.rag.library import Library
    from ally.sandbox import Sandbox
    from ally.sessions.session import Session
    from ally.sessions.store import Sessions
    from ally.tools.jobs import Jobs
    from ally.tools.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Consent:
    """What the command line allows and denies, and who can be asked about the rest; None is the settings' mode."""

    mode: "PermissionMode | None" = None
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    asker: "Asker | None" = None


@dataclass
class App:
    """Everything a front end needs, made when it is first asked for, so that listing costs no more than listing."""

    env: MutableMapping[str, str]
    paths: Paths
    checkout: Path | None
    offline: bool
    warn: Callable[[str], None]
    given_keys: Mapping[str, str | None] | None

    @classmethod
    def open(
        cls,
        env: MutableMapping[str, str],
        *,
        offline: bool,
        api_keys: Mapping[str, str | None] | None,
        warn: Callable[[str], None],
    ) -> "App":
        """The application for this process; telemetry of every library is off and offline mode is on from here."""
        offline = offline or _is_offline_wanted(env)
        _close_ways_out(env, offline)
        return cls(env, find_paths(env), find_checkout(), offline, warn, api_keys)

    @cached_property
    def loaded(self) -> "Loaded":
        """Settings with the place where each was set."""
        _ = self.env_files  # first: an .env file may set ALLY_* variables
        loaded = self.load({})
        for notice in loaded.tightening.notices if loaded.tightening else ():
            self.warn(notice)
        return loaded

    def load(self, flags: Mapping[str, object]) -> "Loaded":
        """The settings with these flags, and with those of the working folder if the user trusts it."""
        from ally.config.load import load_settings  # heavy

        folder = _working_folder()
        trusted = folder if folder is not None and self.trust.is_trusted(folder) else None
        return load_settings(self.paths, self.checkout, self.env, flags, trusted=trusted)

    @property
    def settings(self) -> "Settings":
        """What the user set."""
        return self.loaded.settings

    @property
    def origins(self) -> dict[str, str]:
        """Dotted key to the file or variable it came from."""
        return self.loaded.origins

    @cached_property
    def env_files(self) -> dict[str, Path]:
        """Variables that came from an `.env` file, now in the environment, and the file of each."""
        from ally.config.secrets import load_env_files  # heavy

        files = load_env_files(self.paths, self.checkout, self.env)
        _close_ways_out(self.env, self.offline)  # again: a file may have named a proxy or a tracing service
        return files

    @cached_property
    def keys(self) -> "Keys":
        """Keys from `main.py`, the environment and the `.env` files."""
        from ally.config.secrets import Keys  # heavy
        from ally.plugins import read_api_keys  # heavy

        files, given = self.env_files, self.given_keys
        if given is None:
            given = read_api_keys(self.checkout) if self.checkout else {}
        return Keys(self.env, given, files)

    @cached_property
    def registry(self) -> "ProviderRegistry":
        """All providers; what its discovery has to say goes to `warn`."""
        from ally.providers.registry import ProviderRegistry, Sources  # heavy

        sources = Sources(
            checkout=self.checkout,
            user_dir=self.paths.config / "providers",
            endpoints=self.settings.endpoints,
            cache_file=self.paths.cache / "providers.json",
            provider_options=self.settings.provider_options,
        )
        registry = ProviderRegistry(sources)
        for warning in registry.warnings:
            self.warn(warning)
        return registry

    @cached_property
    def sessions(self) -> "Sessions":
        """What was said before, in `sessions.db` of the data folder, or of `ALLY_HISTORY_DIR`."""
        from ally.sessions.store import Sessions  # heavy

        return Sessions.open(self.history, self.warn)

    @cached_property
    def history(self) -> Path:
        """The file of the sessions."""
        _ = self.env_files  # first: an .env file may set ALLY_* variables
        return moved_folder(self.env, "ALLY_HISTORY_DIR", self.paths.data, self.warn) / "sessions.db"

    @cached_property
    def trust(self) -> "Trust":
        """Which folders the user trusts, in `trust.json` of the state folder."""
        from ally.permissions.trust import Trust  # heavy

        return Trust(self.paths.state / "trust.json", notify=self.warn)

    @cached_property
    def answers(self) -> "Answers":
        """What the user's answers allow in the working folder, in `permissions.json` of the state folder."""
        from ally.permissions.memory import Answers  # heavy

        return Answers(self.paths.state / "permissions.json", _working_folder() or Path("/"), self.warn)

    @cached_property
    def knowledge(self) -> "Knowledge":
        """Where the user's collections are, and what makes their vectors."""
        from ally.knowledge import Knowledge  # heavy

        _ = self.env_files  # first: an .env file may set ALLY_* variables
        return Knowledge(self.env, self.paths, self.checkout, self.warn, lambda: self.settings, lambda: self.keys)

    @cached_property
    def library(self) -> "Library":
        """The user's collections of files, in `kb` of the data folder, of `ALLY_DATABASE_DIR`, or in a database."""
        return self.knowledge.open_library()

    def converse(
        self, agent: str, *, provider: str | None = None, model: str | None = None, temperature: float | None = None
    ) -> "Conversation":
        """A new conversation with `agent`; the other arguments override its settings for this one.

        It has no tools and is kept nowhere: `equip` gives it both.

        Raises:
            AllyError: the agent, provider or model cannot be had; nothing was sent anywhere.
        """
        # Listing and configuring need none of these.
        from ally.agents.spec import load_agent  # heavy
        from ally.engine.conversation import Conversation  # heavy
        from ally.engine.prompt import system_prompt  # heavy
        from ally.providers.connect import Choice, connect  # heavy
        from ally.providers.default import default_choice  # heavy

        spec = load_agent(agent)
        flags = {"provider": provider, "model": model, "temperature": temperature}
        settings = self.load(flags).settings
        wanted = settings.for_agent(agent)
        ollama = settings.provider_options.get("ollama", {})
        found = None if wanted.provider else default_choice(self.env, ollama, self.warn)
        choice = Choice(
            provider=found.provider if found else str(wanted.provider),
            model=wanted.model or (found.model if found else None),
            temperature=spec.temperature if wanted.temperature is None else wanted.temperature,
        )
        connected = connect(self.registry, self.keys, choice, settings.provider_options, self.warn, self.verdict)
        prompt, profile = wanted.system_prompt or spec.prompt, connected.profile
        has_tools = profile.tools and not profile.is_tiny
        system = system_prompt(prompt, self._instructions(), has_tools=has_tools, is_short=profile.is_small)
        return Conversation(connected, system=system)

    def equip(self, talk: "Conversation", agent: str, session: "Session", consent: Consent) -> None:
        """Let `talk` work in the current folder, with the agent's tools, and be kept in `session` and go on from it.

        Raises:
            ConfigError, UsageError: a permission rule cannot be understood.
            StorageError: the session cannot be read.
        """
        from ally.checkpoints import Checkpoints  # heavy
        from ally.engine.gate import Gate  # heavy
        from ally.rag.librarian import Librarian  # heavy
        from ally.storage.sqlite import database_files  # heavy
        from ally.tools.workspace import Workspace  # heavy

        folder = Path.cwd().resolve()
        workspace = Workspace(folder, Path.home().resolve(), self.paths.cache / "spill" / session.id)
        policy = self.policy(workspace, consent)
        talk.go_on(session.load())
        talk.log = session
        talk.spill = workspace.spill
        talk.gate = Gate(policy, self.answers, consent.asker, lambda: _in_words(self.sandbox))
        own = [*self.paths.written(folder), self.knowledge.folder, *database_files(self.history)]
        talk.checkpoints = Checkpoints(self.paths.state / "checkpoints", folder, session.id, own=own)
        talk.librarian = Librarian.under(policy, lambda: self.library, self.knowledge.has_collections)
        self.hand_tools(talk, agent, workspace, policy)
        talk.notes += self.circumstances(talk)

    def circumstances(self, talk: "Conversation") -> list[str]:
        """What `talk` is told of where and when it is, with its first message."""
        from ally.engine.prompt import circumstances  # heavy

        if talk.model.profile.is_tiny:  # it would only repeat it
            return []
        return [circumstances(Path.cwd().resolve(), platform.system(), datetime.now().astimezone().date())]

    def hand_tools(self, talk: "Conversation", agent: str, workspace: "Workspace", policy: "Policy") -> None:
        """Give `talk` the tools of `agent`."""
        from ally.agents.spec import load_agent  # heavy
        from ally.tools.catalogue import Bench, build_tools  # heavy

        bench = Bench(
            workspace=workspace,
            sandbox=lambda: self.sandbox,
            hidden=policy.hidden,
            secrets=policy.secrets,
            images=lambda: talk.model.profile.images,
            jobs=self.jobs,
            librarian=talk.librarian,
            sources=lambda: talk.sources,
            window=lambda: talk.model.profile.context_window,
        )
        talk.give(build_tools(load_agent(agent).tools, bench))

    def policy(self, workspace: "Workspace", consent: Consent) -> "Policy":
        """What may happen in `workspace` without asking.

        Raises:
            ConfigError, UsageError: a rule cannot be understood.
        """
        from ally.permissions.configured import find_place  # heavy
        from ally.permissions.policy import Policy  # heavy

        place = find_place(self.paths, self.checkout, workspace.root, workspace.home, [workspace.spill])
        mode = consent.mode or self.settings.permissions.mode
        answers = self.answers
        return Policy(
            place, self._rules(consent), mode, confined=lambda: self.sandbox.tier == "A", answers=answers.rules
        )

    @cached_property
    def jobs(self) -> "Jobs":
        """The commands that run in the background; they end with the program."""
        from ally.tools.jobs import Jobs  # heavy

        return Jobs()

    def recover(self, talk: "Conversation") -> None:
        """Put in order what an Ally that was killed has left in the current folder.

        What it was changing becomes a step of undo; half-written files and what the sandbox needed are removed.
        """
        from ally.sandbox import tidy  # heavy

        tidy(Path.cwd())
        try:
            if talk.checkpoints is not None:
                talk.checkpoints.recover()
        except StorageError as error:
            self.warn(error.message)

    def tidy(self) -> None:
        """End what runs in the background, and drop old snapshots and old output that was too long for a model."""
        from ally.checkpoints import prune  # heavy
        from ally.tools.output import drop_old  # heavy

        self.jobs.close()
        prune(self.paths.state / "checkpoints")
        drop_old(self.paths.cache / "spill")

    @cached_property
    def sandbox(self) -> "Sandbox":
        """Where commands run; the machine is tried when this is first asked for."""
        from ally.sandbox import choose  # heavy

        return choose(self.env, self.keys.values())

    def _rules(self, consent: Consent) -> "list[Rule]":
        from ally.permissions.configured import configured_rules  # heavy
        from ally.permissions.rules import parse_rule  # heavy
        from ally.tools.catalogue import why_unknown  # heavy

        allowed = (parse_rule(text, "allow", "--allow") for text in consent.allow)
        denied = (parse_rule(text, "deny", "--deny") for text in consent.deny)
        rules = [*allowed, *denied, *configured_rules(self.loaded)]
        for rule in rules:
            if why := why_unknown(rule.tool):
                self.warn(f"The rule {rule} has no effect: {why}")
        return rules

    def verdict(self, profile: "Profile") -> "ToolCalling | None":
        """How `ally models check` found that the model calls tools best."""
        from ally.models.verdicts import Verdicts  # heavy

        return Verdicts.of_user(self.paths).strategy(profile.provider, profile.model, profile.digest)

    def _instructions(self) -> str:
        """What AGENTS.md says, the user's own and that of the folder if it is trusted."""
        from ally.engine.instructions import as_text, find  # heavy

        found = find(Path.cwd().resolve(), self.paths.config, self.trust.is_trusted)
        for one in found:
            if one.notice:
                self.warn(one.notice)
        return as_text(found)


def _in_words(sandbox: "Sandbox") -> str:
    """How a question names it; empty for none."""
    return "" if sandbox.tier == "C" else f"{sandbox.name} (tier {sandbox.tier})"


def _working_folder() -> Path | None:
    """The folder one works in; None when somebody removed it."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _close_ways_out(env: MutableMapping[str, str], offline: bool) -> None:
    silence(env)
    if offline:
        from ally.egress.offline import enable  # heavy

        enable()


def _is_offline_wanted(env: Mapping[str, str]) -> bool:
    if not env.get("ALLY_OFFLINE"):
        return False
    from ally.config.environment import is_offline_wanted  # heavy

    return is_offline_wanted(env)
