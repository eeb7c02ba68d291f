"""Questions that lean on the conversation."""

import pytest

from ally.rag.search.asking import understand
from ally.rag.search.query import Query
from ally.rag.search.rewriting import conversation, parse
from ally.rag.search.search import search
from tests.unit.rag.search.shelves import MemoryCollection

BEFORE = "How do I reset the router?"


@pytest.mark.parametrize(
    "text",
    [
        "And the printer?",
        "what about the printer",
        "Why?",
        "How long does it take?",
        "does that delete my settings?",
        "und wie lange?",
        "and then",
    ],
)
def test_a_question_that_goes_on_takes_words_of_the_one_before(text: str):
    asked = understand(Query(text, history=[BEFORE]))

    assert asked.text == f"{BEFORE}\n{text}"
    assert {*asked.words, *asked.earlier} >= {"reset", "router"}


@pytest.mark.parametrize(
    "text",
    [
        "How do I clean the rollers of the printer?",
        "coffee machine",
        "Where is the configuration file of the web server stored?",
        "What does the manual say about the warranty of this washing machine in Europe?",
        "路由器的密码是什么",
    ],
)
def test_a_question_that_stands_alone_stays_as_it_is(text: str):
    asked = understand(Query(text, history=[BEFORE]))

    assert (asked.text, asked.earlier) == (text, ())


def test_what_leans_on_what_leans_reaches_the_question_they_are_about():
    asked = understand(Query("and then?", history=["Tell me of bees.", BEFORE, "How long does it take?"]))

    assert "router" in asked.words
    assert "bees" not in asked.words


def test_words_of_the_question_weigh_more_than_those_before_it():
    documents = {"/router.md": "Reset the router.", "/printer.md": "Reset the printer.", "/other.md": "Tea."}

    found = search([MemoryCollection("docs", documents)], Query("And the printer?", history=[BEFORE]), None)

    assert [hit.path for hit in found.hits] == ["/printer.md", "/router.md"]


def test_without_a_conversation_nothing_is_added():
    assert understand(Query("Why?")).text == "Why?"


def test_a_model_is_given_the_questions_and_asked_for_one():
    assert conversation("And the printer?", [BEFORE]) == (
        f"Questions before:\n- {BEFORE}\n\nLast question: And the printer?"
    )


@pytest.mark.parametrize(
    ("reply", "query"),
    [
        ("reset the printer", "reset the printer"),
        ('Query: "reset the printer"\n', "reset the printer"),
        ("<think>they mean it</think>\n\nreset the printer\nBecause of that", "reset the printer"),
        ("", "And the printer?"),
        ("...", "And the printer?"),
        ("<think>never ends", "And the printer?"),
        ("word " * 200, "And the printer?"),
    ],
)
def test_the_reply_of_a_model_is_a_query_or_the_question_stays(reply: str, query: str):
    assert parse(reply, "And the printer?") == query
