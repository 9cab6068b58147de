"""Packages as their registries hand them out: wheels, sdists, npm's and Debian's archives; files and licence of each.

Archives are read, never unpacked to disk, and nothing in them is run.
"""

from __future__ import annotations

import email.parser
import io
import json
import lzma
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from model.errors import BadRequest
from model.lab.train.corpus import RESTRICTIVE, VENDORED, is_source, permitted_licence

LANGUAGES = {
    "py": "python", "js": "javascript", "mjs": "javascript", "cjs": "javascript", "jsx": "javascript", "ts": "typescript",
    "mts": "typescript", "tsx": "typescript", "go": "go", "rs": "rust", "c": "c", "h": "c", "cpp": "cpp", "hpp": "cpp", "cc": "cpp",
    "ipp": "cpp", "cxx": "cpp", "hxx": "cpp", "java": "java", "kt": "kotlin", "cs": "csharp", "rb": "ruby", "php": "php",
    "sh": "shell", "bash": "shell", "yaml": "text", "yml": "text", "toml": "text", "md": "text", "html": "text", "css": "text",
    "scss": "text", "rst": "text",
}  # fmt: skip
DEBIAN_PERMISSIVE = re.compile(
    r"^(expat|mit|x11|bsd|apache|isc|zlib|bsl|boost|unlicense|cc0|public-domain|php|ruby|psf|python)", re.IGNORECASE
)
_BUILT = re.compile(
    r"(^|/)(dist|build|umd|cjs|esm|lib-es\w*|bundles?|min|fesm\w*|node_modules|__snapshots__|locales?)/"
    r"|\.min\.|\.d\.[mc]?ts$"
)
_FILE_BYTES = 200_000
_HEADER = 60  # bytes of a member's header in an `ar` archive


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A package: its permissive licence, and `(language, text)` of its source files."""

    name: str
    version: str
    licence: str
    files: tuple[tuple[str, str], ...]


def read_archive(path: Path) -> Archive | None:
    """The package in `path`; None where its licence is not clearly permissive. Raises BadRequest where it is damaged."""
    try:
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as packed:
                return _python(path, ((n, packed.open(n)) for n in packed.namelist() if _wanted(n)))
        if path.suffix == ".deb":
            return _debian(path)
        with tarfile.open(path) as tar:
            members = _members(tar)
            return _npm(path, members) if path.suffix == ".tgz" else _python(path, members)
    except (OSError, tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, EOFError, ValueError) as error:
        raise BadRequest(f"{path.name} is damaged, or no package ({error}): fetch it again, or take it away") from error


def archives(folder: Path) -> list[Path]:
    """The packages in `folder`, by name."""
    return sorted(
        p for p in folder.iterdir() if p.name.endswith((".whl", ".tar.gz", ".tgz", ".deb", ".tar.xz", ".tar.bz2"))
    )


_METADATA = re.compile(r"(^|/)(METADATA|PKG-INFO|package\.json|copyright)$")


def _wanted(name: str) -> bool:
    return bool(_METADATA.search(name)) or PurePosixPath(name).suffix.lstrip(".").lower() in LANGUAGES


def _members(tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for member in tar:
        if member.isfile() and member.size <= _FILE_BYTES and _wanted(member.name):
            file = tar.extractfile(member)
            if file is not None:
                yield member.name, file


def _split(members: Iterator[tuple[str, IO[bytes]]]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The texts of files that say what the package is, by name, and the sources with their languages.

    A header is of C, and of C++ in a package that has sources of C++ and none of C.
    """
    about: dict[str, str] = {}
    files: list[tuple[str, str]] = []  # with the endings of their names
    for name, file in members:
        data = file.read(_FILE_BYTES + 1)
        if _METADATA.search(name):
            about[name] = data.decode("utf-8", errors="replace")
        elif len(data) <= _FILE_BYTES and not _BUILT.search(name):
            files += [(PurePosixPath(name).suffix.lstrip(".").lower(), text) for text in _source(name, data)]
    endings = {ending for ending, _ in files}
    of_cpp = "c" not in endings and "cpp" in {LANGUAGES[ending] for ending in endings}
    spoken = LANGUAGES | {"h": "cpp" if of_cpp else "c"}
    return about, [(spoken[ending], text) for ending, text in files]


