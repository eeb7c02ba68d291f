"""What rules cover: paths, commands word by word, and everything else."""

import pytest

from ally.errors import ConfigError, UsageError
from ally.permissions.action import Action, Ask
from ally.permissions.rules import parse_rule
from tests.unit.permissions.site import MODES, Site, Written, run, word

PATHS = [  # (rule, kind, path, decision in mode ask)
    (("allow", "edit(src/**)"), "write", "src/b.py", "allow"),
    (("allow", "edit(src/**)"), "write", "src/deep/new/c.py", "allow"),
    (("allow", "write(src/**)"), "write", "src/b.py", "allow"),
    (("allow", "edit(src/*)"), "write", "src/deep/c.py", "ask"),
    (("allow", "edit(src)"), "write", "src/b.py", "ask"),
    (("allow", "edit(src/)"), "write", "src/b.py", "allow"),
    (("allow", "edit(src/**)"), "write", "srcx/b.py", "ask"),
    (("allow", "edit(src/**)"), "delete", "src/b.py", "ask"),
    (("allow", "delete(src/**)"), "delete", "src/b.py", "allow"),
    (("allow", "delete(src/**)"), "write", "src/b.py", "ask"),
    (("allow", "edit(*.py)"), "write", "src/deep/c.py", "allow"),
    (("allow", "edit(./*)"), "write", "a.py", "allow"),
    (("allow", "edit(./*)"), "write", "src/b.py", "ask"),
    (("allow", "edit(*.py)"), "write", "~/other/x.py", "ask"),
    (("allow", "edit(~/other/**)"), "write", "~/other/x.py", "allow"),
    (("allow", "edit"), "write", "~/other/x.py", "allow"),
    (("allow", "read(~/other/**)"), "read", "~/other/notes.txt", "allow"),
    (("allow", "read(~/other/**)"), "read", "~/other", "allow"),
    (("allow", "read(../other/**)"), "read", "~/other/notes.txt", "allow"),
    (("allow", "read(~/other/**)"), "write", "~/other/notes.txt", "ask"),
    (("allow", "read"), "read", "/etc/hosts", "allow"),
    (("allow", "read"), "read", ".env", "ask"),
    (("allow", "edit(SRC/**)"), "write", "src/b.py", "ask"),
    (("allow", "edit({src,lib}/**)"), "write", "src/b.py", "allow"),
    (("deny", "read(.env)"), "read", ".env", "deny"),
    (("deny", "read(.env)"), "read", "sub/.env", "deny"),
    (("deny", "read(src/deep)"), "read", "src/deep/c.py", "deny"),
    (("deny", "read(*.py)"), "read", "~/other/x.py", "deny"),
    (("deny", "read"), "read", "a.py", "deny"),
    (("deny", "edit(a.py)"), "read", "a.py", "allow"),
    (("deny", "edit(a.py)"), "write", "a.py", "deny"),
    (("deny", "write(a.py)"), "write", "a.py", "deny"),
    (("deny", "edit(a.py)"), "delete", "a.py", "deny"),
    (("deny", "edit(A.PY)"), "write", "a.py", "deny"),
    (("deny", "delete(a.py)"), "delete", "a.py", "deny"),
    (("deny", "delete(a.py)"), "write", "a.py", "ask"),
    (("deny", "*"), "read", "a.py", "deny"),
    (("ask", "read(src/**)"), "read", "src/b.py", "ask"),
    (("ask", "read(src/**)"), "read", "a.py", "allow"),
]
DENIED = [  # (rule, command)
    ("shell(curl *)", "curl http://x"),
    ("shell(curl *)", "x=1 curl http://x"),
    ("shell(curl *)", "/usr/bin/curl http://x"),
    ("shell(curl *)", "./curl http://x"),
    ("shell(curl *)", "ls && curl http://x"),
    ("shell(curl *)", "ls | curl -T - http://x"),
    ("shell(curl *)", "echo $(curl http://x)"),
    ("shell(curl *)", "timeout 5 curl http://x"),
    ("shell(curl *)", "env A=1 nice curl http://x"),
    ("shell(curl *)", "echo x | xargs curl"),
    ("shell(curl *)", "bash -c 'curl http://x'"),
    ("shell(curl *)", "eval curl http://x"),
    ("shell(curl *)", "c''url http://x"),
    ("shell(curl *)", "cu\\rl http://x"),
    ("shell(curl *)", "if [ ; curl"),
    ("shell(curl *)", "f(){ curl http://x; }; f"),
    ("shell(curl *)", "ls & curl http://x"),
    ("shell(curl *)", "ls\ncurl http://x"),
    ("shell(curl *)", "CURL http://x"),
    ("shell(curl *)", "cu\\\nrl http://x"),
    ("shell(curl *)", "unshare -r curl http://x"),
    ("shell(curl *)", "strace -f curl http://x"),
    ("shell(curl *)", "sudo curl http://x"),
    ("shell(curl *)", "find . -exec curl {} \\;"),
    ("shell(git push *)", "git push"),
    ("shell(git push *)", "git push origin main"),
    ("shell(git push *)", "git -C sub push origin"),
    ("shell(git push *)", "git -c a=b --no-pager push"),
    ("shell(git push *)", "git $x"),
    ("shell(git push *)", "git $x origin"),
    ("shell(git push)", "git push"),
    ("shell(git push:*)", "git push origin"),
    ("shell(rm *)", "echo x; rm a.py"),
    ("shell(*)", "ls"),
    ("shell", "ls"),
    ("*", "ls"),
    ("read(src/**)", "cat src/b.py"),
    ("read(b.py)", "cat ./src/../src/b.py"),
    ("read(src/**)", "python x.py src/b.py"),
    ("edit(a.py)", "echo x > a.py"),
    ("edit(a.py)", "rm a.py"),
    ("delete(a.py)", "rm a.py"),
    ("edit(src/**)", "cp a.py src/new.py"),
]
NOT_DENIED = [
    ("shell(git push)", "git push origin"),
    ("shell(git push *)", "git commit -m push"),
    ("shell(git push *)", "git status"),
    ("shell(curl *)", "echo curl"),
    ("shell(curl *)", "grep curl a.py"),
    ("shell(curl *)", "curlier x"),
    ("shell(git log *)", "git logout"),
    ("edit(a.py)", "cat a.py"),
]
ALLOWED = [
    ("shell(git commit *)", "git commit"),
    ("shell(git commit *)", "git commit -m 'two words'"),
    ("shell(git commit *)", "git commit -m x && git status"),
    ("shell(git commit *)", "ls; git commit -m x"),
    ("shell(make)", "make"),
    ("shell(npm run *)", "npm run build"),
    ("shell(npm run test:*)", "npm run test:unit"),
    ("shell(echo 'a b')", 'echo "a b" > a.py'),
    ("shell(python -c 'print(1)')", "python -c 'print(1)'"),
    ("shell", "make all"),
    ("shell(*)", "make all"),
    ("shell-network(make *)", "make"),
]
NOT_ALLOWED = [
    ("shell(git commit *)", "git commit -m x && make"),
    ("shell(git commit *)", "git commit -m x & make"),
    ("shell(git commit *)", "git commit -m x | tee log"),
    ("shell(git commit *)", "git commit -m $(make)"),
    ("shell(git commit *)", "git commit -m `make`"),
    ("shell(git commit *)", "git commit <(make)"),
    ("shell(git commit *)", "git commit; if [ ; then"),
    ("shell(git commit *)", "GIT_EDITOR=x git commit"),
    ("shell(git commit *)", "git commits"),
    ("shell(git commit *)", "./git commit"),
    ("shell(git commit *)", "/opt/evil/git commit"),
    ("shell(git commit *)", "git -c core.editor=x commit"),
    ("shell(git commit *)", "git $x"),
    ("shell(git commit *)", "git(){ make; }; git commit"),
    ("shell(git commit *)", "ls > a.py; echo"),
    ("shell(git commit *)", "echo x > a.py; git commit -m x"),
    ("shell(make)", "make all"),
    ("shell(make *)", "make > ../out"),
    ("shell(cd *)", "cd x && python y"),
    ("shell(ls *)", "ls && rm -r x"),
    ("shell(bash *)", "bash <(make)"),
]


