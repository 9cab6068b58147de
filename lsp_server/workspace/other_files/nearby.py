"""Files of a workspace, those in the nearest folders first."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator

MOST_FOLDERS = 40
MOST_ENTRIES = 2_000
"""Of one folder: what holds more is no source folder."""
_SKIPPED = frozenset(("node_modules", "__pycache__", "site-packages", "venv"))


def nearby(path: str, root: str, endings: frozenset[str]) -> Iterator[str]:
    """Files with one of `endings` around the file at `path` and below `root`: by the number of steps between their
    folders and its own, then by name. Hidden folders, links to folders and those of installed packages are passed by.
    """
    start = os.path.dirname(path)  # noqa: PTH120  paths are texts here: making Path objects is most of the time
    waiting, seen = deque([start]), {start}
    for _ in range(MOST_FOLDERS):
        if not waiting:
            return
        folder = waiting.popleft()
        files, folders = _listed(folder, endings)
        yield from (file for file in files if file != path)
        around = [*folders, *([os.path.dirname(folder)] if folder != root else [])]  # noqa: PTH120
        for one in around:
            if one not in seen:
                seen.add(one)
                waiting.append(one)


def _listed(folder: str, endings: frozenset[str]) -> tuple[list[str], list[str]]:
    """(files, folders) in the folder, by name; nothing of a folder that cannot be read or is too full."""
    files, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count == MOST_ENTRIES:
                    return [], []
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(".") and entry.name not in _SKIPPED:
                        folders.append(entry.path)
                elif os.path.splitext(entry.name)[1].lower() in endings:  # noqa: PTH122
                    files.append(entry.path)
    except OSError:
        return [], []
    return sorted(files), sorted(folders)
