import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ally.storage.glob import compile_glob, expand_braces
from ally.storage.walk import walk

RULES = """\
# comment
*.log
!keep.log
build/
/top.txt
docs/*.html
**/deep/secret
a/**/z
trail\\\x20
\\#hash
\\!bang
[ab]x?.tmp
*.[!o]x
spaces\x20\x20
!build/keep.me
foo/*
!foo/bar
lib/**
"""
FILES = """\
x.log keep.log sub/y.log sub/keep.log build/out.bin build/keep.me sub/build/o top.txt sub/top.txt docs/i.html
docs/n/i.html deep/secret q/deep/secret/file a/z a/b/z a/b/c/z b/a/z #hash !bang ax1.tmp bxx.tmp cx1.tmp m.ax m.ox
foo/one foo/bar foo/two/three lib/x lib/y/z spaces build.txt sub/inner.skip sub/again.log nested/build
""".split()  # noqa: SIM905 - a long list of names reads better so


def make(root: Path, names: list[str]) -> None:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)


def files(root: Path, **options: bool) -> list[str]:
    return [entry.path for entry in walk(root, **options) if not entry.is_dir]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the judge of what .gitignore means")
def test_ignore_rules_leave_out_exactly_what_git_leaves_out(tmp_path: Path):
    make(tmp_path, [*FILES, "trail ", "uni ü.log", "nl\nx.log"])
    (tmp_path / ".gitignore").write_text(RULES, encoding="utf-8")
    (tmp_path / "sub" / ".gitignore").write_text("*.skip\n!again.log\n/top.txt\n")
    (tmp_path / "nested" / ".gitignore").write_text("!build\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard"], cwd=tmp_path, check=True, capture_output=True
    )
    wanted = sorted(os.fsdecode(name) for name in listed.stdout.split(b"\0") if name)
    assert sorted(files(tmp_path)) == wanted
    assert set(files(tmp_path, respect_ignore=False)) >= {"x.log", "build/out.bin", "lib/y/z"}


def test_rules_of_the_folders_above_hold_up_to_the_top_of_the_repository(tmp_path: Path):
    make(tmp_path, ["repo/src/a.log", "repo/src/a.py", "repo/src/gen/b.py", "repo/out/c.log"])
    (tmp_path / ".gitignore").write_text("*.py\n")
    (tmp_path / "repo" / ".git").mkdir()
    (tmp_path / "repo" / ".gitignore").write_text("*.log\n/src/gen\n/out\n")
    assert files(tmp_path / "repo" / "src") == ["a.py"]
    assert files(tmp_path / "repo" / "out") == ["c.log"], "a folder that was asked for by name is shown"


def test_links_are_shown_and_never_followed(tmp_path: Path):
    make(tmp_path, ["in/a", "outside/secret"])
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "away").symlink_to(tmp_path / "outside")
    entries = {entry.path: entry for entry in walk(tmp_path / "in")}
    assert sorted(entries) == ["a", "away", "loop"]
    assert entries["away"].is_link and not entries["away"].is_dir


def test_a_git_folder_is_left_out_a_file_of_that_name_in_a_worktree_too(tmp_path: Path):
    make(tmp_path, [".git/config", "x/.git/HEAD", "w/.git", "w/f"])
    assert files(tmp_path) == ["w/f"]


def test_a_walk_ends_at_its_limit_and_when_it_is_told_to(tmp_path: Path):
    make(tmp_path, [f"d{n // 10}/f{n}" for n in range(200)])
    assert len(list(walk(tmp_path, max_entries=7))) == 7
    assert list(walk(tmp_path, stop=lambda: True)) == []


def test_a_folder_deeper_than_a_path_can_be_ends_in_an_error_not_in_a_crash(tmp_path: Path):
    name, here = "d" * 200, Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(40):
            Path(name).mkdir()
            os.chdir(name)
    finally:
        os.chdir(here)
    failed: list[str] = []
    entries = list(walk(tmp_path, on_error=lambda path, exc: failed.append(path)))
    assert 10 < len(entries) < 40
    assert len(failed) == 1
    subprocess.run(["rm", "-rf", str(tmp_path / name)], check=True)


def test_names_that_are_no_utf8_come_back_as_they_are(tmp_path: Path):
    (tmp_path / os.fsdecode(b"b\xff\nd")).touch()
    assert [os.fsencode(entry.path) for entry in walk(tmp_path)] == [b"b\xff\nd"]


def test_a_hostile_ignore_file_does_not_hang_the_walk(tmp_path: Path):
    make(tmp_path, ["a" * 250, "/".join(["a"] * 200).lstrip("/")])
    (tmp_path / ".gitignore").write_text("*a" * 40 + "*b\n" + "**/a/" * 30 + "b\n[z-a]x\n" + "\\\n!\n/\n")
    assert len(files(tmp_path)) == 3


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*.py", "a.py d/b.py", "a.pyc d/a.py/x"),
        ("**/*.py", "a.py d/e/b.py", "a.txt"),
        ("src/**/*.{ts,tsx}", "src/a.ts src/x/y/b.tsx", "a.ts lib/src/a.ts src/a.js"),
        ("src/*", "src/a", "src/a/b src"),
        ("src/**", "src/a src/a/b", "src lib/a"),
        ("./docs/[!x]?.md", "docs/ab.md", "docs/xb.md docs/a.md"),
        ("test_*_{a,b{1,2}}", "test_q_a d/test_q_b2", "test_q_b test_a"),
        (".*", ".env d/.x", "a.x"),
        ("a\\*", "a*", "ab"),
        ("**", "a a/b", ""),
        ("a.c", "a.c", "abc"),
    ],
)
def test_glob(pattern: str, matching: str, others: str):
    matcher = compile_glob(pattern)
    assert [name for name in matching.split() if not matcher.fullmatch(name)] == []
    assert [name for name in others.split() if matcher.fullmatch(name)] == []


@pytest.mark.parametrize("pattern", ["", "  ", "/", "[z-a]", "{a,b}" * 9])
def test_a_glob_without_sense_is_refused(pattern: str):
    with pytest.raises(ValueError, match=re.compile("pattern")):
        compile_glob(pattern)


def test_braces_without_a_comma_are_plain_text():
    assert expand_braces("{a}") == ["{a}"]
    assert expand_braces("{a,{b,c}}") == ["a", "b", "c"]
