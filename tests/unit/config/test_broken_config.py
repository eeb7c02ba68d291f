import json
import socket
from pathlib import Path

import pytest

from ally.config.load import load_settings
from ally.config.paths import Paths
from ally.errors import ConfigError

SECRET = "sk-verySECRETvalue"


def failure(folder: Path, content: str | bytes | object) -> ConfigError:
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    (folder / "config.json").write_bytes(content.encode() if isinstance(content, str) else content)
    return failure_of(folder)


def failure_of(folder: Path) -> ConfigError:
    paths = Paths(config=folder, data=folder, state=folder, cache=folder)
    with pytest.raises(ConfigError) as caught:
        load_settings(paths, None, {}, {})
    error = caught.value
    assert error.hint
    assert error.file == folder / "config.json"
    assert str(error.file) in error.message
    assert SECRET not in error.message + error.hint
    return error


@pytest.mark.parametrize(
    ("text", "where", "problem", "hint"),
    [
        ('{\n  "provider": null, // why\n}', "line 2, column 21", "a comment", "remove the comment"),
        ('{\n  /* why */ "provider": null}', "line 2, column 3", "a comment", "remove the comment"),
        ('{"provider": null} # why', "line 1, column 20", "a comment", "remove the comment"),
        ('{\n  "provider": null,\n}', "line 2, column 19", "comma before the closing", "remove the comma"),
        ('{"permissions": {"allow": ["a",\n]}}', "line 1, column 31", "comma before the closing", "remove the comma"),
        ("{'provider': null}", "line 1, column 2", "quotation mark", "straight quotes"),
        ("{“provider”: null}", "line 1, column 2", "quotation mark", "straight quotes"),
        ("{provider: null}", "line 1, column 2", "key in double quotes", '{"key": value'),
        ('{"provider": None}', "line 1, column 14", "Python's spelling", "null"),
        ('{"provider" null}', "line 1, column 13", "a colon", '"key": value'),
        ('{"provider": }', "line 1, column 14", "a value is expected", "a number"),
        ('{"provider": "a"\n "model": "b"}', "line 2, column 2", "a comma or a closing bracket", "put a comma"),
        ('{"provider": "a"', "line 1, column 17", "but the file ends", "comma"),
        ('{"provider": "a', "line 1, column 14", "never ends", "close it"),
        ('{"provider": "a\nb"}', "line 1, column 16", "line break", "\\n"),
        ('{"provider": "C:\\x"}', "line 1, column 17", "backslash", "\\\\"),
        ('{"provider": "a"} {"model": "b"}', "line 1, column 19", "after the end", "one { ... }"),
        ('{"temperatures": {"general": NaN}}', "line 1, column 30", "NaN is not", "number"),
        ('{"a\\"NaN": 1, "b": -Infinity}', "line 1, column 20", "-Infinity is not", "number"),
    ],
)
def test_broken_json_names_line_and_column_and_how_to_mend_it(
    tmp_path: Path, text: str, where: str, problem: str, hint: str
):
    error = failure(tmp_path, text)
    assert where in error.message
    assert problem in error.message
    assert hint in error.hint


@pytest.mark.parametrize("text", ["", " \n\t\n", "\ufeff"])
def test_empty_file(tmp_path: Path, text: str):
    assert "is empty" in failure(tmp_path, text).message


@pytest.mark.parametrize(("text", "name"), [("[]", "a list"), ('"x"', "text"), ("3", "3"), ("null", "null")])
def test_file_that_is_no_object(tmp_path: Path, text: str, name: str):
    assert f"one JSON object, not {name}" in failure(tmp_path, text).message


def test_byte_order_mark_is_accepted(tmp_path: Path):
    (tmp_path / "config.json").write_bytes(b'\xef\xbb\xbf{"provider": "a"}')
    paths = Paths(config=tmp_path, data=tmp_path, state=tmp_path, cache=tmp_path)
    assert load_settings(paths, None, {}, {}).settings.provider == "a"


@pytest.mark.parametrize("raw", ['{"provider": "a"}'.encode("utf-16"), b'{\n"model": "\xfc"}'])
def test_file_that_is_not_utf8(tmp_path: Path, raw: bytes):
    error = failure(tmp_path, raw)
    assert "not UTF-8" in error.message
    assert "line" in error.message


def test_duplicate_key(tmp_path: Path):
    error = failure(tmp_path, '{"models": {"general": "a", "general": "b"}}')
    assert "'general' twice" in error.message


def test_names_that_differ_only_in_case(tmp_path: Path):
    error = failure(tmp_path, '{"provider_options": {"Ollama": {}, "ollama": {}}}')
    assert '"ollama" twice' in error.message


