"""Files as they lie on the disk: read with care, replaced in one step."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lsp_server.errors import InputError

STDIN = "-"
_BOM = b"\xef\xbb\xbf"


def shown(name: str) -> str:
    """What messages call the file `name`."""
    return "standard input" if name == STDIN else name


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """A file as read: `name` as the user wrote it, `path` without symbolic links (None: standard input).

    `source` is valid UTF-8; a byte order mark is kept apart in `bom`.
    """

    name: str
    path: Path | None
    source: bytes
    bom: bytes


def read(name: str) -> TextFile:
    """The file called `name`, or standard input for "-". Raises InputError, naming the remedy."""
    if name == STDIN:
        return _text_file(name, None, sys.stdin.buffer.read())
    try:
        path = Path(name).resolve(strict=True)
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{name}: is a directory; name a file in it")
        if not stat.S_ISREG(mode):
            raise InputError(f"{name}: is no regular file; use -:A-B to read standard input")
        return _text_file(name, path, path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{name}: no such file; check the name and the folder") from None
    except PermissionError:
        raise InputError(f"{name}: cannot be read; check its permissions") from None
    except (OSError, RuntimeError, ValueError) as error:  # name too long, link in a circle, NUL in the name
        raise InputError(f"{name}: cannot be read ({_cause(error)}); check the name") from None


def check_writable(file: TextFile) -> None:
    """Raises InputError before any work is spent on a file that could not be replaced."""
    assert file.path is not None
    if not os.access(file.path, os.W_OK) or not os.access(file.path.parent, os.W_OK):
        raise InputError(f"{file.name}: cannot be written; check the permissions of the file and its folder")


def replace_source(file: TextFile, source: bytes) -> None:
    """Put `source` in the file's place in one step, keeping mode, owner and byte order mark.

    Raises InputError when the file changed since it was read, or cannot be written; it is untouched then.
    """
    path = file.path
    assert path is not None
    draft: Path | None = None
    try:
        if path.read_bytes() != file.bom + file.source:
            raise InputError(f"{file.name}: changed while it was being filled; nothing was written, run again")
        status = path.stat()
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as out:
            draft = Path(out.name)
            out.write(file.bom + source)
            out.flush()
            with suppress(OSError):  # another's file may be ours to write, but not to give
                os.chown(draft, status.st_uid, status.st_gid)
            draft.chmod(stat.S_IMODE(status.st_mode))
            os.fsync(out.fileno())
        draft.replace(path)
        draft = None
        _sync_folder(path.parent)
    except OSError as error:
        raise InputError(f"{file.name}: cannot be written ({_cause(error)}); it is as it was") from None
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)


def check_creatable(name: str, *, apart_from: Sequence[TextFile]) -> Path:
    """Where the file `name` (new, or to be replaced) will lie, without symbolic links.

    Raises InputError before any work is spent on what could not be written, or would destroy an input.
    """
    try:
        path = Path(name).resolve()
        if path.is_dir():
            raise InputError(f"{name}: is a directory; name a file in it")
        if path.exists() and not path.is_file():
            raise InputError(f"{name}: is no regular file; name one that may be replaced")
        if not path.parent.is_dir():
            raise InputError(f"{name}: no such folder: {path.parent}; make it first, or name another")
        if any(path == file.path for file in apart_from):
            raise InputError(f"{name}: is to be filled, and would be overwritten; name another file")
        with tempfile.TemporaryFile(dir=path.parent):  # only trying tells: root may, a read-only disk may not
            return path
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{name}: cannot be written ({_cause(error)}); name another file") from None


def create(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step; what stood there is replaced. Raises InputError if that cannot be."""
    draft = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as out:
            draft = Path(out.name)
            out.write(content)
            draft.chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask())
        draft.replace(path)
        draft = None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({_cause(error)})") from None
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)


def _umask() -> int:
    """What a new file's mode lacks here; it can be read by setting it only."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _text_file(name: str, path: Path | None, content: bytes) -> TextFile:
    bom = _BOM if content.startswith(_BOM) else b""
    source = content[len(bom) :]
    if b"\0" in source:
        raise InputError(f"{shown(name)}: is a binary file (or UTF-16); only UTF-8 text can be filled")
    try:
        source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{shown(name)}: is not UTF-8 (line {line}); convert it first, for example with iconv -t utf-8"
        ) from None
    return TextFile(name=name, path=path, source=source, bom=bom)


def _sync_folder(folder: Path) -> None:
    """The new name outlives a power cut; where folders cannot be synced, the file is whole all the same."""
    if os.name != "posix":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _cause(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
