"""What was said, kept in one append-only database, so that any session can be gone on with, searched and exported."""
