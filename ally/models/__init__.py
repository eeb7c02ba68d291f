"""Model files on this machine: the catalogue, what is installed, and how to fetch and remove one."""
