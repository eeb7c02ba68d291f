"""What the server at an address has, and what it says of the one model that is wanted."""

from dataclasses import replace

from ally.egress.location import classify
from ally.models.facts import ListedModel, ModelFacts
from ally.models.servers import find_server
from ally.models.servers.choice import ANY, chat_models, find_model
from ally.providers.wire.target import Target


def served_names(base_url: str) -> list[str]:
    """Names of the chat models that the server at `base_url` has, loaded ones first; empty if it does not answer."""
    server = find_server(base_url)
    return [model.name for model in chat_models(server)] if server else []


def ask_server(target: Target) -> ListedModel | None:
    """What the server of `target` says of its model; None if it does not answer in time or lacks it.

    The key of the target goes along. A server in the cloud is not asked.
    """
    if classify(target.base_url) == "cloud":
        return None
    key = {"Authorization": f"Bearer {target.api_key}"} if target.api_key else {}
    server = find_server(target.base_url, {**key, **target.headers})
    return find_model(server, target.model) if server else None


def is_window_to_come(listed: ListedModel) -> bool:
    """Whether the server will know the window once the model is loaded."""
    facts = listed.facts
    return not listed.is_loaded and facts.context_window is None and facts.trained_window is not None


def with_facts(target: Target, listed: ListedModel | None) -> Target:
    """`target` with what its server says; a window that the user set stays, a feature that Ally does not use too."""
    if listed is None:
        return target
    facts, quirks = listed.facts, target.quirks
    quirks = replace(
        quirks, tools=quirks.tools and facts.tools is not False, images=quirks.images and facts.images is not False
    )
    target = replace(
        target,
        model=listed.name if target.model == ANY else target.model,
        quirks=quirks,
        constrains=facts.constrains and quirks.structured == "json_schema",
        parameters=facts.parameters,
        digest=facts.digest,
    )
    return _with_window(target, facts)


def _with_window(target: Target, facts: ModelFacts) -> Target:
    is_users = target.context_window is not None and target.context_window_source == "user"
    if is_users or facts.context_window is None:
        return target
    return replace(target, context_window=facts.context_window, context_window_source=facts.context_window_source)
