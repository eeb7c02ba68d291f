"""The chat in a browser of this machine, and for nobody else."""
