"""Extract variables and functions, and put variables back in: Python."""
