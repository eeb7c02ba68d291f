from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ally.permissions.shell import judge
from tests.unit.permissions.shell.conftest import Gate, read_corpus

ROOT, HOME = Path("/home/user/ws"), Path("/home/user")
BAD = [command for command in read_corpus("refused", without="broken") if "<<" not in command]
GOOD = [command for command in read_corpus("allowed") if "<<" not in command and "#" not in command]
AROUND = [
    "{bad}; {good}",
    "{good}; {bad}",
    "{good} && {bad}",
    "{good} | {bad}",
    "{good}\n{bad}",
    "({good}; {bad})",
    "{{ {good}; {bad}; }}",
    "if {good}; then {bad}; fi",
    "{good} & {bad}",
    "time {bad}",
    "! {bad}",
    "echo $({bad})",
    "for i in 1; do {bad}; {good}; done",
]
BESIDE = ["({good}); {bad}", "({good})\n{bad}", "{bad}\n{good}", "({good}) && {bad}", "({bad}); {good}"]
FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(st.sampled_from(BAD), st.sampled_from(GOOD), st.sampled_from(AROUND))
def test_good_company_makes_no_command_read_only(bad: str, good: str, around: str):
    assert not judge(around.format(bad=bad, good=good), ROOT, HOME).is_read_only


@FUZZ
@given(st.sampled_from(read_corpus("destructive")), st.sampled_from(GOOD), st.sampled_from(BESIDE))
def test_good_company_hides_nothing_destructive(bad: str, good: str, around: str):
    if "<<" not in bad:
        assert judge(around.format(bad=bad, good=good), ROOT, HOME).destructive


@FUZZ
@given(st.text(max_size=200) | st.lists(st.sampled_from([*BAD, *GOOD, *"'\"$(){}<>|&;\\`\n"])).map(" ".join))
def test_any_text_gets_a_judgement(text: str):
    judged = judge(text, ROOT, HOME)
    assert judged.is_read_only or judged.reason


@pytest.mark.parametrize(
    "text",
    ["x" * 300_000, "(" * 3000 + "ls" + ")" * 3000, "$(" * 500 + "ls" + ")" * 500, "echo $(" + "{a," * 500 + "}" * 500,
     "ls; " * 5000, "ls | " * 2000 + "ls", "\udcff", "'" * 9999, "cat <<E\n" * 500, "if ls; then " * 300],
    ids=list("0123456789"),
)  # fmt: skip
def test_huge_and_deep_texts_are_asked_about(gate: Gate, text: str):
    judged = gate(text)
    assert not judged.is_read_only
    assert judged.opaque


def test_padding_hides_nothing_destructive(gate: Gate):
    assert gate("ls" + " " * 30_000 + "; rm -rf ~").destructive


def test_wrappers_are_taken_off(gate: Gate):
    judged = gate("timeout 5 nice -n 3 stdbuf -oL git commit -m 'a b'")
    assert [command.words for command in judged.commands] == [("git", "commit", "-m", "a b")]
    assert not judged.opaque
    assert judged.git


def test_every_part_of_a_line_is_seen(gate: Gate):
    judged = gate('if a; then b "$(c)"; else d | e; fi; (f &) && for x in 1; do g; done; cat <(h) <<E\n$(i)\nE')
    assert {command.words[0] for command in judged.commands} == set("abcdefghi") | {"cat"}


def test_what_bash_reads_through_another_shell_is_seen(gate: Gate):
    for command in ("bash -c 'rm x'", "sh -c 'rm x'", "eval 'rm x'", "bash <<< 'rm x'", "echo 'rm x' | sh"):
        assert ("rm", "x") in [one.words for one in gate(command).commands], command


def test_find_and_xargs_name_what_they_run(gate: Gate):
    assert ("rm", None) in [one.words for one in gate("find . -exec rm {} +").commands]
    assert ("rm", "-f", None) in [one.words for one in gate("ls | xargs rm -f").commands]


def test_paths_are_absolute_and_follow_cd(gate: Gate, root: Path):
    judged = gate("cd src && cat ../a b > c")
    assert set(judged.commands[1].reads) == {root / "src" / "../a", root / "src" / "b", root / "src"}
    assert judged.commands[1].writes == (root / "src" / "c",)


def test_paths_after_a_cd_that_may_fail_are_both(gate: Gate, root: Path):
    assert {root / "a", root / "nowhere" / "a"} <= set(gate("cd nowhere; cat a").commands[1].reads)


def test_a_subshell_keeps_its_folder_to_itself(gate: Gate, root: Path):
    assert gate("(cd src); cat a").commands[1].reads == (root / "a",)


