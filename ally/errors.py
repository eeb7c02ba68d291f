"""Everything that can go wrong in Ally, as one tree.

AllyError                   message, hint
├── UsageError              the command line asks for something that does not exist
├── ConfigError             file, key
├── PluginError             path
├── ProviderError           provider, model, retryable
│   ├── UnknownProvider     available
│   ├── MissingPackage      package
│   ├── MissingKey          variables
│   ├── RefusedKey
│   ├── UnknownModel
│   ├── RateLimited         retry_after_s, is_spent
│   ├── Overloaded
│   ├── ContextTooLong      limit_tokens
│   ├── PromptCut           read_tokens, sent_tokens
│   ├── BadRequest
│   ├── Unreachable
│   │   └── OfflineRefused  destination
│   ├── CutStream
│   ├── IdleStream          idle_s
│   ├── BadReply
│   └── ModelFileError
├── ToolError               tool
│   ├── ToolArguments
│   ├── ToolTimeout         after_s
│   └── SandboxRefused      path
├── KnowledgeError
│   ├── UnknownCollection   name, available
│   ├── EmbedderChanged     name
│   ├── ExtractionError     path
│   └── DimensionMismatch   expected, got
└── StorageError            path

The message says what happened and to which object, the hint what to do next. Neither ever holds a key.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path


class AllyError(Exception):
    """Base of every error a user may see; an exception outside this tree is a bug."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AllyError):
    """The command line names something that does not exist or cannot be combined."""


