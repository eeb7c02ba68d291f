import logging
from pathlib import Path

import pytest

from ally.config.paths import Paths
from ally.config.secrets import Keys, is_placeholder, load_env_files, read_env_file, without_secrets
from ally.errors import ConfigError


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    config = tmp_path / "config"
    config.mkdir()
    return Paths(config=config, data=tmp_path, state=tmp_path, cache=tmp_path)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    return folder


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / ".env"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def values(folder: Path, text: str | bytes) -> dict[str, str]:
    return dict(read_env_file(write(folder, text)).values)


def test_env_of_the_checkout_wins_over_that_of_the_config_folder(paths: Paths, checkout: Path):
    first = write(checkout, "A_KEY=one\n")
    second = write(paths.config, "A_KEY=two\nB_KEY=three\n")
    env: dict[str, str] = {}
    assert load_env_files(paths, checkout, env) == {"A_KEY": first, "B_KEY": second}
    assert env == {"A_KEY": "one", "B_KEY": "three"}


def test_existing_variables_win_even_when_empty(paths: Paths, checkout: Path):
    write(checkout, "A_KEY=file\nB_KEY=file\n")
    env = {"A_KEY": "shell", "B_KEY": ""}
    assert load_env_files(paths, checkout, env) == {}
    assert env == {"A_KEY": "shell", "B_KEY": ""}


