"""Who may do what: rules, the shell grammar, and the answers that are remembered."""
