"""What every embedder behind HTTP does, whatever its format."""

import signal
import threading
import time

import numpy as np
import pytest

from ally.errors import (
    BadReply,
    ContextTooLong,
    CutStream,
    DimensionMismatch,
    IdleStream,
    Overloaded,
    RateLimited,
    RefusedKey,
    UnknownModel,
    Unreachable,
)
from tests.fakes import HTML, KEY, Cut, Failure, Hang, Raw
from tests.unit.rag.embeddings.services import SERVICES, Service, of, opened, unit_vectors

every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda one: one.provider)

ODD = ["grüße", "日本語のテキスト", "😀 one\x00two", "half \ud83d", " ", "line\nline\ttab", '"quoted" \\ </s>']


@every_service
def test_vectors_are_of_length_one_in_the_order_of_the_texts(service: Service):
    texts = [f"passage number {number}" for number in range(70)]
    with opened(service, query_prefix="", passage_prefix="") as (fake, embedder):
        found = embedder.embed(texts, "passage")
        again = embedder.embed(texts[:3], "query")
    assert found.shape == (70, 16)
    assert found.dtype == np.float32
    assert np.allclose(found, unit_vectors(texts), atol=1e-6)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert np.allclose(again, found[:3])
    assert sorted(fake.texts) == sorted([*texts, *texts[:3]])
    assert (getattr(embedder, "tokens", 0) > 0) == service.counts


@every_service
def test_texts_arrive_as_they_are(service: Service):
    with opened(service, query_prefix="", passage_prefix="") as (fake, embedder):
        embedder.embed(ODD, "passage")
    assert fake.texts == [text.replace("\ud83d", "?") for text in ODD]


@every_service
def test_what_is_known_of_it_without_asking(service: Service):
    embedder = service.open("http://127.0.0.1:9/v1")
    assert (embedder.provider, embedder.location) == (service.provider, "local")
    assert embedder.fingerprint.startswith(f"{service.provider}/{embedder.model}")
    assert embedder.max_tokens > 100
    embedder.close()


@every_service
def test_a_batch_that_is_refused_as_too_large_is_halved(service: Service):
    texts = [f"number {number}" for number in range(20)]
    with opened(service, query_prefix="", passage_prefix="") as (fake, embedder):
        fake.max_texts = 6
        found = embedder.embed(texts, "passage")
        assert np.allclose(found, unit_vectors(texts), atol=1e-6)
        assert max(len(asked.texts) for asked in fake.asked) <= 6


@every_service
def test_a_text_that_is_too_long_is_named_and_not_cut(service: Service):
    long = "Once upon a time " * 400
    with opened(service, query_prefix="", passage_prefix="", max_tokens=500) as (_, embedder):
        with pytest.raises(ContextTooLong, match=r"6,800 characters, .Once upon") as caught:
            embedder.embed(["short", long, "short too"], "passage")
        assert caught.value.hint
        assert np.allclose(embedder.embed(["short"], "passage"), unit_vectors(["short"]), atol=1e-6)


@every_service
@pytest.mark.parametrize(
    "fault",
    [
        Failure("rate_limit", retry_after_s=0),
        Failure("rate_limit"),
        Failure("server"),
        Failure("overloaded"),
        Cut(),
    ],
    ids=["429-with-a-time", "429", "500", "503", "cut"],
)
def test_what_may_pass_is_tried_again(service: Service, fault: Failure | Cut):
    with opened(service, passage_prefix="") as (fake, embedder):
        fake.script(fault, fault)
        assert np.allclose(embedder.embed(["one", "two"], "passage"), unit_vectors(["one", "two"]), atol=1e-6)
        assert len(fake.requests) == 3


@every_service
def test_a_service_that_keeps_failing_is_given_up(service: Service):
    with opened(service) as (fake, embedder):
        fake.script(*[Failure("server", message="no memory left")] * 9)
        with pytest.raises(Overloaded, match="no memory left"):
            embedder.embed(["one"], "passage")
        assert len(fake.requests) == 4


@every_service
@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda rows: rows[:-1], "1 vectors for 2 texts"),
        (lambda rows: [rows[0], rows[1][:-1]], "15 and 16 numbers"),
        (lambda rows: [rows[0], [float("nan"), *rows[1][1:]]], "something else|finite"),
        (lambda rows: [rows[0], [1e400, *rows[1][1:]]], "something else|finite"),
        (lambda rows: [rows[0], [0.0] * 16], "zeros"),
        (lambda rows: [rows[0], []], "numbers"),
        (lambda rows: [rows[0], None], "something else|vector"),
        (lambda rows: [rows[0], [row[:1] for row in rows]], "something else|vector"),
    ],
    ids=["one-missing", "one-shorter", "nan", "infinite", "zero", "empty", "null", "nested"],
)
def test_vectors_that_are_none_are_refused(service: Service, spoil, complaint: str):
    with opened(service) as (fake, embedder):
        fake.script(spoil)
        with pytest.raises(BadReply, match=complaint):
            embedder.embed(["one", "two"], "passage")
        assert len(fake.requests) == 1


