import pytest

from ally.config.secrets import Keys
from ally.config.settings import Endpoint
from ally.errors import ConfigError, MissingKey, MissingPackage, PluginError, UnknownProvider
from ally.messages import Text, UserMessage
from ally.providers.connect import Choice, connect
from ally.providers.model import Model, Request, TextChunk
from tests.fakes import FakeOpenAI
from tests.unit.providers.plugin_files import IMPORT, House, house, provider_class

__all__ = ["house"]

# Speaks for itself through `create_model`, and gives back what it was given.
RECORDER = IMPORT + provider_class(
    "'recorder'",
    cls="Recorder",
    extra="""
seen = {}
def create_model(self, model_name, temperature, api_key=None, **kwargs):
    print('noise')
    return (model_name, temperature, api_key, kwargs, dict(self.seen))
def validate_config(self, config):
    print('noise')
    self.seen.update(config)
    return ('bad' not in config), config.get('bad')
def get_required_env_vars(self):
    return ['RECORDER_KEY', 'RECORDER_GROUP'] if self.keyed else []
keyed = True
def get_default_model(self):
    return 'house-model'
""",
)


def connected(house: House, choice: Choice, keys: dict[str, str], **options: object):
    """What the recorder was given, and the warnings."""
    warnings: list[str] = []
    given = {"Recorder": options} if options else {}
    model = connect(house.registry(), Keys(keys), choice, given, warnings.append)
    return model.inner, warnings


def test_options_key_and_model_arrive(house: House, capsys: pytest.CaptureFixture[str]):
    house.drop("recorder.py", RECORDER)
    (model, temperature, key, options, seen), warnings = connected(
        house, Choice("RECORDER", "m", 0.0), {"RECORDER_KEY": "k-1"}, base_url="http://127.0.0.1", group_id="7"
    )
    assert (model, temperature, key) == ("m", 0.0, "k-1")
    assert options == {"base_url": "http://127.0.0.1", "group_id": "7"}
    assert seen == {"model_name": "m", "api_key": "k-1", "temperature": 0.0, **options}
    assert warnings == []
    assert capsys.readouterr().out == ""


def test_temperature_that_nobody_set_is_left_to_the_service(house: House):
    house.drop("recorder.py", RECORDER)
    (_, temperature, _, _, seen), _ = connected(house, Choice("recorder"), {"RECORDER_KEY": "k"})
    assert temperature is None
    assert seen["temperature"] == 0.7


def test_missing_model_is_the_default_one(house: House):
    house.drop("recorder.py", RECORDER)
    (model, *_), _ = connected(house, Choice("recorder"), {"RECORDER_KEY": "k"})
    assert model == "house-model"


def test_no_model_and_no_default(house: House):
    house.drop("mine.py", IMPORT + provider_class("'mine'", extra="def get_available_models(self): return ['a', 'b']"))
    with pytest.raises(ConfigError, match="No model is chosen, and mine has no default") as caught:
        connect(house.registry(), Keys({}), Choice("mine"), {}, print)
    assert caught.value.key == "model"
    assert "it has a, b" in caught.value.hint


def test_provider_never_gets_the_key_of_another(house: House):
    house.drop("recorder.py", RECORDER)
    others = {"OPENAI_API_KEY": "sk-other", "RECORDER_GROUP": "g"}
    with pytest.raises(MissingKey) as caught:
        connected(house, Choice("recorder"), others)
    assert caught.value.variables == ("RECORDER_KEY",)
    assert "RECORDER_KEY" in caught.value.message
    assert ".env" in caught.value.hint
    assert "ally --provider local" in caught.value.hint


def test_entry_of_main_py_wins_over_the_environment(house: House):
    house.drop("recorder.py", RECORDER)
    keys = Keys({"RECORDER_KEY": "env"}, {"recorder": "mine", "openai": "other"})
    _, _, key, _, _ = connect(house.registry(), keys, Choice("recorder"), {}, print).inner  # type: ignore[misc] - a tuple as model
    assert key == "mine"


def test_invalid_configuration_is_a_warning_without_the_key(house: House):
    house.drop("recorder.py", RECORDER)
    found, warnings = connected(house, Choice("recorder"), {"RECORDER_KEY": "k-123"}, bad="the key k-123 looks odd")
    assert warnings == ["Provider validation warning: the key *** looks odd"]
    assert found[2] == "k-123"


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        ("raise KeyError('x')", "validate_config failed: KeyError: 'x'"),
        ("return None", "validate_config failed: TypeError: cannot unpack non-iterable NoneType object"),
        ("return False, None", "the configuration is not valid"),
        ("exit(1)", "validate_config failed: it called exit(1)"),
    ],
)
def test_validate_config_that_breaks_the_contract(house: House, body: str, warning: str):
    extra = f"def validate_config(self, config):\n    {body}\ndef create_model(self, *a, **k): return 'made'"
    house.drop("mine.py", IMPORT + provider_class("'mine'", extra=extra))
    warnings: list[str] = []
    assert connect(house.registry(), Keys({}), Choice("mine", "m"), {}, warnings.append).inner == "made"
    assert warnings == [f"Provider validation warning: {warning}"]


