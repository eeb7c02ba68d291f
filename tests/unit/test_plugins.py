import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ally.errors import ConfigError, PluginError
from ally.plugins import PluginFolder, attach, cause_of, defined_classes, load, read_api_keys


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[PluginFolder]:
    yield PluginFolder("plugins_of_a_test", tmp_path)
    for name in [name for name in sys.modules if name.startswith("plugins_of_a_test")]:
        del sys.modules[name]


def write(folder: PluginFolder, name: str, source: str) -> Path:
    path = folder.path / name
    path.write_text(source, encoding="utf-8")
    return path


def test_plug_ins_and_their_helpers_are_told_apart(folder: PluginFolder):
    for name in ("b.py", "a.py", "_h.py", "__init__.py", ".hidden.py", "readme.md"):
        write(folder, name, "")
    (folder.path / "_lib").mkdir()
    (folder.path / "_lib/deep.py").write_text("")
    (folder.path / "__pycache__").mkdir()
    (folder.path / "__pycache__/x.py").write_text("")
    assert [file.name for file in folder.files()] == ["a.py", "b.py"]
    assert [file.name for file in folder.private_files()] == ["__init__.py", "_h.py", "deep.py"]


def test_missing_folder_has_no_plug_ins(tmp_path: Path):
    folder = PluginFolder("plugins_of_a_test", tmp_path / "nowhere")
    assert (folder.files(), folder.private_files()) == ([], [])


def test_file_is_one_module_whoever_imports_it(folder: PluginFolder):
    write(folder, "__init__.py", "GREETING = 'hello'\n")
    path = write(folder, "one.py", "from plugins_of_a_test import GREETING\nclass A: pass\n")
    write(folder, "two.py", "from plugins_of_a_test.one import A\nfrom . import one\nclass B(A): pass\n")
    attach(folder)
    two = load(folder, folder.path / "two.py")
    one = load(folder, path)
    assert two.A is one.A
    assert two.one is one
    assert one.GREETING == "hello"
    assert defined_classes(two, one.A) == [two.B]


def test_package_of_the_same_name_from_another_folder_is_replaced(folder: PluginFolder, tmp_path: Path):
    other = PluginFolder(folder.package, tmp_path / "other")
    other.path.mkdir()
    write(folder, "one.py", "WHERE = 'first'\n")
    write(other, "one.py", "WHERE = 'second'\n")
    attach(folder)
    assert load(folder, folder.path / "one.py").WHERE == "first"
    attach(other)
    assert load(other, other.path / "one.py").WHERE == "second"


def test_attaching_again_keeps_the_modules(folder: PluginFolder):
    path = write(folder, "one.py", "")
    attach(folder)
    first = load(folder, path)
    attach(folder)
    assert load(folder, path) is first


def test_no_byte_code_is_left_behind(folder: PluginFolder):
    write(folder, "_helper.py", "X = 1\n")
    attach(folder)
    load(folder, write(folder, "one.py", "from plugins_of_a_test._helper import X\n"))
    assert not (folder.path / "__pycache__").exists()


def test_failed_import_leaves_no_half_module(folder: PluginFolder):
    path = write(folder, "one.py", "X = 1\nraise KeyError('y')\n")
    attach(folder)
    with pytest.raises(PluginError, match="KeyError: 'y'") as caught:
        load(folder, path)
    assert caught.value.hint == f"see {path}, line 2"
    assert "plugins_of_a_test.one" not in sys.modules


def test_ctrl_c_during_an_import_is_no_failure_of_the_plug_in(folder: PluginFolder):
    path = write(folder, "one.py", "raise KeyboardInterrupt\n")
    attach(folder)
    with pytest.raises(KeyboardInterrupt):
        load(folder, path)


def test_broken_init_file_is_named(folder: PluginFolder):
    path = write(folder, "__init__.py", "\noops\n")
    with pytest.raises(PluginError, match="NameError") as caught:
        attach(folder)
    assert caught.value.hint == f"see {path}, line 2"


def test_cause_is_short_and_survives_odd_exceptions():
    assert cause_of(ValueError("x" * 9999)) == f"ValueError: {'x' * 488}"
    assert cause_of(ValueError()) == "ValueError"
    assert cause_of(SystemExit(None)) == "it called exit()"


def test_keys_of_main_py(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = "print('hello')\napi_keys = {'openai': 'k', 'google': None}\nif __name__ == '__main__':\n    1 / 0\n"
    (tmp_path / "main.py").write_text(source)
    assert read_api_keys(tmp_path) == {"openai": "k", "google": None}
    assert capsys.readouterr() == ("", "hello\n")


@pytest.mark.parametrize("source", ["", "keys = 1"])
def test_main_py_without_keys(tmp_path: Path, source: str):
    assert read_api_keys(tmp_path) == {}
    (tmp_path / "main.py").write_text(source)
    assert read_api_keys(tmp_path) == {}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("import os\napi_keys = {\n", "line 2: SyntaxError: '{' was never closed"),
        ("\n\nimport nowhere_at_all\n", "line 3: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("exit(4)", "line 1: it called exit(4)"),
        ("api_keys = ['a']", "api_keys must be a dictionary"),
        ("api_keys = {'a': 5}", "api_keys must be a dictionary"),
    ],
)
def test_broken_main_py_is_named_with_its_line(tmp_path: Path, source: str, text: str):
    file = tmp_path / "main.py"
    file.write_text(source)
    with pytest.raises(ConfigError) as caught:
        read_api_keys(tmp_path)
    assert text in caught.value.message
    assert str(file) in caught.value.message
    assert caught.value.file == file