def _source(name: str, data: bytes) -> Iterator[str]:
    if any(
        VENDORED.match(part) for part in PurePosixPath(name).parts[1:-1] if part not in {"packages", "dist-packages"}
    ):
        return
    try:
        text = "\n".join(data.decode("utf-8").splitlines()) + "\n"
    except UnicodeDecodeError:
        return
    if is_source(text):
        yield text


def _python(path: Path, members: Iterator[tuple[str, IO[bytes]]]) -> Archive | None:
    about, files = _split(members)
    said = [about[n] for n in sorted(about, key=len) if n.endswith(("METADATA", "PKG-INFO"))]
    meta = email.parser.HeaderParser().parsestr(said[0] if said else "")
    licence = permitted_licence(
        expression=meta.get("License-Expression", ""),
        classifiers=meta.get_all("Classifier") or [],
        text=meta.get("License", ""),
    )
    return _archive(path, meta.get("Name", path.name), meta.get("Version", ""), licence, files)


def _npm(path: Path, members: Iterator[tuple[str, IO[bytes]]]) -> Archive | None:
    about, files = _split(members)
    own = min((n for n in about if n.endswith("package.json")), key=len, default="")
    said = json.loads(about[own]) if own else {}
    stated = said.get("license")
    licence = permitted_licence(expression=stated if isinstance(stated, str) else "", classifiers=[], text="")
    return _archive(path, str(said.get("name", path.name)), str(said.get("version", "")), licence, files)


def _archive(path: Path, name: str, version: str, licence: str | None, files: list[tuple[str, str]]) -> Archive | None:
    if licence is None or not files:
        return None
    return Archive(name=name or path.name, version=version, licence=licence, files=tuple(files))


def _debian(path: Path) -> Archive | None:
    with tarfile.open(fileobj=io.BytesIO(_data_of(path))) as tar:
        about, files = _split(_members(tar))
    name, version = [*path.name.split("_"), ""][:2]
    said = [text for name, text in about.items() if name.endswith("copyright")]
    licence = debian_licence(said[0]) if said else None
    return _archive(path, f"debian:{name}", version, licence, files)


def _data_of(path: Path) -> bytes:
    """The `data.tar.*` of a Debian package, which is an `ar` archive. Raises ValueError where there is none."""
    with path.open("rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise ValueError("no ar archive")
        while header := file.read(_HEADER):
            name, size = header[:16].decode("latin-1").strip(), int(header[48:58])
            if name.startswith("data.tar"):
                return file.read(size)
            file.seek(size + size % 2, 1)
    raise ValueError("no data.tar in it")


def debian_licence(text: str) -> str | None:
    """The licences that a machine-readable `copyright` states; None unless each of them permits (packaging apart)."""
    found: list[str] = []
    for stanza in re.split(r"\n\s*\n", text):
        files, licence = (re.search(rf"^{key}:[ \t]*(.+)", stanza, re.MULTILINE) for key in ("Files", "License"))
        if files and licence and not files.group(1).strip().startswith("debian/"):
            found.append(licence.group(1).strip())
    return "; ".join(sorted(set(found))) if found and all(map(_permits, found)) else None


def _permits(stated: str) -> bool:
    """Whether one of the alternatives permits; of what applies together, all of it must."""

    def alternative(text: str) -> bool:
        return all(
            DEBIAN_PERMISSIVE.match(part.strip()) and not RESTRICTIVE.search(part)
            for part in re.split(r"(?:,\s*|\s+)and\s+", text, flags=re.IGNORECASE)
        )

    return any(map(alternative, re.split(r"(?:,\s*|\s+)or\s+", stated, flags=re.IGNORECASE)))
