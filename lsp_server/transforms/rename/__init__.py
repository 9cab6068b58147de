"""Rename what a name means, wherever it stands in the file."""
