"""Keeping a collection as its files are: what changed is read, what is new gets vectors."""
