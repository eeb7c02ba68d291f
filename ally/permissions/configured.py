"""The rules and places that come from the configuration."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ally.config.load import Loaded
from ally.config.paths import Paths
from ally.permissions.paths import Place, words
from ally.permissions.rules import Effect, Rule, parse_rule

_OF_OURS = words(
    "config.json .env providers agents commands skills AGENTS.md sessions.db kb models logs egress.db "
    "checkpoints permissions.json trust.json cache"
)


def configured_rules(loaded: Loaded) -> tuple[Rule, ...]:
    """The rules of the configuration files, each with its file.

    Raises:
        ConfigError: one is no rule.
    """
    settings, added = loaded.settings.permissions, loaded.tightening
    return (
        *_parsed(loaded, "allow", settings.allow, ()),
        *_parsed(loaded, "ask", settings.ask, added.ask if added else ()),
        *_parsed(loaded, "deny", settings.deny, added.deny if added else ()),
    )


def find_place(paths: Paths, checkout: Path | None, root: Path, home: Path, readable: Sequence[Path] = ()) -> Place:
    """Where a conversation in `root` works; `readable` is what may be read besides, such as the output of tools."""
    own: list[Path] = []
    for folder in dict.fromkeys((paths.config, paths.data, paths.state, paths.cache)):
        # Whoever works around or inside of Ally's folder keeps everything but what is known to be Ally's.
        is_around = root.is_relative_to(folder)
        own += [folder / name for name in _OF_OURS] if is_around else [folder]
    if checkout is not None:
        own += [checkout / "config.json", checkout / ".env"]
    return Place(root, home, tuple(own), tuple(readable))


def _parsed(loaded: Loaded, effect: Effect, texts: Sequence[str], added: Sequence[str]) -> Iterator[Rule]:
    """`texts` end with the rules that the working folder `added`."""
    key, folder = f"permissions.{effect}", loaded.tightening
    below = folder.below.get(key, "default") if folder and added else loaded.origin(key)
    for position, text in enumerate(texts):
        is_added = position >= len(texts) - len(added)
        yield parse_rule(text, effect, str(folder.file) if folder and is_added else below)
