"""Files are found by some letters of their path."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.chat.attach import mentioned
from ally.chat.mentions import Files, written


def _tree(root: Path, *names: str) -> Files:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    files = Files(root, root / "home")
    assert files.is_stale
    files.refresh()
    assert not files.is_stale
    return files


def _found(files: Files, query: str) -> list[str]:
    return [one.path for one in files.find(query)]


def test_names_come_before_paths_and_scattered_letters(tmp_path: Path) -> None:
    files = _tree(
        tmp_path, "app/main.py", "tests/app.py", "docs/my_app.md", "lib/wrap.py", "a/p/plan.md", "IGNORED", "ÄPP İx.txt"
    )
    assert _found(files, "app") == [
        "app/",
        "tests/app.py",
        "docs/my_app.md",
        "app/main.py",
        "lib/wrap.py",
        "a/p/plan.md",
    ]
    assert _found(files, "äpp") == ["ÄPP İx.txt"]
    assert _found(files, "TSTAPP") == ["tests/app.py"]
    assert _found(files, "docs/my") == ["docs/my_app.md"]
    assert _found(files, "docs/") == ["docs/my_app.md"]
    assert _found(files, "zzz") == []
    assert files.find("my")[0].hits == (5, 6)
    assert _found(files, "")[:3] == ["IGNORED", "a/", "app/"]


def test_what_is_ignored_secret_or_cannot_stand_in_a_text_is_left_out(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("out/\n*.log\n")
    files = _tree(
        tmp_path,
        "out/x.py",
        "a.log",
        ".env",
        "id_rsa",
        ".git/config",
        "bad\nname",
        "esc\x1b[1m",
        "rtl\u202etxt",
        'q"q',
        "ok",
    )
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "bytes\udcff").touch()
    files.refresh()
    assert _found(files, "") == [".gitignore", "link", "ok"]


def test_a_query_that_leads_out_lists_that_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = _tree(tmp_path / "work", "here.py")
    for name in ("beside/a b.py", ".hidden", ".env", "Beta.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _found(files, "../") == ["../beside/", "../work/", "../Beta.txt"]
    assert _found(files, "../be") == ["../beside/", "../Beta.txt"]
    assert _found(files, "~/.") == ["~/.hidden"]
    assert _found(files, f"{tmp_path}/beside/") == [f"{tmp_path}/beside/a b.py"]
    assert _found(files, "..") == ["../"]
    assert _found(files, "/no/such/") == _found(files, "~nobody/x") == []


def test_a_search_that_is_not_wanted_any_more_ends(tmp_path: Path) -> None:
    files = _tree(tmp_path, "a", "b")
    assert files.find("a", stop=lambda: True) == []
    files.refresh(stop=lambda: True)
    assert _found(files, "a") == ["a"]


@given(
    st.lists(st.text(st.sampled_from("abAB/._-éİß "), min_size=1, max_size=12), max_size=8),
    st.text("abAé/. ", max_size=4),
)
def test_what_is_found_holds_the_letters_at_their_places(names: list[str], query: str) -> None:
    files = Files(Path("/"), Path("/"))
    files.index(names)
    for one in files.find(query):
        if query[:1] not in ("", "/", "."):
            shown = "".join(one.path[at] for at in one.hits)
            assert shown.lower() == query.lower() or "İ" in one.path or "ß" in one.path
            assert list(one.hits) == sorted(set(one.hits))


@pytest.mark.parametrize("name", ["a.py", "a b.py", "dot.", "it's.md", "漢字.txt", "x)", "a;b", "tab\tname"])
def test_a_file_is_found_again_by_how_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).touch()
    assert mentioned(f"see {written(name)} please") == [name]
    assert written('a"b') == written("a\nb") == written("") == ""
