"""How a checkout sets itself up: the real `bootstrap.py` in a small checkout whose packages lie in a folder."""

import ast
import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

MAIN = """
import json, sys
from pathlib import Path
import bootstrap

bootstrap.ensure_installed(Path(__file__).resolve().parent)
import brick
print(json.dumps({"brick": brick.VERSION, "arguments": sys.argv[1:], "prefix": sys.prefix}))
"""

BACKEND = """
import zipfile
from pathlib import Path

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "small-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder) / name, "w") as wheel:
        wheel.writestr("small-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1.0\\n")
        wheel.writestr("small-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("small-1.0.dist-info/RECORD", "")
    return name
"""

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "small"
version = "1.0"
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with one requirement; nothing is set up yet."""
    folder = tmp_path_factory.mktemp("small")
    shutil.copy(ROOT / "bootstrap.py", folder)
    (folder / "main.py").write_text(MAIN, encoding="utf-8")
    (folder / "backend.py").write_text(BACKEND, encoding="utf-8")
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (folder / "wheels").mkdir()
    lock(folder, "1.0", build_wheel(folder / "wheels", "1.0"))
    return folder


def build_wheel(folder: Path, version: str) -> str:
    """Write a wheel of the package `brick`; returns its SHA-256."""
    path = folder / f"brick-{version}-py3-none-any.whl"
    info = f"brick-{version}.dist-info"
    files = {
        "brick.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: brick\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},\n"
        for name, text in files.items()
    )
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(name, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lock(folder: Path, version: str, sha256: str) -> None:
    text = f"brick=={version} \\\n    --hash=sha256:{sha256}\n"
    (folder / "requirements.lock").write_text(text, encoding="utf-8")


def start(small: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `python3 main.py` as a newcomer does, with a package index that is a folder."""
    python = getattr(sys, "_base_executable", sys.executable)
    environment = {
        "HOME": str(small),
        "PATH": os.environ["PATH"],
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(small / "wheels"),
        "PIP_USER": "1",  # a setting of the user that would lead pip astray
    }
    command = [python, "main.py", *arguments]
    return subprocess.Popen(
        command, cwd=small, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_two_first_starts_at_once_set_up_once_and_both_answer(small: Path):
    first, second = start(small, "-p", "dzień dobry"), start(small, "two")
    results = [finish(first), finish(second)]
    answers = [json.loads(out) for _, out, _ in results]
    assert [code for code, _, _ in results] == [0, 0]
    assert [answer["arguments"] for answer in answers] == [["-p", "dzień dobry"], ["two"]]
    assert {answer["prefix"] for answer in answers} == {str(small / ".venv")}
    said = "".join(err for _, _, err in results)
    assert said.count("first start: installing") == 1
    assert said.count("waiting for it") == 1
    assert f"{small / '.venv' / 'bin' / 'ally'}; to have it everywhere:" in said


def test_later_starts_are_silent(small: Path):
    code, out, err = finish(start(small))
    assert (code, json.loads(out)["brick"], err) == (0, "1.0", "")


def test_a_file_that_is_not_the_locked_one_is_refused_and_the_next_start_mends_it(small: Path):
    sha256 = build_wheel(small / "wheels", "2.0")
    lock(small, "2.0", "0" * 64)
    code, out, err = finish(start(small))
    assert (code, out) == (1, "")
    assert "DO NOT MATCH THE HASHES" in err
    assert "ally set-up: pip could not install" in err

    lock(small, "2.0", sha256)
    interrupted = start(small)
    venv = small / ".venv"
    deadline = time.monotonic() + 30
    while (venv / "ally-installed.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    interrupted.send_signal(signal.SIGINT)
    code, out, err = finish(interrupted)
    assert (code, out) == (130, "")
    assert "the next start takes it up again" in err
    assert "Traceback" not in err

    code, out, err = finish(start(small))
    assert (code, json.loads(out)["brick"]) == (0, "2.0"), err


def test_a_moved_checkout_is_set_up_again(small: Path):
    moved = small.with_name("moved")
    small.rename(moved)
    code, out, err = finish(start(moved))
    assert (code, json.loads(out)["prefix"]) == (0, str(moved / ".venv")), err
    assert str(small) not in (moved / ".venv" / "pyvenv.cfg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["bootstrap.py", "main.py"])
def test_an_old_python_can_read_far_enough_to_say_what_it_needs(name: str):
    ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 7))
