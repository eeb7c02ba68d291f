"""From a document to passages."""
