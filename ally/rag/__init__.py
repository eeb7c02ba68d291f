"""Knowledge: collections of the user's files, what in them answers a question, and citations that were checked."""

__all__: list[str] = []