def test_deep_nesting_huge_numbers_half_characters_and_huge_files(tmp_path: Path):
    assert "nested too deeply" in failure(tmp_path, '{"a":' * 60_000).message
    deep = '{"provider_options": {"a": ' + '{"a": [' * 300 + "]}" * 300 + "}}"
    assert "nested too deeply" in failure(tmp_path, deep).message
    assert "too many digits" in failure(tmp_path, '{"a": ' + "9" * 5000 + "}").message
    assert "half of a character" in failure(tmp_path, '{"model": "\\ud800"}').message
    assert "larger than 1 MB" in failure(tmp_path, '{"model": "' + "a" * 1_000_001 + '"}').message


def test_folder_link_to_nowhere_and_socket_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = tmp_path / "config.json"
    place.mkdir()
    assert "is a folder" in failure_of(tmp_path).message
    place.rmdir()
    place.symlink_to("nowhere")
    assert "link to a file that does not exist" in failure_of(tmp_path).message
    place.unlink()
    monkeypatch.chdir(tmp_path)  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("config.json")
        assert "not a regular file" in failure_of(tmp_path).message


def test_file_where_the_configuration_folder_should_be(tmp_path: Path):
    (tmp_path / "taken").write_text("")
    assert "cannot be read" in failure_of(tmp_path / "taken").message


@pytest.mark.parametrize(
    ("data", "key", "sentence", "hint"),
    [
        ({"provder": "a"}, "provder", 'unknown key "provder"', 'did you mean "provider"?'),
        ({"Provider": "a"}, "Provider", 'unknown key "Provider"', 'did you mean "provider"?'),
        ({"temperature": 1}, "temperature", 'unknown key "temperature"', 'did you mean "temperatures"?'),
        ({"mcpServers": {}}, "mcpServers", 'unknown key "mcpServers"', 'did you mean "mcp_servers"?'),
        ({"zzz": None}, "zzz", 'unknown key "zzz"', "known: $schema, provider"),
        ({"models": {"codegen": "a"}}, "models.codegen", 'unknown key "codegen" in models', '"code_gen"'),
        ({"permissions": {"mod": "ask"}}, "permissions.mod", 'unknown key "mod" in permissions', '"mode"'),
        (
            {"endpoints": {"lab": {"baseurl": "x"}}},
            "endpoints.lab.baseurl",
            'unknown key "baseurl" in endpoints.lab',
            '"base_url"',
        ),
    ],
)
def test_unknown_key_names_the_nearest_one(tmp_path: Path, data: object, key: str, sentence: str, hint: str):
    error = failure(tmp_path, data)
    assert sentence in error.message
    assert "line 1" in error.message
    assert hint in error.hint
    assert error.key == key


@pytest.mark.parametrize("name", ["api_key", "OPENAI_API_KEY", "apiKey", "key", "api_keys"])
def test_key_in_the_configuration_is_sent_to_the_env_file(tmp_path: Path, name: str):
    assert ".env" in failure(tmp_path, {name: SECRET}).hint
    assert "api_key_env" in failure(tmp_path, {"endpoints": {"lab": {name: SECRET}}}).hint


@pytest.mark.parametrize("pasted", [SECRET, "sk_live_1234", "gsk_abcdef", "a" * 40, "has space", "", "1X"])
def test_key_pasted_as_name_of_its_variable_is_not_repeated(tmp_path: Path, pasted: str):
    lab = {"base_url": "http://x", "api_key_env": pasted}
    if not pasted:  # empty text means "not set"
        lab["api_key_env"] = "-"
    error = failure(tmp_path, {"endpoints": {"lab": lab}})
    assert "name of an environment variable" in error.message
    assert not pasted or pasted not in error.message