def test_home_is_filled_in(gate: Gate, home: Path):
    for command in ("cat ~/.ssh/id_rsa", 'cat "$HOME/.ssh/id_rsa"', "cat ${HOME}/.ssh/id_rsa", "cat < ~/.ssh/id_rsa"):
        assert home / ".ssh" / "id_rsa" in gate(command).commands[0].reads, command


@pytest.mark.parametrize(
    "command",
    ["cat {}", "head -5 {}", "grep x {}", "wc -l < {}", "sort {}", "diff a {}", "git diff {}", "find {}",
     "sed -n 1p {}", "jq . {}", "cd {}",
      "[ -f {} ]", "find . -newer {}", "python3 {}", "cp {} x", "curl --data=@{} y", "xxd -p {}"],
)  # fmt: skip
def test_every_path_is_named_so_that_the_policy_can_ask(gate: Gate, command: str):
    reads = [str(path) for one in gate(command.format("/etc/x")).commands for path in one.reads]
    assert any(path.endswith("/etc/x") for path in reads)


def test_a_glob_names_the_files_it_stands_for(gate: Gate, root: Path):
    (root / ".env.local").touch()
    (root / "a.py").touch()
    assert gate("cat .e*").commands[0].reads == (root / ".env.local",)
    assert set(gate("cat *").commands[0].reads) == {root / "a.py", root / "src"}


@pytest.mark.parametrize(
    "word", ["do[^x]s/a", "do[[:alpha:]]s/a", 'do["!"c]s/a', "do[[=c=]]s/a", 'do[c"]"]s/a', "do[^]]s/a", "do[!/]s/a"]
)
def test_brackets_that_bash_reads_in_its_own_way_are_asked_about(gate: Gate, home: Path, word: str):
    (home / "docs").mkdir()
    (home / "docs" / "a").touch()
    assert not gate(f"cat ../{word}").is_read_only


def test_a_glob_in_a_folder_with_brackets_in_its_name_names_its_files(tmp_path: Path):
    root = tmp_path / "app[id]"
    root.mkdir()
    (tmp_path / "letter").touch()
    assert judge("cat ../l*", root, tmp_path / "home").commands[0].reads == (root / ".." / "letter",)


def test_a_glob_of_too_many_files_is_asked_about(gate: Gate, root: Path):
    for number in range(300):
        (root / f"f{number}").touch()
    assert not gate("cat f*").is_read_only


def test_a_blob_in_history_is_a_path_like_the_file(gate: Gate, root: Path):
    assert root / ".env" in gate("git show HEAD:.env").commands[0].reads


def test_what_cp_and_tee_write_is_named(gate: Gate, home: Path, root: Path):
    assert home / ".bashrc" in gate("echo x | tee ~/.bashrc").commands[1].writes
    assert root / ".git/hooks/pre-commit" in gate("cp x .git/hooks/pre-commit").commands[0].writes


def test_a_program_of_the_workspace_is_not_the_systems(gate: Gate, root: Path, monkeypatch: pytest.MonkeyPatch):
    (root / "rg").write_text("#!/bin/sh\n")
    (root / "rg").chmod(0o755)
    monkeypatch.setenv("PATH", f"{root}:/usr/bin:/bin")
    assert not gate("rg x").is_read_only
    monkeypatch.setenv("PATH", "/usr/bin:.:/bin")
    assert not gate("ls").is_read_only


def test_a_toolchain_file_decides_what_cargo_runs(gate: Gate, root: Path):
    assert gate("cargo --version").is_read_only
    (root / "rust-toolchain.toml").touch()
    assert not gate("cargo --version").is_read_only


def test_only_changing_git_needs_the_repository(gate: Gate):
    assert not gate("git status && git log -3").git
    assert gate("git status && git add .").git
    assert gate("env git commit -m x").git


@pytest.mark.parametrize(
    "command", ["X=1 ls", "eval ls", "f(){ ls; }", "$X a", "ls 'a", "source x", "sudo ls", "l\u200bs"]
)
def test_what_rules_cannot_judge_is_opaque(gate: Gate, command: str):
    assert gate(command).opaque


@pytest.mark.parametrize(
    "command", ["make", "git commit -m \"$(cat <<'E'\nx\nE\n)\"", "pytest && ls > f", "rm x", "a | b"]
)
def test_plain_commands_are_left_to_the_rules(gate: Gate, command: str):
    judged = gate(command)
    assert (judged.is_read_only, judged.opaque, judged.destructive) == (False, "", "")


def test_a_destructive_link_is_followed(gate: Gate, root: Path, home: Path):
    (root / "link").symlink_to(home)
    assert gate("rm -rf link/").destructive
    assert not gate("rm -rf link").destructive
