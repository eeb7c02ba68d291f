"""Text as terminals need it: nothing in it that they would obey, as wide as they are."""
