"""What is looked for on behalf of a question."""

import pytest

from ally.rag.search.asking import understand
from ally.rag.search.query import Query
from ally.rag.search.wording import MOST_WORDS, function_share, phrases, telling_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("How do I reset the router?", ("reset", "router")),
        ("what's the printer's address", ("printer", "address")),
        ("use os.path.join on windows", ("use", "os.path.join", "windows")),
        ("parse_args and ThreadPoolExecutor", ("parse_args", "ThreadPoolExecutor", "Thread", "Pool", "Executor")),
        ("HTTPServer", ("HTTPServer", "HTTP", "Server")),
        ("Wie setze ich den Router zurück?", ("setze", "Router", "zurück")),
        ("comment réinitialiser le routeur", ("réinitialiser", "routeur")),
        ("the city of Las Vegas at war", ("city", "Las", "Vegas", "war")),
        ("如何重置路由器", ("如何重置路由器",)),
        ("C is fast, R is not", ("C", "fast", "R")),
        ("reset RESET Reset", ("reset",)),
        ("is it on?", ()),
        ("", ()),
    ],
)
def test_words_that_say_what_it_is_about(text: str, words: tuple[str, ...]):
    assert telling_words(text) == words


def test_a_pasted_log_keeps_the_words_that_come_most_often():
    log = " ".join(f"line{n}" for n in range(500)) + " timeout" * 5

    words = telling_words(log)

    assert len(words) == MOST_WORDS
    assert "timeout" in words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('where is "the red button"?', ("the red button",)),
        ("what does `git rebase --onto` do", ("git rebase --onto",)),
        ("„der rote Knopf“", ("der rote Knopf",)),
        ('the "button"', ()),
        ("it's 5' long and Bob's", ()),
    ],
)
def test_what_stands_in_quotes_is_wanted_as_it_is(text: str, expected: tuple[str, ...]):
    assert phrases(text) == expected


def test_sentences_are_told_from_keywords():
    assert function_share("Why is it called Python?") > 0.5
    assert function_share("asynchronous context managers") == 0.0
    assert function_share("") == 0.0


def test_a_question_of_function_words_alone_is_looked_up_as_it_is():
    assert understand(Query("What is that?")).words == ("What", "is", "that")


def test_signs_that_no_database_takes_are_left_out():
    asked = understand(Query("reset\0the \ud800 router"))

    assert asked.text == "reset the ? router"
    assert asked.words == ("reset", "router")
