import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from ally.rag.extract.choosing import Candidate, Skipped, choose
from ally.rag.extract.limits import MAX_FILE_BYTES


def make(root: Path, *names: str) -> Path:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("words\n")
    return root


def look(*roots: Path, home: Path | None = None, own: Sequence[Path] = ()) -> tuple[list[str], dict[str, str]]:
    """The names of the files to be read and the reasons for the others, by path below the first root."""
    found = list(choose(roots, home or Path("/home/nobody"), own))
    base = os.path.realpath(roots[0])

    def below(path: str) -> str:
        return os.path.relpath(path, base)

    read = [below(one.path) for one in found if isinstance(one, Candidate)]
    return read, {below(one.path): one.reason for one in found if isinstance(one, Skipped)}


def test_files_come_folder_by_folder_in_the_order_of_their_names(tmp_path: Path):
    make(tmp_path, "b.md", "a/z.txt", "a/b/c.py", "c.txt")
    assert look(tmp_path) == (["a/b/c.py", "a/z.txt", "b.md", "c.txt"], {})


def test_a_file_has_the_size_and_time_that_it_has_on_disk(tmp_path: Path):
    make(tmp_path, "a.md")
    os.utime(tmp_path / "a.md", ns=(5, 1_234_567_890_123_456_789))
    assert list(choose([tmp_path], tmp_path.parent, [])) == [
        Candidate(str(tmp_path.resolve() / "a.md"), 6, 1_234_567_890_123_456_789)
    ]


def test_what_gitignore_and_allyignore_leave_out_is_named_with_the_file_that_says_so(tmp_path: Path):
    make(tmp_path, "a.log", "keep.log", "drafts/one.md", "drafts/two.md", "sub/b.tmp", "sub/a.log", "c.md")
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / ".allyignore").write_text("drafts/\n!keep.log\n")
    (tmp_path / "sub" / ".allyignore").write_text("*.tmp\n")
    read, skipped = look(tmp_path)
    assert read == ["c.md", "keep.log"]
    assert {name: reason for name, reason in skipped.items() if "hidden" not in reason} == {
        "a.log": "is left out by .gitignore",
        "drafts": "is left out by .allyignore",
        "sub/a.log": "is left out by .gitignore",
        "sub/b.tmp": "is left out by .allyignore",
    }


def test_secrets_are_never_read_not_even_when_asked_for_by_name(tmp_path: Path):
    make(tmp_path, ".env", ".ssh/id_ed25519", ".ssh/config", "prod.pem", "a.md")
    read, skipped = look(tmp_path, home=tmp_path)
    assert read == ["a.md"]
    assert skipped == {
        ".env": "holds keys: .env",
        ".ssh": "holds credentials: ~/.ssh",
        "prod.pem": "private key: prod.pem",
    }
    assert look(tmp_path / ".ssh" / "config", home=tmp_path) == ([], {".": "holds credentials: ~/.ssh"})


def test_a_root_that_leads_to_a_secret_by_a_link_is_not_read(tmp_path: Path):
    make(tmp_path, "home/.aws/config")
    (tmp_path / "innocent").symlink_to(tmp_path / "home" / ".aws")
    assert look(tmp_path / "innocent", home=tmp_path / "home")[0] == []


@pytest.mark.parametrize(
    ("folder", "beside"),
    [
        (".git", ""),
        ("node_modules", ""),
        ("__pycache__", ""),
        ("my.egg-info", ""),
        ("build", "pyproject.toml"),
        ("target", "Cargo.toml"),
        ("vendor", "go.mod"),
        ("env", "env/pyvenv.cfg"),
        ("somewhere", "somewhere/CACHEDIR.TAG"),
    ],
)
def test_folders_that_programs_made_are_skipped_as_a_whole(tmp_path: Path, folder: str, beside: str):
    make(tmp_path, "a.md", f"{folder}/deep/b.md", f"{folder}/c.md", beside or "d.md")
    read, skipped = look(tmp_path)
    assert folder in skipped
    assert not any(name.startswith(folder) for name in [*read, *(skipped.keys() - {folder})])


