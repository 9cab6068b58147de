"""A large source that is there wherever Python is."""

from __future__ import annotations

import sysconfig
from pathlib import Path


def stdlib_source(lines: int) -> bytes:
    """Real Python of at least so many lines: the standard library's own modules, joined."""
    parts: list[bytes] = []
    count = 0
    modules = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    while count < lines:
        for path in modules:
            part = path.read_bytes().replace(b"\r\n", b"\n")
            if count >= lines:
                break
            parts.append(part)
            count += part.count(b"\n") + 1
    return b"\n".join(parts)
