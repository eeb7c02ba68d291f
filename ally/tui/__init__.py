"""The chat on the whole screen of a terminal, over the same events as every other front end."""