def test_folders_that_only_sound_like_it_are_read(tmp_path: Path):
    make(tmp_path, "build/how.md", "target/groups.md", "vendor/list.md", "dist/a.md")
    assert look(tmp_path)[1] == {}


def test_files_without_text_are_told_by_their_names(tmp_path: Path):
    make(tmp_path, "a.PNG", "b.zip", "c.mp3", "package-lock.json", "jquery.min.js", "d.md")
    (tmp_path / "e.md").write_bytes(b"")
    with (tmp_path / "f.txt").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert look(tmp_path) == (
        ["d.md"],
        {
            "a.PNG": "is a picture",
            "b.zip": "is an archive",
            "c.mp3": "is a sound",
            "e.md": "is empty",
            "f.txt": "is larger than 50 MB",
            "jquery.min.js": "was made by a program",
            "package-lock.json": "was made by a program",
        },
    )


def test_links_pipes_and_sockets_are_not_opened(tmp_path: Path):
    make(tmp_path, "docs/a.md", "b.md")
    (tmp_path / "docs" / "up").symlink_to(tmp_path)
    (tmp_path / "docs" / "b.md").symlink_to(tmp_path / "b.md")
    os.mkfifo(tmp_path / "docs" / "pipe.md")
    assert look(tmp_path / "docs") == (["a.md"], {"b.md": "is a link", "up": "is a link", "pipe.md": "is no file"})


def test_a_root_counts_although_it_is_hidden_ignored_or_generated(tmp_path: Path):
    make(tmp_path, ".notes/a.md", ".notes/.git/x", "node_modules/b.md", "secretless.log")
    (tmp_path / ".gitignore").write_text("*.log\n.notes/\nnode_modules\n")
    assert look(tmp_path / ".notes") == (["a.md"], {".git": "was made by a program"})
    assert look(tmp_path / "node_modules")[0] == ["b.md"]
    assert look(tmp_path / "secretless.log")[0] == ["."]
    assert look(tmp_path)[1][".notes"] == "is left out by .gitignore"


def test_allys_own_folders_are_not_read(tmp_path: Path):
    make(tmp_path, "data/ally/sessions.md", "a.md")
    own = [tmp_path / "data" / "ally"]
    assert look(tmp_path, own=own) == (["a.md"], {"data/ally": "belongs to Ally"})
    assert look(tmp_path / "data" / "ally" / "sessions.md", own=own) == ([], {".": "belongs to Ally"})


def test_names_that_are_no_utf8_are_skipped_and_can_be_shown(tmp_path: Path):
    make(tmp_path, "a.md")
    try:
        make(tmp_path, os.fsdecode(b"b\xe9.md"), os.fsdecode(b"\xff\xfe/c.md"))
    except OSError:
        pytest.skip("this file system takes no such names")
    read, skipped = look(tmp_path)
    assert read == ["a.md"]
    assert skipped == dict.fromkeys(["b\ufffd.md", "\ufffd\ufffd"], "has a name that is not UTF-8")


def test_roots_that_overlap_give_each_file_once(tmp_path: Path):
    make(tmp_path, "docs/a.md", "b.md")
    assert look(tmp_path, tmp_path / "docs", tmp_path / "docs" / "a.md")[0] == ["b.md", "docs/a.md"]


def test_a_root_that_is_not_there_is_said(tmp_path: Path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert look(tmp_path / "gone") == ([], {".": "is not there"})
    assert next(choose([tmp_path / "loop"], tmp_path, [])).path == str(tmp_path / "loop")


def test_a_folder_that_vanishes_while_looking_stops_nothing(tmp_path: Path):
    make(tmp_path, "a/one.md", "b/two.md", "c/three.md")
    found = choose([tmp_path], tmp_path, [])
    first = next(found)
    for name in ("b/two.md", "b"):
        (tmp_path / name).unlink() if name.endswith("md") else (tmp_path / name).rmdir()
    rest = list(found)
    assert isinstance(first, Candidate)
    assert [Path(one.path).name for one in rest if isinstance(one, Candidate)] == ["three.md"]
    assert [one.reason for one in rest if isinstance(one, Skipped)] == ["cannot be read: No such file or directory"]