@pytest.mark.parametrize(
    ("statement", "error", "text"),
    [
        ("import acme_sdk.client", MissingPackage, "acme-sdk"),
        ("raise ValueError('group_id must be a number')", ConfigError, "mine: group_id must be a number"),
        ("raise TypeError('unexpected option colour')", ConfigError, "mine: unexpected option colour"),
        ("raise RuntimeError('boom')", PluginError, "RuntimeError: boom"),
        ("exit(2)", PluginError, r"it called exit\(2\)"),
    ],
)
def test_what_create_model_raises_becomes_an_error_with_a_way_out(
    house: House, statement: str, error: type[Exception], text: str
):
    extra = f"def create_model(self, *a, **k):\n    {statement}"
    house.drop("mine.py", IMPORT + provider_class("'mine'", extra=extra))
    with pytest.raises(error, match=text) as caught:
        connect(house.registry(), Keys({}), Choice("mine", "m"), {}, print)
    assert caught.value.hint  # type: ignore[attr-defined] - an AllyError


@pytest.mark.parametrize("option", ["api_key", "model_name", "temperature"])
def test_option_that_belongs_elsewhere(house: House, option: str):
    with pytest.raises(ConfigError, match=f"provider_options.openai.{option} is no option") as caught:
        connect(house.registry(), Keys({"OPENAI_API_KEY": "k"}), Choice("openai"), {"openai": {option: 1}}, print)
    assert caught.value.key == f"provider_options.openai.{option}"


def test_options_of_embeddings_are_not_sent_with_a_chat(house: House):
    extra = "def create_model(self, *a, **options):\n    raise ValueError(sorted(options))"
    house.drop("mine.py", IMPORT + provider_class("'mine'", extra=extra))
    with pytest.raises(ConfigError, match=r"\['size'\]"):
        connect(
            house.registry(), Keys({}), Choice("mine", "m"), {"mine": {"embeddings": {"batch": 9}, "size": 1}}, print
        )


def test_unknown_provider(house: House):
    with pytest.raises(UnknownProvider):
        connect(house.registry(), Keys({}), Choice("nobody"), {}, print)


async def test_endpoint_answers_over_http(house: House, fake_openai: FakeOpenAI):
    lab = Endpoint(base_url=fake_openai.base_url, api_key_env="LAB_KEY", models=["gpt-4o"])
    registry = house.registry(endpoints={"lab": lab})
    model = connect(registry, Keys({"LAB_KEY": fake_openai.key or "k"}), Choice("lab"), {}, print)
    assert (model.profile.provider, model.profile.road, model.profile.location) == ("lab", "fast", "local")
    assert await _answer(model)


async def test_subclass_that_overrides_create_llm_is_obeyed(house: House):
    source = (
        "from app.src.providers.builtin import OpenAIProvider\n"
        "class Mine(OpenAIProvider):\n"
        "    name = 'mine'\n"
        "    def create_llm(self, model_name, temperature, api_key=None, **kwargs):\n"
        "        from langchain_core.language_models import FakeListChatModel\n"
        "        return FakeListChatModel(responses=[f'{model_name} {temperature} {api_key} {kwargs}'])\n"
    )
    house.drop("mine.py", source)
    keys = Keys({"OPENAI_API_KEY": "k-1"})
    model = connect(house.registry(), keys, Choice("mine", "m"), {"mine": {"a": 1}}, print)
    assert model.profile.road == "guide"
    assert await _answer(model) == "m 0.7 k-1 {'a': 1}"


@pytest.mark.parametrize(
    ("statement", "cause"), [("1 / 0", "ZeroDivisionError: division by zero"), ("exit(3)", r"it called exit\(3\)")]
)
def test_create_llm_that_fails_is_named_with_its_line(house: House, statement: str, cause: str):
    source = IMPORT + provider_class("'mine'").replace("raise ValueError('no service behind this one')", statement)
    path = house.drop("mine.py", source)
    with pytest.raises(ConfigError, match=cause) as caught:
        connect(house.registry(), Keys({}), Choice("mine", "m"), {}, print)
    assert caught.value.hint == f"see {path}, line {source[: source.index(statement)].count(chr(10)) + 1}"


async def test_provider_that_does_not_stream_gives_whole_answers(house: House, fake_openai: FakeOpenAI):
    source = (
        "from app.src.providers.builtin import OpenAIProvider\n"
        "class Mine(OpenAIProvider):\n"
        "    name = 'mine'\n"
        "    def supports_streaming(self): return False\n"
    )
    house.drop("mine.py", source)
    options = {"mine": {"base_url": fake_openai.base_url}}
    keys = Keys({"OPENAI_API_KEY": fake_openai.key or "k"})
    model = connect(house.registry(), keys, Choice("mine", "gpt-4o"), options, print)
    assert not model.profile.streaming
    assert await _answer(model)
    assert not any(request.json.get("stream") for request in fake_openai.requests if request.json)


async def _answer(model: Model) -> str:
    request = Request([UserMessage((Text("hello"),))])
    try:
        return "".join([chunk.text async for chunk in model.stream(request) if isinstance(chunk, TextChunk)])
    finally:
        await model.close()
