"""The store in PostgreSQL: what only a server can do wrong, and what only it has."""

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ally.egress.ledger import ledger
from ally.errors import StorageError
from ally.rag.document import Extracted, Heading, Passage, Place
from ally.rag.stores.base import Collection
from ally.rag.stores.embedded import EmbeddedShelf
from ally.rag.stores.postgres import PostgresShelf, parse
from tests.contract.stores import check, embed, fill, nearest, put, state_of, vector_of, words
from tests.fakes import postgres
from tests.fakes.tls import TlsDoor

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = Path("/nonexistent")

INDEXES = "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%hnsw%'"

pytestmark = postgres.needed


def open_shelf(url: str, home: Path = NOWHERE, **env: str) -> PostgresShelf:
    return PostgresShelf(parse(url, env), env, home)


@pytest.fixture
def url() -> str:
    return postgres.empty_database()


@pytest.fixture
def shelf(url: str) -> Iterator[PostgresShelf]:
    shelf = open_shelf(url)
    yield shelf
    shelf.close()


@pytest.fixture
def collection(shelf: PostgresShelf) -> Collection:
    return shelf.create("docs")


def cut_off() -> None:
    """What a server does to everybody when it is shut down."""
    postgres.server().run("SELECT pg_terminate_backend(pid, 9000) FROM pg_stat_activity WHERE datname = 'ally'")


def test_a_connection_that_was_cut_is_opened_again(shelf: PostgresShelf, collection: Collection) -> None:
    fill(collection, a=["one"])
    cut_off()
    assert words(collection, "one") == ["one"]
    cut_off()
    assert shelf.names() == ["docs"]


def test_a_connection_that_is_cut_while_it_is_written_to(collection: Collection) -> None:
    fill(collection, a=["one"])
    with pytest.raises(StorageError) as caught, collection.writing():
        put(collection, "/a", "two")
        cut_off()
        embed(collection)
    assert "shut" in caught.value.message or "lost" in caught.value.message or "terminating" in caught.value.message
    assert caught.value.hint
    assert [one.passage.text for one in collection.each()] == ["one"]
    check(collection)
    with collection.writing():
        put(collection, "/a", "two")
    assert words(collection, "one", "two") == ["two"]


def test_nothing_is_written_without_the_lock_that_went_with_the_connection(collection: Collection) -> None:
    with collection.writing():
        put(collection, "/a", "one")
        collection.facts()
        cut_off()
        for _ in range(2):
            with pytest.raises(StorageError):
                collection.facts()
        with pytest.raises(StorageError):
            embed(collection)
    assert [one.passage.text for one in collection.each()] == ["one"]


def test_a_server_that_dies_and_comes_back() -> None:
    own = postgres.start(postgres.new_folder())
    try:
        own.run("CREATE EXTENSION vector")
        shelf = open_shelf(own.url())
        collection = shelf.create("docs")
        fill(collection, a=["one"])
        own.stop()
        with pytest.raises(StorageError, match="cannot be reached") as caught:
            words(collection, "one")
        assert "runs" in caught.value.hint
        own = postgres.start(own.folder, own.port)
        assert words(collection, "one") == ["one"]
        check(collection)
        shelf.close()
    finally:
        own.stop()
        shutil.rmtree(own.folder)


def test_no_server(closed_port: int) -> None:
    shelf = open_shelf(f"postgresql://me@localhost:{closed_port}/db")
    with pytest.raises(StorageError, match=f"db at localhost:{closed_port} cannot be reached: Connection refused"):
        shelf.names()


def test_a_server_that_is_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]

        def answer() -> None:
            client, _ = door.accept()
            with client:
                client.recv(1000)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(StorageError, match="db at localhost"):
            open_shelf(f"postgresql://me@localhost:{port}/db?sslmode=disable").names()
        answering.join()


def test_no_such_database() -> None:
    url = postgres.server().url("nobody's%20%22db%22")
    with pytest.raises(StorageError, match="does not exist") as caught:
        open_shelf(url).names()
    assert "createdb" in caught.value.hint


def test_passwords(url: str, tmp_path: Path) -> None:
    wary = postgres.server().url("ally", postgres.PASSWORD_USER, "127.0.0.1")
    with pytest.raises(StorageError, match="No password was found") as caught:
        open_shelf(wary).names()
    assert ".pgpass" in caught.value.hint
    with pytest.raises(StorageError, match="authentication failed") as caught:
        open_shelf(wary, PGPASSWORD="hunter2").names()
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint} {caught.value.__cause__!r}"
    shelf = open_shelf(wary, PGPASSWORD=postgres.PASSWORD)
    assert shelf.names() == []
    shelf.close()
    escaped = postgres.PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    file = tmp_path / ".pgpass"
    file.write_text(f"# mine\n*:*:other:{postgres.PASSWORD_USER}:no\n127.0.0.1:*:ally:*:{escaped}\n")
    file.chmod(0o644)
    with pytest.raises(StorageError) as caught:
        open_shelf(wary, tmp_path).names()
    assert "chmod 600" in caught.value.hint
    file.chmod(0o600)
    shelf = open_shelf(wary, tmp_path)
    assert shelf.names() == []
    shelf.close()


