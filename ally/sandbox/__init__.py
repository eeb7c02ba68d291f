"""Where commands run: as confined as this machine can."""
