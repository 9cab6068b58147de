"""Counts on disk, in the user's state directory: one small SQLite file, numbers by day and name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

KEPT_DAYS = 90
PATIENCE_S = 0.5  # a server that is asked to leave has a second
_MOST_NAMES = 200
_TABLE = "CREATE TABLE IF NOT EXISTS counts (day TEXT, name TEXT, value INTEGER, PRIMARY KEY (day, name))"


def state_file() -> Path:
    """Where the counts lie: `dlm-fill/metrics.sqlite3` in the user's state directory (on Linux ~/.local/state).

    Raises OSError for a user without a home.
    """
    import platformdirs

    try:
        folder = Path(platformdirs.user_state_path("dlm-fill", appauthor=False))
    except RuntimeError:
        folder = Path("~")
    if not folder.is_absolute():  # older platformdirs leave the "~" there
        raise OSError("there is no home directory to count in: set HOME, or XDG_STATE_HOME")
    return folder / "metrics.sqlite3"


def add(counts: Mapping[str, int], *, path: Path, today: date, patience_s: float = PATIENCE_S) -> None:
    """Add `counts` to today's, in one transaction, and forget days that are long past.

    Waits up to `patience_s` for other processes that write. Raises OSError if the file cannot be written.
    """
    import sqlite3

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=patience_s, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute(_TABLE)
            database.execute("DELETE FROM counts WHERE day < ?", (str(today - timedelta(days=KEPT_DAYS)),))
            database.executemany(
                "INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT (day, name) DO UPDATE SET value = value + excluded.value",
                [(str(today), name, value) for name, value in list(counts.items())[:_MOST_NAMES]],
            )
            database.execute("COMMIT")
    except sqlite3.Error as error:
        raise OSError(f"cannot write {path}: {error}") from error


def read(*, path: Path, since: date) -> dict[str, int]:
    """The sum of each count from the day `since` on; empty if nothing was ever counted.

    Raises OSError if the file cannot be read.
    """
    import sqlite3

    if not path.exists():
        return {}
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE_S)) as database:
            found = database.execute("SELECT name, SUM(value) FROM counts WHERE day >= ? GROUP BY name", (str(since),))
            return {str(name): int(value) for name, value in found}
    except sqlite3.Error as error:
        raise OSError(f"cannot read {path} ({error}): delete it to count anew") from error
