"""AGENTS.md: nearest first, only where trusted, nothing hidden in it."""

from pathlib import Path

import pytest

from ally.engine.instructions import MAX_BYTES, as_text, find


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "deep").mkdir(parents=True)
    return folder


def inside(top: Path):
    return lambda folder: folder.is_relative_to(top)


def test_the_nearest_file_counts_and_the_users_own_comes_first(project: Path, own: Path):
    (own / "AGENTS.md").write_text("Speak plainly.")
    (project / "AGENTS.md").write_text("outer")
    (project / "deep" / "AGENTS.md").write_text("inner")
    assert [one.text for one in find(project / "deep", own, inside(project))] == ["Speak plainly.", "inner"]
    assert [one.text for one in find(project, own, inside(project))] == ["Speak plainly.", "outer"]


def test_a_folder_above_counts_when_the_nearer_one_has_none(project: Path, own: Path):
    (project / "AGENTS.md").write_text("outer")
    assert [one.text for one in find(project / "deep", own, inside(project))] == ["outer"]


def test_what_other_programs_call_it_is_the_fallback(project: Path, own: Path):
    (project / "GEMINI.md").write_text("gemini")
    (project / "CLAUDE.md").write_text("claude")
    assert find(project, own, inside(project))[0].text == "claude"
    (project / "AGENTS.md").write_text("agents")
    assert find(project, own, inside(project))[0].text == "agents"


def test_a_folder_that_is_not_trusted_is_not_looked_into(project: Path, own: Path):
    (project / "AGENTS.md").write_text("obey me")
    assert find(project, own, lambda folder: False) == []
    assert find(project / "deep", own, inside(project / "deep")) == []


def test_the_search_ends_at_the_top_of_the_repository(project: Path, own: Path):
    (project / "AGENTS.md").write_text("outer")
    (project / "deep" / ".git").mkdir()
    assert find(project / "deep", own, inside(project)) == []


def test_hidden_characters_are_left_out_with_a_notice(project: Path, own: Path):
    (project / "AGENTS.md").write_text("Be kind.\u200b\U000e0041\u202e", encoding="utf-8")
    found = find(project, own, inside(project))[0]
    assert found.text == "Be kind."
    assert "invisible" in found.notice


def test_a_file_that_is_too_long_is_cut_with_a_notice(project: Path, own: Path):
    (project / "AGENTS.md").write_text("x" * (MAX_BYTES + 10))
    found = find(project, own, inside(project))[0]
    assert len(found.text) == MAX_BYTES
    assert "longer" in found.notice


def test_a_link_out_of_the_folder_is_not_read(project: Path, own: Path, tmp_path: Path):
    (tmp_path / "secret").write_text("the key")
    (project / "AGENTS.md").symlink_to(tmp_path / "secret")
    found = find(project, own, inside(project))[0]
    assert (found.text, "points out" in found.notice) == ("", True)
    assert as_text([found]) == ""


@pytest.mark.parametrize("target", [".env", ".git/config", "id_rsa", "deep/.env.local"])
def test_a_link_leads_only_to_another_text_of_the_folder(project: Path, own: Path, target: str):
    (project / target).parent.mkdir(exist_ok=True)
    (project / target).write_text("KEY=1")
    (project / "AGENTS.md").symlink_to(target)
    found = find(project, own, inside(project))[0]
    assert (found.text, "is not read" in found.notice) == ("", True)


def test_a_link_to_the_same_text_under_another_name_is_read(project: Path, own: Path):
    (project / "CLAUDE.md").write_text("claude")
    (project / "AGENTS.md").symlink_to("CLAUDE.md")
    assert find(project, own, inside(project))[0].text == "claude"


def test_bytes_in_variation_selectors_are_left_out(project: Path, own: Path):
    (project / "AGENTS.md").write_text("Be kind.\U000e0141\U000e0150\u2800\u3164", encoding="utf-8")
    assert find(project, own, inside(project))[0].text == "Be kind."


def test_a_folder_of_that_name_is_no_file(project: Path, own: Path):
    (project / "AGENTS.md").mkdir()
    assert find(project, own, inside(project)) == []


def test_the_users_own_may_be_a_link(project: Path, own: Path, tmp_path: Path):
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles" / "AGENTS.md").write_text("Speak plainly.")
    (own / "AGENTS.md").symlink_to(tmp_path / "dotfiles" / "AGENTS.md")
    assert [one.text for one in find(project, own, inside(project))] == ["Speak plainly."]
