"""Runs one Python file under limits: `python limited.py FILE REPORT_FD WORD CPU_S MEMORY FILE_SIZE OPEN_FILES`.

A process of its own, never imported: limits are set here and not between fork and exec, where threads of the
parent could hold locks. WORD is written to REPORT_FD only after FILE ran to its end, so that a program that
leaves early with status 0 does not pass.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def _limit(kind: int, value: int) -> None:
    """Soft and hard limit `value`, or the hard limit that holds already if that is lower."""
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def main() -> None:
    path, descriptor, word = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    cpu_s, memory_bytes, file_bytes, open_files = map(int, sys.argv[4:8])
    sys.argv = [path]
    code = compile(Path(path).read_text("utf-8"), path, "exec", dont_inherit=True)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, cpu_s)
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    _limit(resource.RLIMIT_NOFILE, open_files)
    exec(code, {"__name__": "__main__"})  # noqa: S102 - to run this code is what the user asked for
    os.write(descriptor, word.encode())


if __name__ == "__main__":
    main()