def test_env_of_the_working_folder_is_never_read(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = tmp_path / "project"
    project.mkdir()
    write(project, "OPENAI_API_KEY=stolen\nOPENAI_BASE_URL=http://evil\n")
    monkeypatch.chdir(project)
    env: dict[str, str] = {}
    load_env_files(paths, None, env)
    assert env == {}


def test_example_values_do_not_hide_a_real_key_in_the_other_file(paths: Paths, checkout: Path):
    write(checkout, "OPENAI_API_KEY=...\n")
    real = write(paths.config, "OPENAI_API_KEY=sk-real\n")
    assert load_env_files(paths, checkout, {}) == {"OPENAI_API_KEY": real}


def test_values_are_taken_literally(checkout: Path):
    text = "A=pa$HOME${HOME}ss\nB=a#b\nC='x y' # comment\nexport D=1\nE=\"two\\nlines\"\nF=back\\nslash\n"
    assert values(checkout, text) == {
        "A": "pa$HOME${HOME}ss",
        "B": "a#b",
        "C": "x y",
        "D": "1",
        "E": "two\nlines",
        "F": "back\\nslash",
    }


def test_windows_files_and_unicode_are_read(checkout: Path):
    assert values(checkout, b"\xef\xbb\xbfA=1\r\nB=\xc3\xbc\r\n") == {"A": "1", "B": "ü"}


@pytest.mark.parametrize(
    "name", ["PATH", "LD_PRELOAD", "PYTHONPATH", "pythonstartup", "GIT_SSH_COMMAND", "DYLD_X", "HOME", "ALLY_HOME"]
)
def test_variables_that_change_how_programs_run_are_refused(checkout: Path, name: str):
    file = read_env_file(write(checkout, f"\n\n{name}=/evil\nGOOD=1\n"))
    assert dict(file.values) == {"GOOD": "1"}
    assert file.problems == (f"line 3: {name} may not be set in .env; set it in your shell",)


def test_unusable_lines_are_named_by_number_and_the_rest_is_read(checkout: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        file = read_env_file(write(checkout, "A=1\n\nsecret garbage here\n1X=2\nB\nC=\nD=\x00\nE=5\n"))
    assert dict(file.values) == {"A": "1", "E": "5"}
    assert file.unset == ("B", "C")
    assert [problem.split(":")[0] for problem in file.problems] == ["line 3 is not NAME=value", "line 4", "line 7"]
    assert "garbage" not in repr(file)
    assert caplog.records == []


@pytest.mark.parametrize("raw", ["A=1\n".encode("utf-16"), b"A=\xff\xfe\n"])
def test_file_that_is_not_utf8_is_a_problem_and_not_an_error(checkout: Path, raw: bytes):
    file = read_env_file(write(checkout, raw))
    assert dict(file.values) == {}
    assert "UTF-8" in file.problems[0]


def test_missing_folder_dangling_link_and_huge_file_do_not_stop_anything(checkout: Path):
    assert read_env_file(checkout / "none" / ".env").problems == ()
    (checkout / "dir").mkdir()
    assert read_env_file(checkout / "dir").problems == ("it is not a file",)
    (checkout / "link").symlink_to(checkout / "nowhere")
    assert read_env_file(checkout / "link").problems == ("it is not a file",)
    assert read_env_file(write(checkout, "A=1\n" * 300_000)).problems == ("it is larger than 1 MB",)


@pytest.mark.parametrize(
    "text",
    [
        *("...", "…", "", " ", "xxx", "<key>", "<your key>", "sk-...", "sk-xxxxxxxx", "${OPENAI_API_KEY}", "changeme"),
        *("your_api_key_here", "your_19_digit_group_id", "YOUR_API_KEY", "your_openai_api_key_here"),
        *("your-key-here", "insert key here", "replace_me"),
    ],
)
def test_examples_count_as_missing(text: str):
    assert is_placeholder(text)
    assert Keys({"A_KEY": text}).find("a", ["A_KEY"]) is None
    assert Keys({"A_KEY": text}).missing("a", ["A_KEY"]) == ["A_KEY"]


@pytest.mark.parametrize(
    "text", ["sk-proj-aB3", "x", "not-needed", "none", "my-local-key", "yourself1", "1234567890123456789", "a.b.c"]
)
def test_real_values_are_not_taken_for_examples(text: str):
    assert not is_placeholder(text)


def test_key_is_the_first_variable_and_says_where_it_is_from(tmp_path: Path):
    keys = Keys({"M_KEY": " k1 ", "M_GROUP": "g"}, files={"M_KEY": tmp_path / ".env"})
    key = keys.find("minimax", ["M_KEY", "M_GROUP"])
    assert key is not None
    assert key.value == "k1"
    assert key.source == f"M_KEY in {tmp_path / '.env'}"
    assert "k1" not in repr(key)
    assert keys.source("M_GROUP") == "M_GROUP in the environment"
    assert keys.source("OTHER") == ""


def test_second_variable_alone_is_no_key():
    keys = Keys({"M_GROUP": "g"})
    assert keys.find("minimax", ["M_KEY", "M_GROUP"]) is None
    assert keys.missing("minimax", ["M_KEY", "M_GROUP"]) == ["M_KEY"]


def test_api_keys_of_main_py_win_over_the_environment():
    keys = Keys({"OPENAI_API_KEY": "env"}, {"OpenAI": "given"})
    key = keys.find("openai", ["OPENAI_API_KEY"])
    assert key is not None
    assert (key.value, key.source) == ("given", "api_keys in main.py")
    assert keys.missing("openai", ["OPENAI_API_KEY", "ORG"]) == ["ORG"]


@pytest.mark.parametrize("entry", [None, "", "...", "your_key_here"])
def test_unfilled_entry_of_api_keys_leaves_the_environment_in_charge(entry: str | None):
    key = Keys({"X_KEY": "env"}, {"x": entry}).find("x", ["X_KEY"])
    assert key is not None
    assert key.value == "env"


def test_entry_that_repeats_the_environment_is_named_after_it(tmp_path: Path):
    keys = Keys({"X_KEY": "v"}, {"x": "v"}, {"X_KEY": tmp_path})
    key = keys.find("x", ["X_KEY"])
    assert key is not None
    assert key.source == f"X_KEY in {tmp_path}"


def test_provider_never_gets_the_key_of_another():
    keys = Keys({"OPENAI_API_KEY": "sk-openai"}, {"openai": "sk-main"})
    assert keys.find("groq", ["GROQ_API_KEY"]) is None
    assert keys.find("localai", []) is None
    assert keys.missing("groq", ["GROQ_API_KEY"]) == ["GROQ_API_KEY"]


@pytest.mark.parametrize("value", ["sk-“abc”", "two words", "line\nbreak", "tab\tx", "ключ"])
def test_key_that_cannot_be_sent_is_refused_without_repeating_it(value: str):
    with pytest.raises(ConfigError, match="X_KEY in the environment") as caught:
        Keys({"X_KEY": value}).find("x", ["X_KEY"])
    assert value not in caught.value.message + caught.value.hint


def test_a_child_that_needs_no_keys_gets_none():
    secret = ["OPENAI_API_KEY", "ANTHROPIC_AUTH_TOKEN", "hf_token", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "MYKEY"]
    secret += ["GOOGLE_APPLICATION_CREDENTIALS", "OPENAI_CUSTOM_HEADERS", "OPENAI_KEY_2", "ACME_APIKEY"]
    plain = ["PATH", "HOME", "LANG", "CUDA_VISIBLE_DEVICES", "HTTPS_PROXY", "KEYBOARD", "PIP_INDEX_URL"]
    plain += ["UV_INDEX_OWN_PASSWORD", "SSL_CERT_FILE"]
    assert list(without_secrets(dict.fromkeys([*secret, *plain], "x"))) == plain
