"""Ways out of the working folder, and names that hide what they are."""

import unicodedata
from pathlib import Path

import pytest

from ally.permissions.action import Action, Deny
from tests.unit.permissions.site import Site, run, word

SECRET, OUTSIDE, PROTECTED, OWN, INSIDE = "secret", "outside the folder", "protected", "Ally's own files", "inside"
LINKS = {  # in the working folder
    "to_ssh": "../.ssh",
    "to_key": "../.ssh/id_rsa",
    "chain": "chain2",
    "chain2": "chain3",
    "chain3": "../.ssh/id_rsa",
    "up": "..",
    "sideways": "../project-evil",
    "to_root": "/",
    "to_etc": "/etc",
    "to_own": "../.config/ally",
    "src/here": "deep",
    "to_git": ".git",
    "to_env": ".env",
    "round": "src/../../project/src",
    "dangling": "../other/not-yet.txt",
    "to_bashrc": "../.bashrc",
}
READS = [
    ("../other/notes.txt", OUTSIDE),
    ("src/../../other/notes.txt", OUTSIDE),
    ("./././../other/notes.txt", OUTSIDE),
    ("src/deep/../../../other/notes.txt", OUTSIDE),
    ("../project-evil/x.py", OUTSIDE),
    ("../project/../project-evil/x.py", OUTSIDE),
    ("../../../../../../../etc/passwd", OUTSIDE),
    ("/etc/passwd", OUTSIDE),
    ("//etc//passwd", OUTSIDE),
    ("/etc/shadow", SECRET),
    ("/etc/./shadow", SECRET),
    ("sideways/x.py", OUTSIDE),
    ("to_root/etc/passwd", OUTSIDE),
    ("to_etc/shadow", SECRET),
    ("to_root/proc/self/environ", SECRET),
    ("/proc/self/environ", SECRET),
    ("/proc/1/environ", SECRET),
    ("/proc/self/task/1/environ", SECRET),
    ("up/other/notes.txt", OUTSIDE),
    ("up/project/a.py", INSIDE),
    ("to_ssh/id_rsa", SECRET),
    ("to_ssh", SECRET),
    ("to_ssh/../other/notes.txt", OUTSIDE),
    ("src/here/../../../other/notes.txt", OUTSIDE),
    ("to_key", SECRET),
    ("chain", SECRET),
    ("to_env", SECRET),
    ("up/.ssh/known_hosts", SECRET),
    ("round/b.py", INSIDE),
    ("src/here/c.py", INSIDE),
    ("to_own/config.json", OWN),
    ("up/.config/ally/config.json", OWN),
    ("../.config/Ally/config.json", OWN),
    ("../.config/ally./config.json", OWN),
    (".ENV", SECRET),
    (".Env.local", SECRET),
    (".env ", SECRET),
    (".env.", SECRET),
    (".env. . ", SECRET),
    ("../.SSH/ID_RSA", SECRET),
    ("../.ssh /id_rsa", SECRET),
    ("../.s\u200bsh/id_rsa", SECRET),
    ("Credentials.JSON", SECRET),
    ("key.PEM", SECRET),
    ("%2e%2e/other/notes.txt", INSIDE),
    ("..%2fother", INSIDE),
    ("...", INSIDE),
    ("~/a.py", OUTSIDE),
    ("a\u202e.py", INSIDE),
]
WRITES = [
    ("dangling", OUTSIDE),
    ("../other/new.txt", OUTSIDE),
    ("up/project/new.txt", INSIDE),
    ("to_git/hooks/pre-commit", PROTECTED),
    (".GIT/config", PROTECTED),
    (".Git./config", PROTECTED),
    (".git /config", PROTECTED),
    (".g\u200cit/config", PROTECTED),
    ("GIT~1/config", PROTECTED),
    ("sub/.git", PROTECTED),
    (".Ally/Config.json", PROTECTED),
    ("x/../.git/config", PROTECTED),
    ("to_bashrc", PROTECTED),
    ("to_etc/hosts", PROTECTED),
    ("/etc/cron.d/x", PROTECTED),
    ("../.Config/ally/config.json", OWN),
    ("up/project/../.config/ally/x", OWN),
    ("to_own/new/deep.json", OWN),
]


