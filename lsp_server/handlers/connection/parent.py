"""The editor's process: a server whose editor has died must not stay, though some other process holds its input open."""

from __future__ import annotations

import asyncio
import os

_LOOK_EVERY_S = 1.0


async def outlived(process_id: int | None) -> None:
    """Return once the process has ended; never for one that cannot be watched.

    Not watched: what is unknown from the start (an editor in another container has another process's number).
    """
    if process_id is None or os.name != "posix" or not _lives(process_id):
        await asyncio.get_running_loop().create_future()
    assert process_id is not None
    while _lives(process_id):  # noqa: ASYNC110  no event tells of another process's end
        await asyncio.sleep(_LOOK_EVERY_S)


def _lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return process_id > 0
