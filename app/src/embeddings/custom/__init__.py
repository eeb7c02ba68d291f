"""Your own embedders: each `NAME.py` here is found at the next start. See README.md in this folder."""
