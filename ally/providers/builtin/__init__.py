"""The providers that ship with Ally."""
