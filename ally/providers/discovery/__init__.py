"""What providers there are: finding them, asking plug-ins in child processes, remembering the answers."""
