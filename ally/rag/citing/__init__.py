"""Markers in answers, and whether the files say so."""
