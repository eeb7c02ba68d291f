"""Keys: which `.env` files are read, and which key belongs to which provider.

`.env` is read from the checkout, then from the config folder, never from the folder the user happens to stand in.
What is already set in the environment wins, and so does the file that is read first. Values are taken literally:
`$NAME` and `${NAME}` are not expanded, since a key may contain them. Variables that would change how programs run
(`PATH`, `LD_PRELOAD`, `PYTHONPATH`, …) are not taken from `.env`, and neither is `ALLY_HOME`, which is needed before
the file is found.
"""

import io
import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ally.config.paths import Paths
from ally.errors import ConfigError

MAX_ENV_FILE_BYTES = 1_000_000
MIN_SECRET_CHARACTERS = 8
"""A shorter value is no secret and may be a word of any text."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFUSED = re.compile(
    r"(LD_|DYLD_|PYTHON|GIT_|BASH_FUNC_).*"
    r"|PATH|PATHEXT|COMSPEC|SYSTEMROOT|HOME|USERPROFILE|SHELL|IFS|ENV|BASH_ENV|CDPATH|TMPDIR|TEMP|TMP"
    r"|EDITOR|VISUAL|PAGER|BROWSER|NODE_OPTIONS|PERL5LIB|PERL5OPT|RUBYLIB|RUBYOPT|JAVA_TOOL_OPTIONS|GCONV_PATH|LOCPATH"
    r"|ALLY_HOME",
    re.IGNORECASE,
)
_SOUNDS_SECRET = re.compile(
    r"(?!(PIP|UV)_).*(KEY(?![A-Z])|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|CUSTOM_HEADERS|CONNECTION_STRING).*",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"""[.…*_-]*                                # nothing, ...
    | .*(?:\.\.\.|…)                            # sk-...
    | <.*> | \[[^"]*\] | \$?\{[^"]*\}           # <key>, ${KEY}; but not a credential that is JSON
    | (?:sk[-_])?x{3,}.*                        # sk-xxxxxxxx
    | (?:your|insert|enter|paste|replace)[-_ ](?:.*[-_ ])?(?:here|key|id|token|secret|me|with.*)
    | change[-_ ]?me | to[-_ ]?do | placeholder
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What an `.env` file holds.

    `unset` are the names that have no value yet, or an example as value. `problems` are sentences without values, each
    with its line where there is one.
    """

    path: Path
    values: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    unset: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A key and where it came from; the value never shows in a repr."""

    value: str = field(repr=False)
    source: str = ""


def is_placeholder(value: str) -> bool:
    """Whether `value` is empty or an example such as `...`, `<key>` or `your_api_key_here`."""
    return _PLACEHOLDER.fullmatch(value.strip()) is not None


def without_secrets(env: Mapping[str, str]) -> dict[str, str]:
    """`env` for a child process that needs no keys: without the variables that are named like one.

    The settings of pip and uv stay: whoever fetches packages may need the password of an index.
    """
    return {name: value for name, value in env.items() if not _SOUNDS_SECRET.fullmatch(name)}


def env_files(paths: Paths, checkout: Path | None) -> list[Path]:
    """The places of `.env`, the one that wins first; the files need not exist."""
    folders = [paths.config] if checkout is None else [checkout, paths.config]
    return [folder / ".env" for folder in folders]


def load_env_files(paths: Paths, checkout: Path | None, env: MutableMapping[str, str]) -> dict[str, Path]:
    """Put the variables of the `.env` files into `env` and tell which came from which file.

    A line that cannot be used is skipped, and so is a file that cannot be read; `ally doctor` names them.
    """
    origins: dict[str, Path] = {}
    for path in env_files(paths, checkout):
        for name, value in read_env_file(path).values.items():
            if name not in env:
                env[name] = value
                origins[name] = path
    return origins


def read_env_file(path: Path) -> EnvFile:
    """Parse one `.env` file; a missing one is empty, one that cannot be read is a problem and not an error."""
    try:
        if not path.is_file():
            problem = ("it is not a file",) if path.exists() or path.is_symlink() else ()
            return EnvFile(path, problems=problem)
        if path.stat().st_size > MAX_ENV_FILE_BYTES:
            return EnvFile(path, problems=("it is larger than 1 MB",))
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as exc:
        return EnvFile(path, problems=(f"it cannot be read: {exc.strerror or exc}",))
    except UnicodeDecodeError:
        return EnvFile(path, problems=("it is not UTF-8 text; save it as UTF-8",))
    return _parse(path, text)


