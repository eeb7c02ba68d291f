"""The store in a PostgreSQL server with pgvector: one database, which several machines may share."""

from ally.rag.stores.postgres.address import SCHEMES, Address, parse
from ally.rag.stores.postgres.shelf import PostgresShelf

__all__ = ["Address", "PostgresShelf", "SCHEMES", "parse"]
