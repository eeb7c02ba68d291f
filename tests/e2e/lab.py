"""A fake service as the default provider of a checkout."""

import json
from pathlib import Path

from tests.fakes import KEY, FakeOpenAI


def use(fake: FakeOpenAI, checkout: Path, **settings: object) -> FakeOpenAI:
    """Make `fake` the endpoint `lab` of the checkout's config.json, and its default provider."""
    model = fake.models[0]
    endpoint = {
        "compatible": "openai",
        "base_url": fake.base_url,
        "api_key_env": "LAB_KEY",
        "default_model": model,
    }
    config = {"provider": "lab", "model": model, "endpoints": {"lab": endpoint}, **settings}
    (checkout / "config.json").write_text(json.dumps(config))
    (checkout / ".env").write_text(f"LAB_KEY={KEY}\n")
    return fake
