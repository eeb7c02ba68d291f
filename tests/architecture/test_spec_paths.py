"""The guide's module names give the same classes wherever Ally runs from, and nothing else called `app` gets in."""

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ally.providers.discovery.facade import BUILTIN_CLASSES, stand_in_names
from tests.architecture.sources import ROOT

PLUGIN = """
from app.src.providers.base_provider import BaseProvider
from app.src.providers import BaseProvider as Again
from app.src.providers.builtin.ollama import OllamaProvider
import app.src.providers.base_provider
assert BaseProvider is Again is app.src.providers.base_provider.BaseProvider

class Mine(OllamaProvider):
    name = "mine"
"""
PROOF = """
import sys
from ally.providers import BaseProvider, get_provider_registry
from ally.providers.builtin.ollama import OllamaProvider
mine = get_provider_registry().get("mine")
from app.src.providers import BaseProvider as A, ProviderRegistry, get_provider_registry as g
from app.src.providers.base_provider import BaseProvider as B
from app.src.providers.builtin import OllamaProvider as C, CerebrasProvider
from app.src.providers.builtin.ollama import OllamaProvider as D
assert A is B is BaseProvider and C is D is OllamaProvider and g is get_provider_registry
assert isinstance(mine, OllamaProvider) and isinstance(mine, BaseProvider)
assert "stranger" not in sys.modules
print("same", sys.modules["ally"].__file__)
"""


@pytest.fixture(scope="module")
def wheel_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the content of the wheel."""
    return _unpacked(tmp_path_factory.mktemp("wheel"), ["-t", "wheel"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A stranger's project with an `app` package, an `ally` look-alike's neighbours and plug-ins of its own."""
    folder = tmp_path / "project"
    custom = folder / "app/src/providers/custom"
    custom.mkdir(parents=True)
    for package in (folder / "app", folder / "app/src", folder / "app/src/providers", custom):
        (package / "__init__.py").write_text("import stranger\n")
    (folder / "app/src/providers/base_provider.py").write_text("class BaseProvider: pass\n")
    (custom / "evil.py").write_text("raise SystemExit('a project was executed')\n")
    (folder / ".ally/providers").mkdir(parents=True)
    (folder / ".ally/providers/evil.py").write_text("raise SystemExit('a project was executed')\n")
    (folder / "stranger.py").write_text("raise SystemExit('a project was executed')\n")
    return folder


def prove(code: str, *, path: Path, cwd: Path, env: dict[str, str]) -> str:
    variables = {**env, "PYTHONPATH": str(path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(home: Path) -> dict[str, str]:
    return {**{name: os.environ[name] for name in ("PATH", "HOME")}, "ALLY_HOME": str(home / "ally")}


def test_checkout_from_any_folder(checkout: Path, home: Path, tmp_path: Path):
    (checkout / "app/src/providers/custom/mine.py").write_text(PLUGIN)
    out = prove(PROOF, path=checkout, cwd=tmp_path, env=environment(home))
    assert out == f"same {checkout / 'ally/__init__.py'}\n"


def test_checkout_inside_a_project_with_its_own_app_package(checkout: Path, home: Path, project: Path):
    (checkout / "app/src/providers/custom/mine.py").write_text(PLUGIN)
    assert prove(PROOF, path=checkout, cwd=project, env=environment(home)).startswith("same")


def test_main_py_from_any_folder(checkout: Path, home: Path, project: Path):
    (checkout / "app/src/providers/custom/mine.py").write_text(PLUGIN)
    code = f"import runpy; runpy.run_path({str(checkout / 'main.py')!r}, run_name='not_main')\n{PROOF}"
    assert prove(code, path=checkout, cwd=project, env=environment(home)).startswith("same")


def test_checkout_without_attaching_anything(checkout: Path, home: Path):
    code = (
        "from app.src.providers.base_provider import BaseProvider as A\nfrom ally.providers import BaseProvider as B\n"
    )
    code += "assert A is B\nfrom app.src.providers.builtin import GoogleProvider\nprint(GoogleProvider().name)"
    assert prove(code, path=checkout, cwd=checkout, env=environment(home)) == "google\n"


@pytest.mark.parametrize("place", ["elsewhere", "project"])
def test_wheel(wheel_folder: Path, home: Path, tmp_path: Path, project: Path, place: str):
    user = home / "ally/providers"
    user.mkdir(parents=True)
    (user / "mine.py").write_text(PLUGIN)
    out = prove(PROOF, path=wheel_folder, cwd=project if place == "project" else tmp_path, env=environment(home))
    assert out == f"same {wheel_folder / 'ally/__init__.py'}\n"


def test_editable_install(checkout: Path, home: Path, project: Path, tmp_path: Path):
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        (checkout / file).write_bytes((ROOT / file).read_bytes())
    (checkout / "app/src/providers/custom/mine.py").write_text(PLUGIN)
    build = "import hatchling.build, sys; print(hatchling.build.build_editable(sys.argv[1]))"
    made = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=checkout, capture_output=True, text=True, check=True
    )
    site = tmp_path / "site"
    zipfile.ZipFile(tmp_path / made.stdout.split()[-1]).extractall(site)
    code = (
        f"import site, sys; sys.path[:] = [p for p in sys.path if p != {str(ROOT)!r}]; site.addsitedir({str(site)!r})\n"
    )
    assert prove(code + PROOF, path=site, cwd=project, env=environment(home)) == f"same {checkout}/ally/__init__.py\n"


def test_program_with_an_app_package_of_its_own_can_use_ally_as_a_library(checkout: Path, home: Path, tmp_path: Path):
    (checkout / "app/src/providers/custom/mine.py").write_text(PLUGIN)
    (tmp_path / "app").mkdir()
    (tmp_path / "app/__init__.py").write_text("MINE = True\n")
    proof = PROOF.replace("import sys\n", "import sys, app\n", 1) + "assert app.MINE"
    plugin = PLUGIN.replace("import app.src.providers.base_provider\n", "").replace(
        " is app.src.providers.base_provider.BaseProvider", ""
    )
    (checkout / "app/src/providers/custom/mine.py").write_text(plugin)
    assert prove(proof, path=checkout, cwd=tmp_path, env=environment(home)).startswith("same")


def test_files_in_app_and_their_stand_ins_have_the_same_names():
    for module, sources in stand_in_names().items():
        path = ROOT / module.replace(".", "/")
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        given = {
            alias.name: node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert given == sources, file


def test_every_built_in_of_the_guide_is_named_in_app():
    files = {file.stem for file in (ROOT / "app/src/providers/builtin").glob("[!_]*.py")}
    assert files == set(BUILTIN_CLASSES)


def test_template_is_the_same_in_app_and_in_the_wheel(wheel_folder: Path):
    template = (ROOT / "app/src/providers/custom/_template.py").read_bytes()
    assert (wheel_folder / "ally/providers/template.txt").read_bytes() == template


def test_main_py_has_the_guides_keys(checkout: Path, home: Path, tmp_path: Path):
    (checkout / ".env").write_text("OPENAI_API_KEY=from-the-checkout\n")
    (tmp_path / ".env").write_text("GOOGLE_GEN_AI_API_KEY=from-the-working-directory\n")
    code = "import main; print(main.api_keys['openai'], main.api_keys['google'], *sorted(main.api_keys))"
    out = prove(code, path=checkout, cwd=tmp_path, env=environment(home))
    assert out == "from-the-checkout None anthropic cerebras google minimax openai\n"


def _unpacked(folder: Path, what: list[str]) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", *what, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (built,) = folder.glob("*.whl")
    zipfile.ZipFile(built).extractall(folder / "site")
    return folder / "site"
