"""From measurements to proposals: which model for which agent, and what would push what out of memory."""

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.models.advice import DUTIES, Advice, Chosen, advise, fits
from ally.models.measured import Measured, Speed

GB = 10**9
AGENTS = tuple(duty.agent for duty in DUTIES)
NOTHING_SET = Chosen(dict.fromkeys(AGENTS, (None, None)), {})


def made(model: str, size_gb: float, reads: float | None, writes: float | None, **more: Any) -> Measured:
    """A model of Ollama with so many GB of weights, and twice as many billions of them."""
    fields: dict[str, Any] = {
        "parameters": round(size_gb * 2 * GB),
        "size_bytes": round(size_gb * GB),
        "memory_bytes": round(size_gb * 1.2 * GB),
        "kv_bytes_per_token": 100_000,
        "context_window": 16_384,
        "trained_window": 131_072,
    }
    speeds = (Speed(2000, reads, writes, "server"),) if reads or writes else ()
    return Measured("ollama", model, "2026-11-22T10:00:00+00:00", speeds=speeds, **(fields | more))


SMALL, MIDDLE, LARGE = made("small", 1, 900, 60), made("middle", 4, 300, 20), made("large", 20, 15, 1.5)


def set_to(**agents: str) -> Chosen:
    return Chosen({agent: ("ollama", agents.get(agent, "small")) for agent in AGENTS}, {})


def of(advice: Advice) -> dict[str, str]:
    return {agent: proposal.model for proposal in advice.proposals for agent in proposal.agents}


def test_each_agent_gets_the_largest_model_that_is_fast_enough() -> None:
    advice = advise([SMALL, MIDDLE, LARGE], NOTHING_SET, 64 * GB)
    assert of(advice) == dict.fromkeys(AGENTS, "middle")
    (proposal,) = advice.proposals
    assert "2,000 tokens read and 300 written in 22 s" in proposal.reason
    assert advice.commands[:2] == ("ally config set provider ollama", "ally config set model middle")


def test_a_slow_machine_gets_the_fastest_and_hears_that_it_is_slow() -> None:
    (proposal,) = advise([LARGE, replace(LARGE, model="larger", parameters=99 * GB)], NOTHING_SET, 64 * GB).proposals
    assert "the fastest here, though slow" in proposal.reason


def test_agents_that_call_tools_prefer_a_model_that_calls_them_itself() -> None:
    wordy = replace(MIDDLE, model="wordy", is_native=False)
    advice = advise([SMALL, wordy], NOTHING_SET, 64 * GB)
    assert of(advice) == {"general": "small", "code_gen": "small", "brainstormer": "wordy", "web_searcher": "small"}
    assert "ally config set models.brainstormer wordy" in advice.commands
    assert not any("models.general" in command for command in advice.commands)


def test_models_that_do_not_fit_together_become_one() -> None:
    wordy = replace(MIDDLE, model="wordy", is_native=False)
    advice = advise([SMALL, wordy], NOTHING_SET, 5 * GB)
    assert len(set(of(advice).values())) == 1
    assert "push each other out" in advice.proposals[0].reason


def test_what_fits_is_what_was_seen_else_what_adds_up() -> None:
    assert fits(SMALL, MIDDLE, 10 * GB)
    assert not fits(SMALL, MIDDLE, 5 * GB)
    assert fits(SMALL, MIDDLE, None)
    assert not fits(SMALL, replace(MIDDLE, pushed_out=("small",)), 64 * GB)
    on_card = [replace(one, vram_bytes=one.memory_bytes) for one in (SMALL, MIDDLE)]
    assert fits(on_card[0], on_card[1], 1 * GB)
    spilling = replace(MIDDLE, vram_bytes=2 * GB)
    assert not fits(on_card[0], spilling, 64 * GB)


def test_settings_under_which_two_models_take_turns_in_memory_are_told() -> None:
    advice = advise([SMALL, LARGE], set_to(code_gen="large"), 16 * GB)
    texts = [warned.text for warned in advice.warnings]
    assert any("large writes 1.5 tokens/s" in text and text.startswith("code_gen") for text in texts)
    assert any("do not fit into memory together" in text and "1.2 GB and 24" in text for text in texts)
    assert all(warned.step for warned in advice.warnings)
    assert advise([SMALL, MIDDLE], set_to(code_gen="middle"), 64 * GB).warnings == ()


def test_a_default_model_that_is_too_slow_is_told_too() -> None:
    chosen = replace(NOTHING_SET, used=dict.fromkeys(AGENTS, ("ollama", "large")))
    (warned,) = advise([SMALL, LARGE], chosen, 64 * GB).warnings
    assert warned.text.startswith("general, code_gen, brainstormer, web_searcher: large writes 1.5")