@every_service
@pytest.mark.parametrize(
    "raw", [HTML, Raw(b"{}", content_type="application/json"), Raw(b'{"data": [', content_type="application/json")]
)
def test_an_answer_that_is_something_else(service: Service, raw: Raw):
    with opened(service) as (fake, embedder):
        fake.script(raw)
        with pytest.raises(BadReply, match=r"instead of vectors"):
            embedder.embed(["one"], "passage")


@every_service
def test_vectors_of_another_length_than_before(service: Service):
    with opened(service) as (fake, embedder):
        embedder.embed(["one"], "passage")
        fake.script(lambda rows: [row[:8] for row in rows])
        with pytest.raises(DimensionMismatch):
            embedder.embed(["one"], "passage")


@pytest.mark.parametrize("service", [one for one in SERVICES if one.variable], ids=lambda one: one.provider)
def test_a_refused_key_is_named_by_its_variable_and_never_shown(service: Service):
    wrong = "sk-wrong-4f1c09d2aa"
    with opened(service, key=wrong) as (fake, embedder):
        fake.script(Failure("auth", message=f"Invalid API key: {wrong}"))
        with pytest.raises(RefusedKey) as caught:
            embedder.embed(["one"], "passage")
    assert service.variable in caught.value.hint
    assert wrong not in f"{caught.value} {caught.value.hint} {embedder!r}"
    assert KEY not in repr(embedder)


@every_service
def test_a_model_that_the_service_lacks(service: Service):
    with opened(service) as (fake, embedder):
        fake.models = ()
        with pytest.raises(UnknownModel) as caught:
            embedder.embed(["one"], "passage")
    assert caught.value.hint


@every_service
def test_a_service_that_says_nothing(service: Service):
    with opened(service, idle_timeout_s=0.05) as (fake, embedder):
        fake.script(*[Hang()] * 9)
        with pytest.raises(IdleStream):
            embedder.embed(["one"], "passage")


@every_service
def test_a_service_that_does_not_run(service: Service, closed_port: int):
    embedder = service.open(f"http://127.0.0.1:{closed_port}/v1")
    began = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        embedder.embed(["one"], "passage")
    embedder.close()
    assert time.monotonic() - began < 5
    assert caught.value.hint


def test_a_cut_answer_is_no_answer():
    with opened(of("openai")) as (fake, embedder):
        fake.script(*[Cut()] * 9)
        with pytest.raises(CutStream):
            embedder.embed(["one"], "passage")


def test_money_that_is_used_up_is_not_waited_for():
    with opened(of("openai")) as (fake, embedder):
        fake.script(Failure("rate_limit", message="insufficient_quota: check your plan"))
        with pytest.raises(RateLimited) as caught:
            embedder.embed(["one"], "passage")
        assert len(fake.requests) == 1
        assert "balance" in caught.value.hint


def test_a_pause_of_more_than_a_minute_is_told_instead_of_waited_for():
    with opened(of("openai")) as (fake, embedder):
        fake.script(Failure("rate_limit", retry_after_s=3600))
        with pytest.raises(RateLimited) as caught:
            embedder.embed(["one"], "passage")
        assert caught.value.retry_after_s == 3600


def test_requests_go_side_by_side_and_fewer_after_too_many():
    texts = [f"number {number}" for number in range(40)]
    with opened(of("openai"), batch=1, concurrency=4, passage_prefix="") as (fake, embedder):
        fake.script(*[Failure("rate_limit", retry_after_s=0)] * 3)
        found = embedder.embed(texts, "passage")
        assert np.allclose(found, unit_vectors(texts), atol=1e-6)
        assert len(fake.requests) == 43


def test_ctrl_c_ends_the_request_at_once():
    with opened(of("openai")) as (fake, embedder):
        fake.script(Hang())
        main = threading.get_ident()

        def interrupt() -> None:
            fake.arrived.acquire()
            signal.pthread_kill(main, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            embedder.embed(["one"], "passage")
        thread.join()
        assert fake.requests[0].wait_disconnected(10)
        assert embedder.embed(["one"], "passage").shape == (1, 16)


def test_closing_ends_the_request_and_the_thread():
    with opened(of("openai")) as (fake, embedder):
        before = set(threading.enumerate())
        fake.script(Hang())
        failed: list[BaseException] = []

        def work() -> None:
            try:
                embedder.embed(["one"], "passage")
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
                failed.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        fake.arrived.acquire()
        embedder.close()
        thread.join(10)
        assert isinstance(failed[0], Unreachable)
        assert fake.requests[0].wait_disconnected(10)
        assert not [one for one in threading.enumerate() if one.name == "embedding" and one not in before]
        # It can be used again, as a library does that is opened again.
        assert embedder.embed(["one"], "passage").shape == (1, 16)