def test_key_pasted_as_a_key_is_not_repeated(tmp_path: Path):
    long_key = SECRET + "x" * 40
    assert long_key not in failure(tmp_path, {long_key: 1}).message


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"provider": 5}, "provider must be text in double quotes, not 5"),
        ({"model": ["a"]}, "model must be text in double quotes, not a list"),
        ({"models": "a"}, "models must be an object {...}, not text"),
        ({"models": {"general": True}}, "models.general must be text in double quotes, not true or false"),
        ({"temperatures": {"general": "0.7"}}, "temperatures.general must be a number from 0 to 2, not text"),
        ({"temperatures": {"general": 2.01}}, "temperatures.general must be a number from 0 to 2, not 2.01"),
        ({"temperatures": {"general": -1}}, "not -1"),
        ({"temperatures": {"general": True}}, "not true or false"),
        ({"temperatures": {"general": 10**400}}, "must be a number from 0 to 2"),
        ({"provider_options": {"ollama": 1}}, "provider_options.ollama must be an object {...}, not 1"),
        ({"mcp_servers": {"a": []}}, "mcp_servers.a must be an object {...}, not a list"),
        ({"endpoints": []}, "endpoints must be an object {...}, not a list"),
        ({"endpoints": {"lab": "http://x"}}, "endpoints.lab must be an object {...}, not text"),
        ({"permissions": {"allow": "shell"}}, "permissions.allow must be a list of texts [...], not text"),
        ({"permissions": {"deny": ["a", 1]}}, "permissions.deny: entry 2 must be text in double quotes, not 1"),
        ({"scraping_method": "fancy"}, 'scraping_method must be one of "docling", "simple"'),
        ({"endpoints": {"a.b": {"base_url": "http://x"}}}, "a name that no provider can have"),
    ],
)
def test_wrong_type_names_key_given_and_accepted(tmp_path: Path, data: object, sentence: str):
    assert sentence in failure(tmp_path, data).message


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("base_url", "ftp://x", "http:// or https://"),
        ("base_url", "gpu:8000", "http:// or https://"),
        ("base_url", "http://", "with a host"),
        ("base_url", "http://x:99999", "not a valid URL"),
        ("base_url", "http://[::1", "not a valid URL"),
        ("base_url", "http://x:0", "with a host"),
        ("base_url", "http://a b", "spaces"),
        ("base_url", "http://x/?a=1", "after ? or #"),
        ("base_url", f"http://me:{SECRET}@x", "user name or password"),
        ("compatible", "OpenAI", 'one of "anthropic", "openai"'),
        ("context_window", 0, "a whole number, 1 or more, not 0"),
        ("context_window", 1.5, "a whole number, 1 or more, not 1.5"),
        ("context_window", True, "a whole number, 1 or more, not true or false"),
        ("headers", {"X-Key": 5}, "endpoints.lab.headers.X-Key must be text"),
        ("headers", {"bad name": "x"}, "a name that no HTTP header can have"),
        ("headers", {"X-Key": SECRET + "\n"}, "cannot carry"),
        ("headers", {"X-Key": SECRET + "ü"}, "cannot carry"),
        ("models", [1], "endpoints.lab.models: entry 1 must be text"),
    ],
)
def test_bad_endpoint(tmp_path: Path, field: str, value: object, sentence: str):
    lab = {"base_url": "http://x", field: value}
    assert sentence in failure(tmp_path, {"endpoints": {"lab": lab}}).message


@pytest.mark.parametrize(
    "url",
    [
        "http://gpu:8000/v1",
        "https://api.example.com/v1/",
        "http://[::1]:8080/v1",
        "http://10.0.0.3",
        "https://müller.de/v1",
    ],
)
def test_good_base_urls(tmp_path: Path, url: str):
    (tmp_path / "config.json").write_text(json.dumps({"endpoints": {"lab": {"base_url": url}}}))
    paths = Paths(config=tmp_path, data=tmp_path, state=tmp_path, cache=tmp_path)
    assert load_settings(paths, None, {}, {}).settings.endpoints["lab"].base_url == url.rstrip("/")


def test_unknown_key_comes_before_other_problems(tmp_path: Path):
    error = failure(tmp_path, '{\n"provider": 1,\n"model": 2,\n"scrapping_method": "simple"}')
    assert 'line 4: unknown key "scrapping_method".' in error.message


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"provider_options": {"a": {}, "b": 1, "c": {}}}, "provider_options.b"),
        ({"endpoints": {"a": {"base_url": "http://a"}, "b": {"base_url": "ftp://b"}}}, "endpoints.b.base_url"),
        ({"endpoints": {"a": {"base_url": "http://a"}, "b": {"default_model": "m"}}}, "endpoints.b.base_url"),
        (
            {"endpoints": {"a": {"base_url": "http://a"}, "b": {"base_url": "http://b", "headers": {"x": "", "y": 1}}}},
            "endpoints.b.headers.y",
        ),
        ({"endpoints": {"a": {"default_model": "m"}}, "provider": 1}, "provider"),
        ({"endpoints": {"a - at `$.b`": {"base_url": 1}}}, "endpoints.a - at `$.b`.base_url"),
    ],
)
def test_the_one_entry_that_is_wrong_is_named_among_others(tmp_path: Path, data: object, key: str):
    error = failure(tmp_path, data)
    assert error.key == key
    assert key in error.message or error.message.endswith("endpoints.b needs base_url.")