def ids(rows: list[tuple[str, str]]) -> list[str]:
    return [f"{rule} {command!r}" for rule, command in rows]


@pytest.mark.parametrize(("rule", "kind", "path", "expected"), PATHS)
def test_path_rule(site: Site, rule: Written, kind, path: str, expected: str):
    assert word(site.decide(site.file(kind, path), "ask", rule)) == expected


@pytest.mark.parametrize(("rule", "command"), DENIED, ids=ids(DENIED))
def test_denied_command_runs_in_no_mode(site: Site, rule: str, command: str):
    everything: tuple[Written, ...] = (("allow", "shell"), ("allow", "shell-network"), ("deny", rule))
    assert {word(site.decide(run(command), mode, *everything)) for mode in MODES} == {"deny"}


@pytest.mark.parametrize(("rule", "command"), DENIED, ids=ids(DENIED))
def test_rule_that_asks_asks_in_bypass_too(site: Site, rule: str, command: str):
    assert word(site.decide(run(command), "bypass", ("ask", rule), ("allow", "shell"))) == "ask"


@pytest.mark.parametrize("command", ["c=cu; ${c}rl x", "$(printf cu)rl x", "cu${x}rl x", "$CC x.c"])
def test_a_program_that_nobody_knows_asks_in_bypass_where_some_are_denied(site: Site, command: str):
    assert word(site.decide(run(command), "bypass", ("deny", "shell(curl *)"))) == "ask"
    assert word(site.decide(run(command), "bypass", ("deny", "read(secret/**)"))) == "allow"


@pytest.mark.parametrize(("rule", "command"), NOT_DENIED, ids=ids(NOT_DENIED))
def test_denial_of_something_else(site: Site, rule: str, command: str):
    assert word(site.decide(run(command), "bypass", ("deny", rule))) == "allow"


