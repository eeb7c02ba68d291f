"""Text that any library, file or terminal can hold."""


def encodable(text: str) -> str:
    """`text` with halves of surrogate pairs joined where they meet and replaced where they stand alone."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
