"""What tool calls changed, so that it can be undone."""
