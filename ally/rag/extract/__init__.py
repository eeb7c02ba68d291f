"""From a file to its text."""
