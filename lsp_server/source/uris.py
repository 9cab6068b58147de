"""Paths that uris name."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname


def path_of(uri: str) -> Path | None:
    """The path that a `file:` uri names; None for other schemes and malformed uris."""
    return path_in(uri) if uri[:5].lower() == "file:" else None


def path_in(uri: str) -> Path | None:
    """The path that a uri of any scheme holds, for it tells the name (`git:/w/.env?…`); None if it holds none."""
    try:
        path = unquote(urlsplit(uri).path)
    except ValueError:
        return None
    return Path(url2pathname(path)) if path and "\0" not in path else None
