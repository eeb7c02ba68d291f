"""Where Ally's files are, what the user set, and where each value came from."""
