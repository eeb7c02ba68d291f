"""What a provider says about itself, as plain data that can cross a process border and be kept in a file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from ally.plugins import cause_of
from ally.providers.base import BaseProvider
from ally.quarantine.findings import BadDescription

T = TypeVar("T")

MAX_NAME_CHARACTERS = 100
MAX_TEXT_CHARACTERS = 300
MAX_MODELS = 5000


@dataclass(frozen=True, slots=True)
class Description:
    """The answers of a provider's methods. `notes` say which of the optional ones failed."""

    name: str
    display_name: str
    required_env_vars: tuple[str, ...] = ()
    default_model: str | None = None
    available_models: tuple[str, ...] = ()
    supports_streaming: bool = True
    base_url: str | None = None
    notes: tuple[str, ...] = ()


def describe(provider: BaseProvider) -> Description:
    """Ask `provider` everything that a listing shows. A failing optional method gives the guide's default and a note.

    Raises:
        BadDescription: its name is none, or it does not say which variables it needs.
    """
    name = checked_name(_name_of(provider))
    notes: list[str] = []

    def ask(method: Callable[[], object], read: Callable[[object], T], default: T) -> T:
        try:
            return read(method())
        except Exception as exc:  # noqa: BLE001  # boundary: a stranger's plug-in runs here
            notes.append(f"{getattr(method, '__name__', method)}: {cause_of(exc)}")
            return default

    variables = ask(provider.get_required_env_vars, _texts, None)
    if variables is None:
        raise BadDescription(notes[0])
    return Description(
        name=name,
        display_name=ask(provider.get_display_name, _text, name.capitalize()),
        required_env_vars=variables,
        default_model=ask(provider.get_default_model, _text_or_none, None),
        available_models=ask(provider.get_available_models, _texts, ())[:MAX_MODELS],
        supports_streaming=ask(provider.supports_streaming, bool, True),
        base_url=_base_url(provider),
        notes=tuple(notes),
    )


def checked_name(name: object) -> str:
    """`name` as it is registered: in lower case.

    Raises:
        BadDescription: it is not text that can be a name.
    """
    if not isinstance(name, str):
        raise BadDescription(f"its name is {_short(name)}, not text")
    if not name.strip():
        raise BadDescription("its name is empty")
    if not name.isprintable() or name != name.strip() or len(name) > MAX_NAME_CHARACTERS:
        raise BadDescription(f"its name {_short(name)} is too long, or has spaces or control characters around it")
    return name.lower()


def description_from(data: Mapping[str, object]) -> Description:
    """The description in decoded JSON.

    Raises:
        TypeError, KeyError, BadDescription: it is not one.
    """
    return Description(
        name=checked_name(data["name"]),
        display_name=_text(data["display_name"]),
        required_env_vars=_texts(data["required_env_vars"]),
        default_model=_text_or_none(data["default_model"]),
        available_models=_texts(data["available_models"]),
        supports_streaming=bool(data["supports_streaming"]),
        base_url=_text_or_none(data["base_url"]),
        notes=_texts(data["notes"]),
    )


def _name_of(provider: BaseProvider) -> object:
    try:
        return provider.name
    except Exception as exc:  # boundary: a stranger's plug-in runs here
        raise BadDescription(f"its name failed with {cause_of(exc)}") from exc


def _base_url(provider: BaseProvider) -> str | None:
    """`base_url` of the provider, if it has one; it is not in the guide, but tells where prompts go."""
    try:
        found = getattr(provider, "base_url", None)
    except Exception:  # noqa: BLE001  # boundary: a stranger's property
        return None
    return found if isinstance(found, str) else None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{_short(value)} is not text")
    return str(value)[:MAX_TEXT_CHARACTERS]


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{_short(value)} is not a list")
    return tuple(_text(item) for item in cast(Sequence[object], value))


def _short(value: object) -> str:
    try:
        return repr(value)[:MAX_NAME_CHARACTERS]
    except Exception:  # noqa: BLE001  # boundary: a stranger's __repr__
        return f"a {type(value).__name__}"
