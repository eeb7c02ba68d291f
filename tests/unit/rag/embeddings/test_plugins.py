"""Embedders that others bring: one file is enough, and one that is broken stops nothing."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ally.config.paths import Paths
from ally.config.secrets import Keys
from ally.config.settings import Endpoint, Settings
from ally.errors import BadReply, DimensionMismatch, MissingKey, PluginError
from ally.providers.compatible import spec_from_endpoint
from ally.providers.presets import load_presets
from ally.rag.embeddings.base import Embedder
from ally.rag.embeddings.listing import list_embedders
from ally.rag.embeddings.plug_ins import PlugIns
from ally.rag.embeddings.registry import Known, open_embedder, wanted_embedder
from tests.conftest import ROOT

OURS = ("app", "ally_user_embeddings")
LETTERS = """
from app.src.embeddings import BaseEmbedder

class Letters(BaseEmbedder):
    name = "{name}"

    def embed(self, texts, kind):
        return [[text.count(letter) + 0.01 for letter in "abc"] for text in texts]
"""


@dataclass
class House:
    """A checkout, a config folder and a cache, all of this test."""

    paths: Paths
    checkout: Path

    @property
    def custom(self) -> Path:
        return self.checkout / "app/src/embeddings/custom"

    def drop(self, file: str, source: str, *, user: bool = False) -> Path:
        path = (self.paths.config / "embeddings" if user else self.custom) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        return path

    def plug_ins(self, *, checkout: bool = True) -> PlugIns:
        return PlugIns(self.paths, self.checkout if checkout else None)

    def open(self, name: str, *, plug_ins: PlugIns | None = None, **more: Any) -> Embedder:
        found = plug_ins or self.plug_ins()
        settings = Settings(
            embedding_provider=name, embedding_model=more.get("model"), provider_options=more.get("options", {})
        )
        choice = wanted_embedder(settings, Keys(more.get("env", {})), Known(plug_ins=found), {})
        return open_embedder(choice, self.paths)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The guide's folders without plug-ins. Plug-in modules that a test imports are forgotten after it."""
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "app", checkout / "app", ignore=_without_plug_ins)
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in OURS}
    _forget()
    yield House(Paths(tmp_path / "config", tmp_path / "data", tmp_path / "state", tmp_path / "cache"), checkout)
    _forget()
    sys.modules.update(kept)


def _without_plug_ins(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__" or (Path(folder).name == "custom" and name[0] != "_")]


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]


def test_one_file_is_an_embedder(house: House):
    house.drop("letters.py", LETTERS.format(name="Letters"))
    embedder = house.open("letters")
    found = embedder.embed(["aab", "cc"] * 70, "passage")
    assert found.shape == (140, 3)
    assert found[0] @ found[0] == pytest.approx(1)
    assert found[0][0] > found[0][1] > found[0][2]
    assert (embedder.fingerprint, embedder.location, embedder.max_tokens) == ("letters", "cloud", 512)
    embedder.close()


def test_the_config_folder_and_an_installed_ally_without_a_checkout(house: House):
    house.drop("letters.py", LETTERS.format(name="letters"), user=True)
    assert house.open("letters", plug_ins=house.plug_ins(checkout=False)).embed(["a"], "query").shape == (1, 3)


def test_model_key_and_options_arrive(house: House):
    house.drop(
        "lab.py",
        "from app.src.embeddings.base_embedder import BaseEmbedder\n"
        "class Lab(BaseEmbedder):\n"
        "    name, default_model, required_env_vars = 'lab', 'small', ['LAB_KEY']\n"
        "    version, max_tokens, base_url, batch = '2', 99, 'http://localhost:1', 2\n"
        "    def embed(self, texts, kind):\n"
        "        assert (self.model, self.api_key, self.options) == ('small', 'lab-key-1', {'size': 3, 'deep': 1})\n"
        "        assert len(texts) <= 2\n"
        "        return [[1.0, 2.0, 3.0] for _ in texts]\n",
    )
    options = {"lab": {"size": 3, "embeddings": {"deep": 1}}}
    embedder = house.open("lab", env={"LAB_KEY": "lab-key-1"}, options=options)
    assert embedder.embed(["a"] * 5, "passage").shape == (5, 3)
    assert (embedder.fingerprint, embedder.location, embedder.max_tokens) == ("lab/small/2", "local", 99)
    with pytest.raises(MissingKey, match="LAB_KEY"):
        house.open("lab")


def test_an_object_of_langchain(house: House):
    house.drop(
        "chain.py",
        "from app.src.embeddings import BaseEmbedder\n"
        "class Vectors:\n"
        "    def embed_documents(self, texts): return [[1.0, 0.0] for _ in texts]\n"
        "    def embed_query(self, text): return [0.0, 1.0]\n"
        "class Chain(BaseEmbedder):\n"
        "    name = 'chain'\n"
        "    def create_embedder(self, model, api_key=None, **options): return Vectors()\n",
    )
    embedder = house.open("chain", model="m")
    assert embedder.embed(["a"], "passage").tolist() == [[1, 0]]
    assert embedder.embed(["a"], "query").tolist() == [[0, 1]]