def _parse(path: Path, text: str) -> EnvFile:
    from dotenv.parser import parse_stream  # heavy

    values: dict[str, str] = {}
    unset: list[str] = []
    problems: list[str] = []
    for binding in parse_stream(io.StringIO(text)):
        # A statement starts with the blank lines before it.
        line = binding.original.line + _leading_lines(binding.original.string)
        if binding.error:
            problems.append(f"line {line} is not NAME=value")
        elif binding.key is None:
            continue
        elif problem := _refusal(binding.key, binding.value):
            problems.append(f"line {line}: {problem}")
        elif binding.value and not is_placeholder(binding.value):
            values[binding.key] = binding.value
        else:
            unset.append(binding.key)
    return EnvFile(path, values, tuple(unset), tuple(problems))


def _leading_lines(statement: str) -> int:
    return statement[: len(statement) - len(statement.lstrip())].count("\n")


def _refusal(name: str, value: str | None) -> str:
    if not _VARIABLE.fullmatch(name):
        return "the name is not made of letters, digits and _"
    if _REFUSED.fullmatch(name):
        return f"{name} may not be set in .env; set it in your shell"
    return f"the value of {name} holds a null character" if value and "\0" in value else ""


class Keys:
    """Finds the key of a provider, and never gives one provider the key of another."""

    def __init__(
        self,
        env: Mapping[str, str],
        overrides: Mapping[str, str | None] | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> None:
        """`overrides` is `api_keys` of main.py; `files` says which variables came from which `.env`."""
        self._env = env
        self._overrides = {
            name.casefold(): value.strip() for name, value in (overrides or {}).items() if value and _is_real(value)
        }
        self._files = files or {}

    def find(self, provider: str, variables: Sequence[str]) -> Key | None:
        """The key of `provider`; the first of `variables` is the one that holds it.

        Raises:
            ConfigError: there is a key, but it holds characters that cannot be sent (a line break, a curly quote).
        """
        override = self._overrides.get(provider.casefold())
        value = override or self._variable(variables[:1])
        if value is None:
            return None
        source = self._source(variables[0] if variables else "", value)
        _refuse_unsendable(value, provider, source)
        return Key(value, source)

    def missing(self, provider: str, variables: Sequence[str]) -> list[str]:
        """Those of `variables` that have no value; an entry in `api_keys` stands for the first one."""
        has_override = provider.casefold() in self._overrides
        return [
            name
            for position, name in enumerate(variables)
            if self._variable([name]) is None and not (has_override and position == 0)
        ]

    def values(self) -> tuple[str, ...]:
        """What must not be seen by others: the keys of main.py, and the variables that are named like a secret."""
        named = [value.strip() for name, value in self._env.items() if _SOUNDS_SECRET.fullmatch(name)]
        found = {*self._overrides.values(), *filter(_is_real, named)}
        return tuple(sorted((value for value in found if len(value) >= MIN_SECRET_CHARACTERS), key=len, reverse=True))

    def source(self, variable: str) -> str:
        """Where a variable is set, in words: the `.env` file or the environment; "" if it has no value."""
        value = self._variable([variable])
        return self._source(variable, value) if value else ""

    def _variable(self, names: Iterable[str]) -> str | None:
        for name in names:
            value = self._env.get(name, "").strip()
            if _is_real(value):
                return value
        return None

    def _source(self, variable: str, value: str) -> str:
        if not variable or self._variable([variable]) != value:
            return "api_keys in main.py"
        file = self._files.get(variable)
        return f"{variable} in {file}" if file else f"{variable} in the environment"


def _is_real(value: str) -> bool:
    return not is_placeholder(value)


def _refuse_unsendable(value: str, provider: str, source: str) -> None:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigError(
            f"The key for {provider} ({source}) holds characters that no key has.",
            key=source.split(" ", 1)[0],
            hint="paste the key again: one line, without spaces and curly quotes",
        )
