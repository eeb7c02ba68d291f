"""One turn: model and tools until done, as a stream of events."""