class ConfigError(AllyError):
    """A configuration file or value cannot be used."""

    def __init__(self, message: str, *, file: Path | None = None, key: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.key = key


class PluginError(AllyError):
    """A plug-in file cannot be loaded; everything else starts without it."""

    def __init__(self, path: Path, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path


class ProviderError(AllyError):
    """A provider cannot be used or a model call failed.

    `retryable` says whether the same request may succeed later without any change by the user.
    """

    retryable = False

    def __init__(self, message: str, *, provider: str = "", model: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.provider = provider
        self.model = model


class UnknownProvider(ProviderError):
    """No provider of that name; the text is promised by the guide."""

    def __init__(self, provider: str, available: Sequence[str], *, hint: str = "") -> None:
        message = f"Unknown provider: {provider}. Available providers: {', '.join(available)}"
        super().__init__(message, provider=provider, hint=hint)
        self.available = tuple(available)


class MissingPackage(ProviderError):
    """A Python package that the provider needs is not installed; the hint is the exact install line."""

    def __init__(self, package: str, *, provider: str = "", hint: str = "") -> None:
        super().__init__(f"The Python package {package} is not installed.", provider=provider, hint=hint)
        self.package = package


class MissingKey(ProviderError):
    """No key was found for the provider."""

    def __init__(self, provider: str, variables: Sequence[str] = (), *, message: str = "", hint: str = "") -> None:
        names = " and ".join(variables)
        super().__init__(message or f"{provider} needs a key: {names} is not set.", provider=provider, hint=hint)
        self.variables = tuple(variables)


class RefusedKey(ProviderError):
    """The service answered 401 or 403: the key is wrong, expired or not allowed to do this."""


class UnknownModel(ProviderError):
    """The service, or this machine, does not have the model."""


class RateLimited(ProviderError):
    """The service asks to slow down. `retry_after_s` is None when it did not say for how long.

    `is_spent`: it is the money that is used up, so that waiting does not help.
    """

    retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None,
        is_spent: bool = False,
        provider: str = "",
        model: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, provider=provider, model=model, hint=hint)
        self.retry_after_s = retry_after_s
        self.is_spent = is_spent


class Overloaded(ProviderError):
    """The service failed on its side (5xx) or says that it is overloaded."""

    retryable = True


class ContextTooLong(ProviderError):
    """The request does not fit the model's context window; `limit_tokens` is None when the service did not say."""

    def __init__(
        self, message: str, *, limit_tokens: int | None = None, provider: str = "", model: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, provider=provider, model=model, hint=hint)
        self.limit_tokens = limit_tokens


class PromptCut(ProviderError):
    """The service dropped part of the prompt without saying so; the answer was given without it.

    `read_tokens` is what it says it read, `sent_tokens` about what was sent.
    """

    def __init__(
        self, message: str, *, read_tokens: int, sent_tokens: int, provider: str = "", model: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, provider=provider, model=model, hint=hint)
        self.read_tokens = read_tokens
        self.sent_tokens = sent_tokens


class BadRequest(ProviderError):
    """The service refused the request for another reason (4xx); the same request will fail again."""


class Unreachable(ProviderError):
    """No connection, or no answer within the time limit."""

    retryable = True


class OfflineRefused(Unreachable):
    """--offline is on and the destination is not on this machine."""

    retryable = False

    def __init__(self, destination: str, *, provider: str = "", model: str = "", hint: str = "") -> None:
        super().__init__(
            f"Offline mode: refused to contact {destination}.",
            provider=provider,
            model=model,
            hint=hint or "use a model on this machine (ally --provider local), or leave out --offline",
        )
        self.destination = destination


class CutStream(ProviderError):
    """The stream ended before the service said that the answer was complete."""

    retryable = True


class IdleStream(ProviderError):
    """The stream stayed open but nothing arrived for `idle_s` seconds."""

    retryable = True

    def __init__(self, idle_s: float, *, provider: str = "", model: str = "") -> None:
        super().__init__(
            f"Nothing arrived from {provider or 'the provider'} for {idle_s:g} s.",
            provider=provider,
            model=model,
            hint="try again, or raise provider_options.NAME.idle_timeout_s",
        )
        self.idle_s = idle_s


class BadReply(ProviderError):
    """The service answered with something that is not its documented format."""


class ModelFileError(ProviderError):
    """A model of this machine, of the embedded engine or another, cannot be fetched, checked, stored or loaded."""

    def __init__(self, message: str, *, provider: str = "local", model: str = "", hint: str = "") -> None:
        super().__init__(message, provider=provider, model=model, hint=hint)


class ToolError(AllyError):
    """A tool failed; the text goes to the model, so it says what to do differently."""

    def __init__(self, tool: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.tool = tool


class ToolArguments(ToolError):
    """The arguments are not what the tool's schema asks for; the tool did not run."""


class ToolTimeout(ToolError):
    """The tool was stopped because it took longer than `after_s` seconds."""

    def __init__(self, tool: str, message: str, *, after_s: float, hint: str = "") -> None:
        super().__init__(tool, message, hint=hint)
        self.after_s = after_s


class SandboxRefused(ToolError):
    """A command cannot be confined as it should be, because of `path`; nothing ran."""

    def __init__(self, path: Path, message: str, *, hint: str = "") -> None:
        super().__init__("shell", message, hint=hint)
        self.path = path


class KnowledgeError(AllyError):
    """Something of the user's collections of documents cannot be done."""


class UnknownCollection(KnowledgeError):
    """There is no collection of that name."""

    def __init__(self, name: str, available: Sequence[str], *, hint: str = "") -> None:
        there = f"There are: {', '.join(available)}." if available else "There is none yet."
        super().__init__(f"There is no collection {name!r}. {there}", hint=hint or "ally kb add PATH NAME makes one")
        self.name = name
        self.available = tuple(available)


class EmbedderChanged(KnowledgeError):
    """The vectors of a collection were made by another embedding model than the one that is set now."""

    def __init__(self, name: str, before: str, now: str) -> None:
        how = f"ally kb sync {shlex.quote(name)} --rebuild makes them anew"
        super().__init__(
            f"The vectors of {name} are of {before}; set is {now}.",
            hint=f"{how}, or set embedding_provider and embedding_model back",
        )
        self.name = name


class ExtractionError(KnowledgeError):
    """A file gives no text; the others go on."""

    def __init__(self, path: Path, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path


class DimensionMismatch(KnowledgeError):
    """Vectors of two lengths, or of two models, would be compared."""

    def __init__(self, expected: int | str, got: int | str) -> None:
        super().__init__(f"Vectors of {got} do not fit those of {expected}.", hint="make the vectors anew: --rebuild")
        self.expected = expected
        self.got = got


class StorageError(AllyError):
    """A file of Ally's own cannot be read or written."""

    def __init__(self, path: Path, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path
