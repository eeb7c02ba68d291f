"""What was said and done, as lines that scroll."""
