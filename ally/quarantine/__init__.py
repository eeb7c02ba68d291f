"""Looking at plug-ins of any kind without letting them do harm: in child processes, and never twice for nothing."""
