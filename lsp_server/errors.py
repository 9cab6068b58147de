"""Errors at the edges of the server side. Each message names what is wrong and the remedy, in one line.

Only handlers and the command line turn them into LSP codes and exit codes.
"""

from __future__ import annotations


class InputError(Exception):
    """What the user named cannot be filled: no such file, line beyond the end, overlapping ranges, …"""


class StaleDocument(Exception):
    """The document changed since the request was made; the answer is dropped, nothing is edited."""