def test_broken_files_are_named_with_their_cause_and_the_rest_works(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALLY_PLUGIN_TIMEOUT_S", "1.5")
    start = "from app.src.embeddings import BaseEmbedder\n"
    broken = {
        "typo": ("def f(:\n", "SyntaxError"),
        "raises": ("raise ZeroDivisionError('by hand')\n", "ZeroDivisionError: by hand (line 2)"),
        "quits": ("import os\nos._exit(0)\n", "exit code 0"),
        "hangs": ("import time\ntime.sleep(60)\n", "not imported within 1.5 s"),
        "empty": ("", "no class in it derives from BaseEmbedder"),
        "nameless": ("class A(BaseEmbedder):\n    def embed(self, texts, kind): return []\n", "its name is empty"),
        "idle": ("class A(BaseEmbedder):\n    name = 'idle'\n", "neither embed nor create_embedder"),
        "calls": (
            "import socket\nsocket.create_connection(('192.0.2.1', 80))\n",
            "it contacts 192.0.2.1:80 while it is imported; do that in embed",
        ),
    }
    for stem, (source, _) in broken.items():
        house.drop(f"{stem}.py", start + source)
    house.drop("good.py", LETTERS.format(name="good"))
    plug_ins = house.plug_ins()
    rows = {row.name: row for row in list_embedders(Known(plug_ins=plug_ins), {})}
    assert rows["good"].origin == "custom"
    assert rows["good"].error == ""
    for stem, (_, cause) in broken.items():
        assert cause in rows[stem].error, stem
    assert house.open("good", plug_ins=plug_ins).embed(["a"], "query").shape == (1, 3)
    with pytest.raises(PluginError, match=r"raises\.py, which cannot be used: ZeroDivisionError"):
        house.open("raises", plug_ins=plug_ins)


def test_a_broken_namesake_of_a_service_sends_nothing_there(house: House):
    house.drop(
        "mine.py", "from app.src.embeddings import BaseEmbedder\nclass A(BaseEmbedder):\n    name = 'openai'\n    1/0\n"
    )
    with pytest.raises(PluginError, match=r"'openai' is defined by mine\.py"):
        house.open("openai", env={"OPENAI_API_KEY": "sk-1234567"})


def test_looking_again_runs_nothing_that_did_not_change(house: House, tmp_path: Path):
    mark = tmp_path / "mark"
    house.drop("letters.py", LETTERS.format(name="letters") + f"\nopen({str(mark)!r}, 'a').write('x')\n")
    assert house.plug_ins().names() == ["letters"]
    assert house.plug_ins().names() == ["letters"]
    assert mark.read_text() == "x"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("return [[1.0]]", r"shape \(1, 1\) for 2 texts"),
        ("return [1.0, 2.0]", r"shape \(2,\)"),
        ("return [[float('nan')], [1.0]]", "finite"),
        ("return [[0.0], [1.0]]", "zeros"),
        ("return [[1.0], [1.0, 2.0]]", "ValueError"),
        ("return None", "shape|TypeError"),
        ("return 'vectors'", "ValueError"),
        ("raise KeyError('no such thing')", "letters failed: KeyError: 'no such thing'"),
        ("exit(3)", r"it called exit\(3\)"),
    ],
)
def test_what_is_no_vector_is_refused_and_traced_to_its_file(house: House, body: str, complaint: str):
    source = LETTERS.format(name="letters").replace(
        'return [[text.count(letter) + 0.01 for letter in "abc"] for text in texts]', body
    )
    path = house.drop("letters.py", source)
    with pytest.raises(BadReply, match=complaint) as caught:
        house.open("letters").embed(["a", "b"], "passage")
    assert str(path) in caught.value.hint


def test_vectors_of_another_length_than_before(house: House):
    source = LETTERS.format(name="letters").replace('"abc"', '"abc"[:len(texts)]')
    house.drop("letters.py", source)
    embedder = house.open("letters")
    embedder.embed(["a", "b"], "passage")
    with pytest.raises(DimensionMismatch):
        embedder.embed(["a"], "passage")


def test_the_listing_names_each_once_and_where_texts_go(house: House):
    lab = spec_from_endpoint("lab", Endpoint(base_url="http://gpu:8000/v1"))
    house.drop("cohere.py", LETTERS.format(name="cohere"))
    known = Known(list(load_presets().values()), [lab, replace(lab, name="OpenAI")], house.plug_ins())
    listed = list_embedders(known, {"OLLAMA_HOST": "box"})
    rows = {row.name: row for row in listed}
    assert len(rows) == len(listed)
    assert listed[0].name == "local"
    assert (rows["openai"].origin, rows["cohere"].origin) == ("endpoint", "custom")
    assert (rows["lab"].location, rows["ollama"].location, rows["google"].location) == ("lan", "lan", "cloud")
    assert rows["google"].env_vars == ("GOOGLE_GEN_AI_API_KEY",)
    assert rows["huggingface"].env_vars == ()
    assert "groq" not in rows


def test_the_template_works_when_it_is_copied(house: House):
    house.drop("mine.py", (house.custom / "_template.py").read_text())
    assert house.plug_ins().names() == ["template"]
    embedder = house.open("template")
    assert (embedder.model, embedder.location, embedder.fingerprint) == ("standard", "local", "template/standard/1")