@pytest.fixture
def linked(site: Site) -> Site:
    for name, target in LINKS.items():
        (site.root / name).symlink_to(target)
    return site


@pytest.mark.parametrize(("path", "expected"), READS)
def test_reading_does_not_escape(linked: Site, path: str, expected: str):
    decision = linked.decide(linked.file("read", path))
    assert decision.rule == ("inside the folder" if expected == INSIDE else expected)


@pytest.mark.parametrize(("path", "expected"), WRITES)
def test_writing_does_not_escape(linked: Site, path: str, expected: str):
    decision = linked.decide(linked.file("write", path), "accept-edits")
    assert decision.rule == ("accept-edits mode" if expected == INSIDE else expected)


@pytest.mark.parametrize("path", ["a\0.py", "\0", "a.py\0/../../../etc/passwd", "\udc80\ud800\0"])
@pytest.mark.parametrize("kind", ["read", "write", "delete"])
def test_path_with_nul_is_refused(site: Site, path: str, kind):
    action = Action(kind, kind, path, paths=(Path(f"{site.root}/{path}"),))
    assert isinstance(site.decide(action, "bypass"), Deny)
    assert isinstance(site.decide(run(f"cat '{path}'"), "bypass"), Deny)


def test_half_of_a_character_is_no_path(site: Site):
    assert isinstance(site.decide(site.file("write", "\ud800.txt"), "bypass"), Deny)


def test_links_in_a_circle_lead_nowhere(site: Site):
    (site.root / "a").symlink_to("b")
    (site.root / "b").symlink_to("a")
    assert word(site.decide(site.file("read", "a/x"))) in ("allow", "deny")
    assert word(site.decide(site.file("write", "a/.git/x"), "accept-edits")) == "ask"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_decomposed_names_are_the_same_to_what_restricts(site: Site, form):
    name = unicodedata.normalize(form, "geheimnisträger.txt")
    other = unicodedata.normalize("NFD" if form == "NFC" else "NFC", name)
    assert word(site.decide(site.file("read", name), "ask", ("deny", f"read({other})"))) == "deny"
    assert word(site.decide(site.file("read", name), "ask", ("deny", f"read({other.upper()})"))) == "deny"


def test_sibling_with_the_same_beginning_is_outside(site: Site):
    assert site.decide(site.file("read", "../project-evil/x.py")).rule == OUTSIDE
    assert site.decide(site.file("write", f"{site.root}-evil/x.py"), "accept-edits").rule == OUTSIDE
    assert word(site.decide(site.file("write", "src-evil/x"), "ask", ("allow", "edit(src/**)"))) == "ask"


def test_allowance_does_not_follow_a_link_out(linked: Site):
    assert linked.decide(linked.file("write", "up/other/notes.txt"), "ask", ("allow", "edit(up/**)")).rule == OUTSIDE
    assert linked.decide(linked.file("write", "dangling"), "ask", ("allow", "edit(*)")).rule == OUTSIDE


def test_denial_holds_under_every_name_of_a_file(linked: Site):
    for path in ("src/deep/c.py", "src/here/c.py", "round/deep/c.py", "up/project/SRC/deep/c.py", "src//deep/./c.py"):
        assert word(linked.decide(linked.file("read", path), "bypass", ("deny", "read(src/deep/**)"))) == "deny", path


def test_link_swapped_after_the_decision_no_longer_is_what_was_granted(site: Site):
    (site.root / "swap").symlink_to("a.py")
    before = site.decide(site.file("write", "swap"), "accept-edits")
    (site.root / "swap").unlink()
    (site.root / "swap").symlink_to("../.ssh/id_rsa")
    assert word(before) == "allow"
    assert (site.root / "swap").resolve() not in before.grant.paths  # type: ignore[union-attr]  # it is an Allow
