"""What can be found wrong with a provider's configuration before the first request."""

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from ally.egress.location import classify_host

_NUMBERS: dict[str, tuple[float, float, bool]] = {
    # option: (lowest, highest, whole numbers only)
    "timeout": (0.001, 86_400, False),
    "connect_timeout_s": (0.001, 86_400, False),
    "idle_timeout_s": (0.001, 86_400, False),
    "max_tokens": (1, 10_000_000, True),
    "max_retries": (0, 100, True),
    "context_window": (1, 100_000_000, True),
    "num_ctx": (1, 100_000_000, True),
    "top_p": (0, 1, False),
}


def find_problem(
    config: Mapping[str, object], provider: str, key_variable: str | None = None, max_temperature: float = 2
) -> str | None:
    """The first thing that is wrong with `config` (as `validate_config` gets it), or None.

    `provider` is the display name, `key_variable` the variable of a key that cannot be done without.
    """
    if not config.get("model_name"):
        return f"model_name is required for {provider} provider"
    if key_variable and not config.get("api_key"):
        return f"{key_variable} environment variable must be set"
    if problem := _number_problem("temperature", config.get("temperature"), (0, max_temperature, False)):
        return problem
    for option, bounds in _NUMBERS.items():
        if problem := _number_problem(option, config.get(option), bounds):
            return problem
    if problem := _headers_problem(config.get("headers")):
        return problem
    base_url = config.get("base_url", config.get("endpoint"))
    return None if base_url is None else url_problem(base_url, has_key=bool(config.get("api_key")))


def url_problem(url: object, *, has_key: bool = False) -> str | None:
    """Why `url` cannot be the base of an HTTP API, or should not be when a key is sent to it; None if it can.

    The text never repeats the URL, which may hold credentials.
    """
    if not isinstance(url, str):
        return f"base_url must be text, not {type(url).__name__}"
    if any(char.isspace() for char in url) or not url.isprintable():
        return "base_url must not hold spaces or control characters"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "base_url is malformed; it must look like https://host/v1"
    if not usable:
        return "base_url must look like https://host/v1"
    return _risk_of(parts, has_key)


def _risk_of(parts: SplitResult, has_key: bool) -> str | None:
    if parts.username is not None or parts.query or parts.fragment:
        return "base_url must not hold a user, a query (?) or a fragment (#)"
    if has_key and parts.scheme == "http" and classify_host(parts.hostname or "") == "cloud":
        return f"base_url is not encrypted: the key would be readable on the way to {parts.hostname} (use https)"
    return None


def _number_problem(option: str, value: object, bounds: tuple[float, float, bool]) -> str | None:
    if value is None:
        return None
    lowest, highest, whole = bounds
    kind = "a whole number" if whole else "a number"
    is_number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not is_number:
        return f"{option} must be {kind}, not {value!r}"
    if not lowest <= float(str(value)) <= highest:
        return f"{option} must be {kind} from {lowest:,} to {highest:,}, not {value}"
    return None


def _headers_problem(headers: object) -> str | None:
    if headers is None:
        return None
    if not isinstance(headers, dict):
        return "headers must be an object of names and values"
    for name, value in headers.items():  # pyright: ignore[reportUnknownVariableType] - JSON of the user
        if not isinstance(name, str) or not isinstance(value, str):
            return "headers must be an object of names and values, both text"
        if not value.isascii() or not value.isprintable():
            return f"headers holds characters in the value of {name} that a header cannot carry"
    return None