def test_entries_of_single_agents_that_are_in_the_way_are_taken_back() -> None:
    chosen = replace(set_to(code_gen="large"), own=frozenset({"code_gen"}))
    commands = advise([SMALL, MIDDLE], chosen, 64 * GB).commands
    assert "ally config set models.code_gen null" in commands
    assert "ally config set provider_per_model.code_gen null" in commands
    assert "ally config set provider ollama" not in commands  # it is that already


def test_what_is_set_already_is_not_proposed_again() -> None:
    chosen = Chosen(dict.fromkeys(AGENTS, ("ollama", "middle")), {"ollama": {"num_ctx": 32_768}})
    assert advise([SMALL, MIDDLE], chosen, 64 * GB).commands == ()


def test_context_is_what_half_of_the_rest_of_memory_holds() -> None:
    roomy = advise([MIDDLE], NOTHING_SET, 64 * GB).proposals[0]
    tight = advise([MIDDLE], NOTHING_SET, 6 * GB).proposals[0]
    assert (roomy.num_ctx, tight.num_ctx) == (32_768, 9_216)
    commands = advise([MIDDLE], NOTHING_SET, 6 * GB).commands
    assert "ally config set provider_options.ollama.num_ctx 9216" in commands
    tiny = replace(MIDDLE, trained_window=2_048)
    assert advise([tiny], NOTHING_SET, 64 * GB).proposals[0].num_ctx == 2_048


def test_a_model_that_loads_slowly_is_kept_in_memory() -> None:
    advice = advise([replace(MIDDLE, load_s=14.0)], NOTHING_SET, 64 * GB)
    assert advice.proposals[0].keep_alive == "30m"
    assert "ally config set provider_options.ollama.keep_alive 30m" in advice.commands
    assert advise([replace(MIDDLE, load_s=0.4)], NOTHING_SET, 64 * GB).proposals[0].keep_alive is None
    kept = Chosen(NOTHING_SET.agents, {"ollama": {"keep_alive": -1}})
    commands = advise([replace(MIDDLE, load_s=14.0)], kept, 64 * GB).commands
    assert not any("keep_alive" in command for command in commands)


def test_only_a_graphics_card_with_room_answers_two_at_once() -> None:
    assert advise([MIDDLE], NOTHING_SET, 64 * GB).proposals[0].at_once == 1
    card = replace(MIDDLE, memory_bytes=8 * GB, vram_bytes=8 * GB, context_window=16_384)
    assert advise([card], NOTHING_SET, 64 * GB).proposals[0].at_once == 2


def test_a_server_with_a_window_of_its_own_is_told_none() -> None:
    (proposal,) = advise([replace(MIDDLE, provider="lmstudio")], NOTHING_SET, 64 * GB).proposals
    assert (proposal.num_ctx, proposal.keep_alive) == (None, None)


def test_nothing_measured_proposes_nothing() -> None:
    assert advise([], NOTHING_SET, None) == Advice()
    assert advise([made("silent", 1, None, None)], NOTHING_SET, None).proposals == ()


@pytest.mark.parametrize("name", ["qwen3:8b", "null", "7", "a b", "x;rm -rf ~", "模型", "'", '"q"'])
def test_a_command_line_sets_the_very_name(name: str) -> None:
    command = next(
        line for line in advise([replace(MIDDLE, model=name)], NOTHING_SET, None).commands if " model " in line
    )
    word = shlex.split(command)[-1]
    try:
        value = json.loads(word)
    except ValueError:
        value = word
    assert value == name


@given(
    st.lists(
        st.builds(
            made,
            st.sampled_from(["a", "b", "c"]),
            st.floats(0.1, 100),
            st.one_of(st.none(), st.floats(0.1, 1e5)),
            st.one_of(st.none(), st.floats(0.1, 1e4)),
            memory_bytes=st.one_of(st.none(), st.integers(0, 10**12)),
            vram_bytes=st.one_of(st.none(), st.integers(0, 10**12)),
            kv_bytes_per_token=st.integers(0, 10**6),
            trained_window=st.one_of(st.none(), st.integers(1, 10**6)),
        ),
        max_size=4,
    ),
    st.one_of(st.none(), st.integers(0, 10**12)),
)
def test_every_agent_gets_one_model_or_none_gets_any(measured: list[Measured], memory: int | None) -> None:
    advice = advise(measured, NOTHING_SET, memory)
    agents = [agent for proposal in advice.proposals for agent in proposal.agents]
    assert sorted(agents) in ([], sorted(AGENTS))
    for proposal in advice.proposals:
        assert proposal.at_once >= 1
        assert proposal.num_ctx is None or proposal.num_ctx > 0
