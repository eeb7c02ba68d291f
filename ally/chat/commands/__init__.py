"""Slash commands, one file for each group. They return text, so that any front end can use them."""
