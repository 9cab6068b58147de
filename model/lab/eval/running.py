"""Whether a program runs to its end, in a process with limits. The limits stop accidents; they are no sandbox."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ProcessLimits:
    """What one program may use. `wall_s` is longer than `cpu_s`: a busy machine must not fail a fill."""

    cpu_s: int = 5
    wall_s: float = 20.0
    memory_bytes: int = 1 << 30
    file_bytes: int = 1 << 20
    open_files: int = 32


LIMITS = ProcessLimits()


def passes(program: str, *, limits: ProcessLimits = LIMITS) -> bool:
    """Whether the Python text `program` ran to its end: no exception, no early exit, within the limits.

    Its working directory is empty and gone afterwards, its input is empty, its output goes nowhere, and of the
    environment it sees nothing of the user's. What it started is ended with it. POSIX only.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        work, path = Path(folder, "work"), Path(folder, "program.py")
        work.mkdir()
        path.write_text(program, "utf-8", errors="replace")
        word = secrets.token_hex(16)
        reading, writing = os.pipe()
        try:
            try:
                _run(path, work, writing, word, limits)
            finally:
                os.close(writing)
            os.set_blocking(reading, False)
            with suppress(BlockingIOError):
                return os.read(reading, 1024) == word.encode()
            return False
        finally:
            os.close(reading)


def _run(path: Path, work: Path, writing: int, word: str, limits: ProcessLimits) -> None:
    numbers = (limits.cpu_s, limits.memory_bytes, limits.file_bytes, limits.open_files)
    launcher = Path(__file__).with_name("limited.py")
    # -s and -P: neither the user's site-packages nor the working directory; PYTHONHASHSEED: the same each time.
    command = [sys.executable, "-s", "-P", "-B", str(launcher), str(path), str(writing), word, *map(str, numbers)]
    process = subprocess.Popen(
        command,
        cwd=work,
        env={"PYTHONHASHSEED": "0", "HOME": str(work), "TMPDIR": str(work), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(writing,),
        start_new_session=True,
    )
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=limits.wall_s)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
