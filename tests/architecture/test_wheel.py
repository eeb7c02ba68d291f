import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, list_files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("ally_assistant-*-py3-none-any.whl")
    return zipfile.ZipFile(built)


def test_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile):
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    tracked = {path.relative_to(ROOT).as_posix() for path in list_files() if path.is_relative_to(ROOT / "ally")}
    assert inside == tracked


def test_wheel_names_command_licence_and_extras(wheel: zipfile.ZipFile):
    metadata = {Path(name).name: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}
    commands = configparser.ConfigParser()
    commands.read_string(metadata["entry_points.txt"])
    assert commands["console_scripts"]["ally"] == "ally.__main__:main"
    assert "Apache License" in metadata["LICENSE"]
    assert "License-Expression: Apache-2.0" in metadata["METADATA"]
    assert {"Provides-Extra: langchain", "Provides-Extra: local"} <= set(metadata["METADATA"].splitlines())
