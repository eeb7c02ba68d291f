"""A chat as every front end has it: what may be said, asked and commanded in it."""
