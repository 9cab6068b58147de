"""Copies of what stands elsewhere, as first drafts of a hole: found, put into the names of their new place, judged."""