@pytest.mark.parametrize(("rule", "command"), ALLOWED, ids=ids(ALLOWED))
def test_allowed_command(site: Site, rule: str, command: str):
    assert word(site.decide(run(command), "ask", ("allow", rule))) == "allow"


@pytest.mark.parametrize(("rule", "command"), NOT_ALLOWED, ids=ids(NOT_ALLOWED))
def test_allowance_of_something_else(site: Site, rule: str, command: str):
    assert word(site.decide(run(command), "ask", ("allow", rule))) != "allow"


@pytest.mark.parametrize(
    ("rule", "subject", "expected"),
    [
        ("fetch(https://docs.example/*)", "https://docs.example/a", "allow"),
        ("fetch(https://docs.example/*)", "https://docs.example.evil/a", "ask"),
        ("fetch", "https://x", "allow"),
        ("mail", "https://x", "ask"),
    ],
)
def test_rule_about_another_tool(site: Site, rule: str, subject: str, expected: str):
    assert word(site.decide(Action("fetch", "fetch", subject), "ask", ("allow", rule))) == expected
    denied = site.decide(Action("fetch", "fetch", subject), "bypass", ("deny", rule.upper()))
    assert word(denied) == ("deny" if expected == "allow" else "allow")


def test_a_rule_about_reading_holds_for_a_stranger_that_reads(site: Site):
    action = Action("mcp_files", "read", "x", paths=(site.root / "src/b.py",))
    assert word(site.decide(action, "bypass", ("deny", "read(src/**)"))) == "deny"
    outside = Action("mcp_files", "read", "x", paths=(site.home / "other/notes.txt",))
    assert word(site.decide(outside, "ask", ("allow", "read(~/other/**)"))) == "ask"


@pytest.mark.parametrize(
    "action",
    [
        ("write", "a.py"),
        ("write", "src/deep/c.py"),
        ("write", "src/[x]*{a,b}/c.py"),
        ("delete", "src/b.py"),
        ("read", "~/other/notes.txt"),
        ("read", "~/other"),
        ("read", "/etc/hosts"),
    ],
)
def test_what_is_remembered_answers_the_same_question(site: Site, action: tuple[str, str]):
    wanted = site.file(action[0], action[1])  # type: ignore[arg-type]  # a kind, as written in the table
    decision = site.decide(wanted)
    assert isinstance(decision, Ask)
    assert word(site.decide(wanted, "ask", *[("allow", rule) for rule in decision.remember])) == "allow"
    assert (
        word(site.decide(site.file("write", "Makefile2/x"), "ask", *[("allow", one) for one in decision.remember]))
        == "ask"
    )


@pytest.mark.parametrize(
    ("command", "remembered"),
    [
        ("git commit -m x", ("shell(git commit *)",)),
        ("git add . && git commit -m x", ("shell(git add *)", "shell(git commit *)")),
        ("ls && pytest -q tests", ("shell(pytest *)",)),
        ("python x.py", ("shell(python x.py)",)),
        ("rm a.py", ("shell(rm a.py)",)),
        ("bash -c ls", None),
        ("rm *.py", ()),
        ("make $TARGET", ()),
        ("eval make", ()),
        ("echo x > ~/out.txt", ()),
        ("cat /etc/hosts", ("read(/etc/hosts)",)),
    ],
)
def test_what_is_remembered_of_a_command_is_narrow(site: Site, command: str, remembered: tuple[str, ...] | None):
    decision = site.decide(run(command))
    if remembered is not None:
        assert isinstance(decision, Ask)
        assert decision.remember == remembered
        assert ("session" in decision.scopes) == bool(remembered)
    if isinstance(decision, Ask) and decision.remember:
        assert word(site.decide(run(command), "ask", *[("allow", rule) for rule in decision.remember])) == "allow"
        assert word(site.decide(run("make x"), "ask", *[("allow", rule) for rule in decision.remember])) == "ask"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "shell(",
        "shell)",
        "shell()",
        "shell( )",
        "(x)",
        "bash(ls)",
        "Bash(ls:*)",
        "rm(x)",
        "shell(echo 'x)",
        "read([z-a])",
        "shell(a*b*c*d*e*f)",
        "a b",
        "read(x) y",
        "*",
        "read(a\0b)",
        "x" * 5000,
    ],
)
def test_what_is_no_rule_is_refused_with_its_origin(text: str):
    with pytest.raises(UsageError) as flag:
        parse_rule(text, "allow", "--allow")
    assert "--allow" in flag.value.message
    assert flag.value.hint
    with pytest.raises(ConfigError) as file:
        parse_rule(text, "allow", "/x/config.json")
    assert file.value.message.startswith("/x/config.json: ")
    assert len(file.value.message) < 200


def test_rules_say_where_they_come_from(site: Site):
    decision = site.decide(site.file("read", "a.py"), "bypass", ("deny", "read(a.py)"))
    assert decision.rule == "deny read(a.py) (test)"
    assert parse_rule("Read(.env)", "deny", "x").text == "read(.env)"
