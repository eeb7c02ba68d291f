"""What holds for every action whatsoever."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ally.permissions.action import Action, Allow, Ask, Deny
from ally.permissions.paths import words
from tests.unit.permissions.site import MODES, Site, Written, build_site, run, word

LAW = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))

PARTS = words(". .. src deep a.py .env .git .ssh x .ENV id_rsa new b.py")
WORDS = words(
    "ls cat git push commit curl rm -rf ~ / .env a.py && ; | > >> & $(make) `id` $x 'q' \" \\ { } ( ) eval x=1 sudo "
    "xargs bash -c -- * ../x ~/.ssh/id_rsa .git/config if then fi <<E E"
)
RULES = words(
    "shell shell(*) shell-network(*) shell(ls) read edit write delete read(~/**) edit(/**) read(*) edit(src/**) "
    "read(.env) delete(**) list grep(**)"
)
path = st.one_of(
    st.lists(st.sampled_from([*PARTS, ""]), min_size=1, max_size=6).map("/".join),
    st.lists(st.sampled_from(PARTS), max_size=4).map(lambda parts: "/" + "/".join(parts)),
    st.text(max_size=30),
)
command = st.one_of(st.lists(st.sampled_from([*WORDS, "\n"]), max_size=8).map(" ".join), st.text(max_size=40))
kinds = st.sampled_from(["read", "write", "delete"])
modes = st.sampled_from(MODES)
rule = st.sampled_from([*RULES, "shell(git *)", "shell(ls *)"])
denials = st.sampled_from(
    ["read(.env)", "edit(src/**)", "shell(git *)", "shell(curl *)", "delete", "read(/etc/**)", "*"]
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One home for all examples: deciding changes nothing."""
    home = tmp_path_factory.mktemp("laws").resolve() / "me"
    site = build_site(home)
    before = sorted(home.rglob("*"))
    yield site
    assert sorted(home.rglob("*")) == before


def actions(site: Site) -> st.SearchStrategy[Action]:
    files = st.builds(lambda kind, text: Action(kind, kind, text, (Path(f"{site.root}/{text}"),)), kinds, path)
    commands = st.builds(lambda text, network: run(text, network=network), command, st.booleans())
    return st.one_of(files, commands)


@LAW
@given(data=st.data(), mode=modes, allowed=st.lists(rule, max_size=4), denied=denials)
def test_denial_always_wins(shared: Site, data: st.DataObject, mode, allowed: list[str], denied: str):
    action = data.draw(actions(shared))
    more: list[Written] = [("allow", text) for text in allowed]
    if isinstance(shared.decide(action, mode, ("deny", denied)), Deny):
        assert isinstance(shared.decide(action, mode, ("deny", denied), *more), Deny)
        assert isinstance(shared.decide(action, mode, *more, ("deny", denied)), Deny)


@LAW
@given(data=st.data(), mode=modes, allowed=st.lists(rule, max_size=6))
def test_allowance_changes_no_denial_and_no_question_about_secrets(
    shared: Site, data: st.DataObject, mode, allowed: list[str]
):
    action = data.draw(actions(shared))
    before = shared.decide(action, mode)
    after = shared.decide(action, mode, *[("allow", text) for text in allowed])
    if isinstance(before, Deny) or (isinstance(before, Ask) and before.rule in ("secret", "protected")):
        assert after == before


@LAW
@given(data=st.data(), allowed=st.lists(rule, max_size=6), confined=st.booleans())
def test_plan_mode_never_lets_anything_change(shared: Site, data: st.DataObject, allowed: list[str], confined: bool):
    action = data.draw(actions(shared))
    decision = shared.decide(action, "plan", *[("allow", text) for text in allowed], confined=confined)
    if action.kind in ("write", "delete"):
        assert isinstance(decision, Deny)
    if action.kind == "run" and not isinstance(decision, Deny):
        assert decision.grant.is_read_only
        assert not (decision.grant.network or decision.grant.writable or decision.grant.git)


@LAW
@given(data=st.data(), mode=modes, confined=st.booleans())
def test_deciding_never_fails(shared: Site, data: st.DataObject, mode, confined: bool):
    action = data.draw(actions(shared))
    decision = shared.decide(action, mode, ("ask", "read(src/**)"), ("allow", "shell(ls *)"), confined=confined)
    assert decision.rule
    assert decision.reason


@LAW
@given(data=st.data(), mode=modes)
def test_nothing_outside_is_allowed_without_a_rule(shared: Site, data: st.DataObject, mode):
    action = data.draw(actions(shared))
    decision = shared.decide(action, mode)
    if mode != "bypass" and isinstance(decision, Allow) and action.kind in ("read", "write", "delete"):
        assert all(path.is_relative_to(shared.root) for path in decision.grant.paths)


@LAW
@given(data=st.data(), mode=modes)
def test_stricter_modes_allow_no_more(shared: Site, data: st.DataObject, mode):
    action = data.draw(actions(shared))
    found = {name: word(shared.decide(action, name)) for name in MODES}
    order = ["deny", "ask", "allow"]
    for strict, lenient in (("plan", "ask"), ("ask", "accept-edits"), ("accept-edits", "bypass")):
        assert order.index(found[strict]) <= order.index(found[lenient])


@LAW
@given(data=st.data())
def test_an_answer_that_is_remembered_is_an_answer(shared: Site, data: st.DataObject):
    action = data.draw(actions(shared))
    decision = shared.decide(action)
    if isinstance(decision, Ask) and decision.remember:
        again = shared.decide(action, "ask", *[("allow", text) for text in decision.remember])
        assert isinstance(again, Allow)
