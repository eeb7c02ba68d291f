"""Conversations on disk: append-only, safe against kill -9, shared by processes."""
