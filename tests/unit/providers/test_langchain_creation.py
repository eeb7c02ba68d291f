import shlex
import subprocess
import sys
from typing import Any

import pytest

from ally.egress.offline import OfflineBlocked
from ally.errors import (
    AllyError,
    ConfigError,
    ContextTooLong,
    CutStream,
    IdleStream,
    MissingKey,
    MissingPackage,
    OfflineRefused,
    ProviderError,
    Unreachable,
)
from ally.providers.langchain import wrap_llm
from ally.providers.langchain.caller import Caller
from ally.providers.langchain.faults import to_ally
from tests.unit.providers.langchain_objects import Plugin

CALLER = Caller("stranger", "m", ("STRANGER_API_KEY",), ("sk-secret-1",), 7.0)


def creating(create: Any) -> AllyError:
    """The error of a plug-in whose create_llm does this."""
    with pytest.raises(AllyError) as caught:
        wrap_llm(Plugin(create, variables=["STRANGER_API_KEY", "STRANGER_GROUP_ID"]), "m", 0.5, "sk-secret-1", {})
    return caught.value


def raising(error: BaseException) -> AllyError:
    def create(*args: object, **kwargs: object) -> None:
        raise error

    return creating(create)


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("langchain-openai required for Together AI", "langchain-openai"),
        ("langchain-groq required. Install: pip install langchain-groq", "langchain-groq"),
        (
            "langchain-community package is required. Install it with: pip install langchain-community",
            "langchain-community",
        ),
        ("Please `pip install -U 'llm_thing[extra]'` first", "llm_thing[extra]"),
        ("No module named 'langchain_xyz'", "langchain-xyz"),
    ],
)
def test_a_missing_package_comes_with_its_install_line(text: str, package: str) -> None:
    name = "langchain_xyz" if text.startswith("No module") else None
    error = raising(ModuleNotFoundError(text, name=name) if name else ImportError(text))
    assert isinstance(error, MissingPackage)
    assert error.package == package
    assert error.hint == f"{shlex.quote(sys.executable)} -m pip install {package}"


def test_a_missing_package_that_only_the_inner_import_names() -> None:
    def create(*args: object, **kwargs: object) -> None:
        try:
            import langchain_nowhere.chat  # noqa: F401 - fails on purpose
        except ImportError:
            raise ImportError("I need a package")  # noqa: B904 - as the guide writes it

    error = creating(create)
    assert isinstance(error, MissingPackage)
    assert error.package == "langchain-nowhere"


def test_a_package_that_is_there_but_lacks_the_class_is_not_called_missing() -> None:
    def create(*args: object, **kwargs: object) -> None:
        try:
            from langchain_core.messages import NoSuchMessage  # noqa: F401 - fails on purpose
        except ImportError:
            raise ImportError("langchain-core required. Install: pip install langchain-core")  # noqa: B904 - as above

    error = creating(create)
    assert isinstance(error, ConfigError)
    assert "NoSuchMessage" in error.message


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("STRANGER_API_KEY environment variable required", ("STRANGER_API_KEY",)),
        ("STRANGER_GROUP_ID required", ("STRANGER_GROUP_ID",)),
        ("An API key must be provided", ("STRANGER_API_KEY", "STRANGER_GROUP_ID")),
    ],
)
def test_a_missing_key_keeps_the_words_of_the_plug_in(text: str, variables: tuple[str, ...]) -> None:
    error = raising(ValueError(text))
    assert isinstance(error, MissingKey)
    assert (error.message, error.variables) == (text, variables)


def test_another_refusal_is_a_configuration_error_without_the_key() -> None:
    error = raising(ValueError("top_p of sk-secret-1 is too large"))
    assert isinstance(error, ConfigError)
    assert error.message == "top_p of [key] is too large"


def test_what_pydantic_repeats_of_the_input_is_left_out() -> None:
    def create(model: str, temperature: float, key: str, **kwargs: object) -> object:
        from langchain_openai import ChatOpenAI

        return ChatOpenAI(model=model, temperature=key, api_key=key)  # type: ignore[arg-type] - wrong on purpose

    error = creating(create)
    assert isinstance(error, ConfigError)
    assert "sk-secret" not in error.message
    assert "valid number" in error.message


@pytest.mark.parametrize("error", [SystemExit(1), KeyError("x"), TypeError("no")], ids=repr)
def test_any_other_exception_names_the_provider(error: BaseException) -> None:
    found = raising(error)
    assert isinstance(found, ConfigError)
    assert "stranger" in found.message


def test_an_error_of_our_own_passes_through() -> None:
    assert raising(MissingKey("other", ["X"])).message == "other needs a key: X is not set."


def test_offline_is_seen_through_the_vendors_wrapping() -> None:
    error = ConnectionError("Connection error.")
    error.__cause__ = OfflineBlocked("api.example.org:443")
    found = to_ally(error, CALLER)
    assert isinstance(found, OfflineRefused)
    assert found.destination == "api.example.org:443"


class ReadTimeout(Exception):
    pass


class ConnectTimeout(ReadTimeout):
    pass


class RemoteProtocolError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "started", "kind"),
    [
        (ReadTimeout("x"), False, IdleStream),
        (ConnectTimeout("x"), False, Unreachable),
        (TimeoutError(), False, IdleStream),
        (ConnectionResetError("reset"), True, CutStream),
        (ConnectionRefusedError("refused"), False, Unreachable),
        (RemoteProtocolError("peer closed (incomplete chunked read)"), True, CutStream),
        (RemoteProtocolError("Server disconnected without sending a response."), False, Unreachable),
        (ValueError("the request exceeds the available context size (4096)"), False, ContextTooLong),
        (ExceptionGroup("two", [OSError("a"), OfflineBlocked("x.org")]), False, OfflineRefused),
        (RuntimeError("whatever sk-secret-1"), False, ProviderError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_exceptions_are_told_by_their_shape(error: Exception, started: bool, kind: type[AllyError]) -> None:
    found = to_ally(error, CALLER, started=started)
    assert type(found) is kind
    assert "sk-secret" not in found.message


def test_importing_the_road_does_not_import_langchain() -> None:
    script = "import sys, ally.providers.langchain; print([name for name in sys.modules if 'langchain_core' in name])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_without_langchain_the_package_is_named() -> None:
    script = (
        "import sys; sys.modules['langchain_core'] = None\n"
        "from ally.providers.langchain import wrap_llm\n"
        "from tests.unit.providers.langchain_objects import Plugin\n"
        "try:\n    wrap_llm(Plugin(lambda *a, **k: object()), 'm', None, None, {})\n"
        "except Exception as error:\n    print(type(error).__name__, error.package)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "MissingPackage langchain-core\n"
