"""The `ally` command."""