def test_who_may_not_make_tables_is_told_who_may(url: str) -> None:
    wary = postgres.server().url("ally", postgres.PASSWORD_USER, "127.0.0.1")
    shelf = open_shelf(wary, PGPASSWORD=postgres.PASSWORD)
    with pytest.raises(StorageError, match="permission denied") as caught:
        shelf.create("docs")
    assert "GRANT CREATE" in caught.value.hint
    shelf.close()


def test_a_database_without_pgvector(url: str) -> None:
    server = postgres.server()
    server.run("CREATE DATABASE plain TEMPLATE template0")
    shelf = open_shelf(server.url("plain"))
    assert shelf.names() == []
    with pytest.raises(StorageError, match="has no pgvector") as caught:
        shelf.create("docs")
    assert "CREATE EXTENSION vector" in caught.value.hint
    assert "may run" in caught.value.hint
    server.run("CREATE SCHEMA \"Odd; 'place'\"; CREATE EXTENSION vector SCHEMA \"Odd; 'place'\"", "plain")
    fill(shelf.create("docs"), a=["one"])
    assert nearest(shelf.open("docs"), "one") == ["/a:0"]
    shelf.close()


def test_a_database_that_is_not_utf8() -> None:
    server = postgres.server()
    server.run("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'")
    with pytest.raises(StorageError, match="LATIN1") as caught:
        open_shelf(server.url("latin")).names()
    assert "createdb" in caught.value.hint


def test_collections_of_a_newer_ally(shelf: PostgresShelf, collection: Collection, url: str) -> None:
    postgres.server().run("UPDATE ally.store SET version = 99", "ally")
    other = open_shelf(url)
    with pytest.raises(StorageError, match="newer Ally"):
        other.names()


OFFLINE = """
import sys
from pathlib import Path
from ally.egress.ledger import ledger
from ally.egress.offline import enable
from ally.errors import OfflineRefused
from ally.rag.stores.postgres import PostgresShelf, parse
enable()
assert PostgresShelf(parse(sys.argv[1], {}), {}, Path("/")).names() == []
for host in ("db.example.org", "192.168.1.7"):
    try:
        PostgresShelf(parse(f"postgresql://me@{host}/db", {}), {}, Path("/")).names()
    except OfflineRefused as error:
        print(error.message, error.hint)
print([(one.host, one.refused, one.bytes_sent > 0) for one in ledger.transfers])
"""


def test_offline_only_a_server_on_this_machine_is_asked(url: str) -> None:
    done = subprocess.run([sys.executable, "-c", OFFLINE, url], cwd=ROOT, capture_output=True, text=True, check=True)
    first, second, transfers = done.stdout.splitlines()
    assert "refused to contact db.example.org:5432" in first
    assert "knowledge.store" in second
    assert transfers == ("[('localhost', False, True), ('db.example.org', True, False), ('192.168.1.7', True, False)]")


def test_what_passes_is_counted(collection: Collection) -> None:
    before = len(ledger.transfers)
    fill(collection, a=["one " * 1000])
    some = ledger.transfers[before:]
    assert {(one.purpose, one.host, one.location) for one in some} == {("collections", "localhost", "local")}
    assert sum(one.bytes_sent for one in some) > 3000
    assert sum(one.bytes_received for one in some) > 500


def test_encryption(url: str, tmp_path: Path) -> None:
    server = postgres.server()
    with TlsDoor(("127.0.0.1", server.port), tmp_path) as door:
        safe = f"postgresql://postgres@localhost:{door.port}/ally?sslmode="
        with pytest.raises(StorageError, match="no safe connection") as caught:
            open_shelf(f"{safe}verify-full").names()
        assert "sslrootcert" in caught.value.hint
        for options, found in (
            (f"verify-full&sslrootcert={door.authority}", "TLSv1.3, verified"),
            ("require", "TLSv1.3, not verified"),
            ("prefer", "TLSv1.3, not verified"),
        ):
            shelf = open_shelf(safe + options)
            shelf.check()
            assert shelf.encryption == found
            shelf.close()
        elsewhere = safe.replace("localhost", "127.0.0.1")
        with pytest.raises(StorageError, match="IP address mismatch"):
            open_shelf(f"{elsewhere}verify-full&sslrootcert={door.authority}").names()
        shelf = open_shelf(f"{elsewhere}verify-ca&sslrootcert={door.authority}")
        assert shelf.names() == []
        shelf.close()
    with pytest.raises(StorageError, match="offers no encryption"):
        open_shelf(f"postgresql://postgres@localhost:{server.port}/ally?sslmode=require").names()


