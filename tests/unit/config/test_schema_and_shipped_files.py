import json
import re
from pathlib import Path

import jsonschema
import pytest

from ally.config.load import load_settings
from ally.config.paths import Paths
from ally.config.schema import json_schema
from ally.config.secrets import read_env_file
from ally.config.settings import AGENTS

ROOT = Path(__file__).resolve().parents[3]
EVERYTHING = {
    "$schema": "./ally/config/schema.json",
    "provider": "lab",
    "model": "m",
    "provider_per_model": {"general": "ollama"},
    "models": dict.fromkeys(AGENTS, "m"),
    "temperatures": {"general": 0, "code_gen": 2, "brainstormer": 0.5, "web_searcher": None},
    "system_prompts": {"general": "short"},
    "provider_options": {"ollama": {"base_url": "http://127.0.0.1:11434", "num_ctx": 32768, "x": [1, {"y": None}]}},
    "endpoints": {
        "lab": {
            "compatible": "openai",
            "base_url": "http://gpu:8000/v1",
            "api_key_env": "LAB_KEY",
            "default_model": "qwen3-32b",
            "models": ["qwen3-32b"],
            "headers": {"X-Team": "a"},
            "context_window": 65536,
            "display_name": "Lab",
        }
    },
    "permissions": {"mode": "ask", "allow": ["shell(git status)"], "ask": [], "deny": ["read(.env)"]},
    "tui": {
        "theme": "ally-light",
        "diff": "unified",
        "scrollback": False,
        "notify": False,
        "plain": True,
        "thinking": "open",
    },
    "mcp_servers": {"files": {"command": "x", "args": []}},
    "embedding_provider": None,
    "embedding_model": None,
    "knowledge": {"store": "postgresql://db/ally", "chunk_tokens": 128, "rewrite": "off", "reranker": "lab/rerank"},
    "scraping_method": "simple",
}


def load(folder: Path) -> object:
    return load_settings(Paths(folder, folder, folder, folder), None, {}, {})


def test_shipped_config_sets_nothing_and_points_at_the_schema():
    config = json.loads((ROOT / "config.json").read_text("utf-8"))
    assert (ROOT / config["$schema"]).resolve() == (ROOT / "ally/config/schema.json").resolve()
    loaded = load_settings(Paths(*[ROOT / "nowhere"] * 4), ROOT, {}, {})
    assert set(loaded.origins) == {"$schema"}
    jsonschema.validate(config, json_schema())


def test_schema_accepts_every_key_and_so_does_ally(tmp_path: Path):
    jsonschema.Draft7Validator.check_schema(json_schema())
    jsonschema.validate(EVERYTHING, json_schema())
    (tmp_path / "config.json").write_text(json.dumps(EVERYTHING))
    load(tmp_path)
    assert set(EVERYTHING) == set(json_schema()["properties"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"provder": "x"},
        {"models": {"codegen": "x"}},
        {"temperatures": {"general": 3}},
        {"endpoints": {"lab": {"compatible": "openai"}}},
        {"endpoints": {"lab": {"base_url": "http://x", "context_window": 0}}},
        {"permissions": {"mode": "yolo"}},
        {"tui": {"theme": "dracula"}},
        {"tui": {"plain": 1}},
        {"provider_options": {"ollama": 1}},
    ],
)
def test_schema_refuses_what_ally_refuses(tmp_path: Path, wrong: object):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json_schema())
    (tmp_path / "config.json").write_text(json.dumps(wrong))
    with pytest.raises(Exception, match=re.escape("config.json, line 1")):
        load(tmp_path)


def test_every_null_in_a_file_means_not_set_for_both(tmp_path: Path):
    nothing = dict.fromkeys(EVERYTHING)
    jsonschema.validate(nothing, json_schema())
    (tmp_path / "config.json").write_text(json.dumps(nothing))
    load(tmp_path)


def test_env_example_holds_no_value_and_every_key_of_the_shipped_services():
    example = read_env_file(ROOT / ".env.example")
    assert dict(example.values) == {}
    assert example.problems == ()
    assert len(set(example.unset)) == len(example.unset)
    presets = json.loads((ROOT / "ally/providers/presets.json").read_text("utf-8"))
    wanted = {name for service in presets["services"] for name in service.get("env_vars", [])}
    wanted |= {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_GEN_AI_API_KEY", "CEREBRAS_API_KEY"}
    wanted |= {"REPLICATE_API_TOKEN", "MINIMAX_API_KEY", "MINIMAX_GROUP_ID"}
    assert set(example.unset) == wanted


def test_comments_in_env_example_stand_on_lines_of_their_own():
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    assert all(line.startswith("#") or "#" not in line for line in lines)
