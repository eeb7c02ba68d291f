"""The tables of a collection.

Counts are kept by triggers, so that a listing counts nothing. Vectors belong to texts, not to passages: the same text
in two files is embedded once, and a passage that moves keeps its vector. A text that no passage has any more stays
until the collection is tidied, because a file that was renamed and edited is first removed and then put.
"""

from ally.rag.stores.text import TOKENIZER
from ally.storage.sqlite import Schema

SCHEMA = Schema(
    mark=0x416C6B62,  # "Alkb"
    migrations=(
        (
            """CREATE TABLE state (              -- one row
                roots TEXT NOT NULL DEFAULT '[]', -- JSON
                is_indexed INTEGER NOT NULL DEFAULT 1,
                updated_at REAL NOT NULL DEFAULT 0,
                is_untidy INTEGER NOT NULL DEFAULT 0,
                removed INTEGER NOT NULL DEFAULT 0,     -- passages since the database was last written anew
                fingerprint TEXT NOT NULL DEFAULT '',
                generation INTEGER NOT NULL DEFAULT 0,  -- which file of vectors
                dim INTEGER NOT NULL DEFAULT 0,
                rows INTEGER NOT NULL DEFAULT 0,        -- how many rows of it were ever named
                stamp TEXT NOT NULL DEFAULT '',         -- size and time of it when its rows were last known to be good
                near_stamp TEXT NOT NULL DEFAULT '',    -- the same of the index of large collections
                near_rows INTEGER NOT NULL DEFAULT 0,
                next_passage INTEGER NOT NULL DEFAULT 1,
                passages INTEGER NOT NULL DEFAULT 0,
                embedded INTEGER NOT NULL DEFAULT 0
            )""",
            "INSERT INTO state DEFAULT VALUES",
            """CREATE TABLE document (
                id INTEGER PRIMARY KEY,
                path BLOB NOT NULL UNIQUE,              -- as the file system has it
                size INTEGER NOT NULL,
                mtime_ns INTEGER NOT NULL,
                sha256 TEXT NOT NULL,
                problem TEXT NOT NULL
            )""",
            """CREATE TABLE block (                  -- the text of documents in pieces, compressed
                id INTEGER PRIMARY KEY,                 -- document * 2^20 + number; 0 has all but the text
                data BLOB NOT NULL
            )""",
            """CREATE TABLE text (                   -- the distinct texts of passages
                id INTEGER PRIMARY KEY,
                digest BLOB NOT NULL UNIQUE,
                row INTEGER,                            -- of the file of vectors
                checksum INTEGER
            )""",
            "CREATE INDEX text_row ON text (row) WHERE row IS NOT NULL",
            "CREATE INDEX text_waiting ON text (id) WHERE row IS NULL",
            """CREATE TABLE passage (
                id INTEGER PRIMARY KEY,                 -- never given again
                document INTEGER NOT NULL,
                position INTEGER NOT NULL,
                start INTEGER NOT NULL,
                end INTEGER NOT NULL,
                line_start INTEGER NOT NULL,
                line_end INTEGER NOT NULL,
                label TEXT NOT NULL,
                headings BLOB NOT NULL,                 -- msgpack
                own TEXT,                               -- its text where that is not the document's from start to end
                text INTEGER NOT NULL
            )""",
            "CREATE INDEX passage_document ON passage (document, position)",
            "CREATE INDEX passage_text ON passage (text)",
            """CREATE TRIGGER passage_added AFTER INSERT ON passage BEGIN
                UPDATE state SET passages = passages + 1,
                    embedded = embedded + (SELECT row IS NOT NULL FROM text WHERE id = new.text);
            END""",
            """CREATE TRIGGER passage_gone AFTER DELETE ON passage BEGIN
                UPDATE state SET passages = passages - 1,
                    embedded = embedded - (SELECT row IS NOT NULL FROM text WHERE id = old.text);
            END""",
            """CREATE TRIGGER text_embedded AFTER UPDATE OF row ON text
                WHEN (old.row IS NULL) <> (new.row IS NULL) BEGIN
                UPDATE state SET embedded = embedded + ((new.row IS NOT NULL) - (old.row IS NOT NULL))
                    * (SELECT count(*) FROM passage WHERE text = new.id);
            END""",
            f"""CREATE VIRTUAL TABLE words USING fts5 (
                text, headings, pairs, content='',
                tokenize="{TOKENIZER}"
            )""",
        ),
    ),
)
