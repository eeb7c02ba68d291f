"""Stands for the package of the same name, which has no `MyLLM`: the guide's first example imports it from there."""