def test_text_that_postgresql_cannot_hold(collection: Collection) -> None:
    text = "nul \0 and\t\\N \\. \r\n'quotes\" {braces}, \u2028 🎉"
    document = Extracted(text, "text", title="\0", headings=(Heading(0, 1, "a\0b"),), notes=("\0",))
    passages = [Passage(text, 0, len(text), Place(1, 2, "page \0"), ("a\0b", "\\"))]
    with collection.writing():
        collection.put(state_of('/it\'s \\x {a,b} "c"\n'), document, passages)
        collection.skip(state_of("/b", problem="holds a \0"))
        embed(collection)
    assert collection.extracted('/it\'s \\x {a,b} "c"\n') == document
    assert [one.passage for one in collection.each()] == passages
    assert collection.files()["/b"].problem == "holds a \ufffd"
    assert words(collection, "braces") == [text]
    check(collection)


def test_words_that_are_too_long_for_its_index(collection: Collection) -> None:
    long, many = "x" * 5000, " ".join(f"w{number}" for number in range(20_000))
    fill(collection, a=[f"{long} end", f"{long}y end", many])
    assert words(collection, long) == [f"{long} end"]
    assert words(collection, "w19999") == [many]


def test_scores_are_those_of_the_embedded_store(collection: Collection, tmp_path: Path) -> None:
    shelf = EmbeddedShelf(tmp_path / "kb")
    embedded = shelf.create("docs")
    vocabulary = ["salt", "salted", "pepper", "os.path", "os", "path", "Zürich", "東京都", "the", "water's"]
    chance = np.random.default_rng(3)
    for one in (embedded, collection):
        chance = np.random.default_rng(3)
        with one.writing():
            for number in range(60):
                lines = [" ".join(chance.choice(vocabulary, size=chance.integers(1, 30))) for _ in range(4)]
                put(one, f"/{number:02}", *lines, headings=(str(chance.choice(vocabulary)),))
            one.remove([f"/{number:02}" for number in range(0, 60, 7)])
    for query in (["salt"], ["pepper", "zurich"], ["os.path"], ["東京"], ["the", "water's", "salting"], ["none", "os"]):
        wanted = {one.id: one.score for one in embedded.by_words(query, 1000)}
        found = {one.id: one.score for one in collection.by_words(query, 1000)}
        assert found == pytest.approx(wanted, rel=1e-6)
    embedded.close()


@pytest.mark.parametrize("dim", [8, 2100])
def test_large_collections_get_an_index(url: str, dim: int) -> None:
    shelf = PostgresShelf(parse(url, {}), {}, NOWHERE, exact_numbers=100 * dim)
    collection = shelf.create("docs")
    with collection.writing():
        put(collection, "/a", *(f"line {number}" for number in range(120)))
        embed(collection, dim=dim)
        collection.tidy(is_stopped=lambda: False)
        put(collection, "/b", "late")
        embed(collection, dim=dim)
    assert postgres.server().run(INDEXES, "ally")
    query = vector_of("what?", dim)
    wanted = {one.id: float(vector_of(one.passage.text, dim) @ query) for one in collection.each()}
    best = sorted(wanted, key=lambda one: -wanted[one])[:9]
    found = collection.by_vector(query, 9)
    assert [one.id for one in found] == best
    assert [one.score for one in found] == pytest.approx([wanted[one] for one in best], abs=1e-6)
    (late,) = collection.passages([one.id for one in collection.by_vector(vector_of("late", dim), 1)])
    assert late.passage.text == "late"
    with collection.writing():
        embed(collection, "other", dim=4)
    assert not postgres.server().run(INDEXES, "ally")
    check(collection)
    shelf.close()


def test_a_stopped_index_is_built_the_next_time(url: str) -> None:
    shelf = PostgresShelf(parse(url, {}), {}, NOWHERE, exact_numbers=10)
    collection = shelf.create("docs")
    fill(collection, a=["one", "two"])
    server = postgres.server()
    with server.connection("ally") as other, collection.writing():
        other.run("BEGIN; INSERT INTO ally.c1_vector SELECT 99, vector FROM ally.c1_vector LIMIT 1")
        collection.tidy(is_stopped=lambda: True)  # it waits for the other, and is cancelled
        assert not server.run(INDEXES, "ally")
        other.run("ROLLBACK")
        collection.tidy()
        assert server.run(INDEXES, "ally")
    shelf.close()


def test_moving_a_whole_folder(collection: Collection) -> None:
    fill(collection, **{f"old{number}": [f"text {number}"] for number in range(30)})
    with collection.writing():
        for number in range(30):
            collection.move(f"/old{number}", state_of(f"/new{number}", f"text {number}"))
        collection.move("/new3", state_of("/new4", "text 3"))
        collection.touch(state_of("/new5", "text 5"))
    assert len(collection.files()) == 29
    assert nearest(collection, "text 3") == ["/new4:0"]
    check(collection)


def test_without_the_driver(url: str) -> None:
    code = (
        "import sys; sys.modules['pg8000'] = None\n"
        "from pathlib import Path\nfrom ally.errors import StorageError\n"
        "from ally.rag.stores.postgres import PostgresShelf, parse\n"
        "try: PostgresShelf(parse(sys.argv[1], {}), {}, Path('/')).names()\n"
        "except StorageError as error: print(error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", code, url], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "pip install 'ally-assistant[postgres]'\n"
