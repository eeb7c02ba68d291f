"""Sets of names, written as one would read them out."""


def names(text: str) -> frozenset[str]:
    """The words of `text`."""
    return frozenset(text.split())
