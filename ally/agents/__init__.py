"""The four agents, each a prompt with its defaults."""
