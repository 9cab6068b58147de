"""URIs of documents: what they name on the disk, and which are one document. Converted here, once each way."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import quote, unquote_to_bytes

_FORM = re.compile(
    r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)  # RFC 3986, appendix B
_DRIVE = re.compile(r"/([A-Za-z])[:|](?=/|\Z)")
_LOCAL = frozenset(("", "localhost"))
_UNESCAPED = "!$&'()*+,;=:@/"  # beside letters, digits and "-._~": what RFC 3986 allows in a path


@dataclass(frozen=True)
class Uri:
    """A URI as an editor writes it. The parts are as they stand there: only paths and `key` are decoded."""

    scheme: str
    authority: str
    raw_path: str
    query: str
    fragment: str

    @classmethod
    def parse(cls, text: str) -> Uri:
        """The parts of `text`; any text has them."""
        found = _FORM.fullmatch(text)
        assert found is not None, "every text has this form"
        scheme, authority, path, query, fragment = (part or "" for part in found.groups())
        return cls(scheme.lower(), authority, path, query, fragment)

    @classmethod
    def of(cls, path: PurePath) -> Uri:
        """The `file:` URI of an absolute path."""
        assert path.is_absolute(), f"{path} is not absolute"
        drive = path.drive if isinstance(path, PureWindowsPath) else ""
        host = drive[2:].partition("\\")[0] if drive.startswith("\\\\") else ""
        rest = path.as_posix()
        rest = rest[len(host) + 2 :] if host else f"/{rest}" if drive else rest
        # The bytes of a name need not be UTF-8 on POSIX; they come back as they were.
        return cls("file", host, quote(rest.encode("utf-8", "surrogateescape"), safe=_UNESCAPED), "", "")

    def __str__(self) -> str:
        scheme = f"{self.scheme}:" if self.scheme else ""
        authority = f"//{self.authority}" if self.authority or self.scheme == "file" else ""
        query, fragment = f"?{self.query}" * bool(self.query), f"#{self.fragment}" * bool(self.fragment)
        return f"{scheme}{authority}{self.raw_path}{query}{fragment}"

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Equal for two ways to write one URI: escaped or not, the letter of a drive in either case."""
        path = _decoded(self.raw_path)
        path = _DRIVE.sub(lambda drive: f"/{drive[1].lower()}:", path, count=1) if self.scheme == "file" else path
        authority = "" if self.scheme == "file" and self.authority.lower() in _LOCAL else self.authority.lower()
        return self.scheme, authority, path, _decoded(self.query), _decoded(self.fragment)

    @property
    def path(self) -> Path | None:
        """The absolute path of a `file:` URI; None for other schemes, and for files of another machine."""
        pure = self.path_on(PureWindowsPath if os.name == "nt" else PurePosixPath)
        return Path(pure) if pure is not None else None

    def path_on(self, system: type[PurePosixPath | PureWindowsPath]) -> PurePath | None:
        """`path` as a system of that kind names it."""
        text = _decoded(self.raw_path)
        if self.scheme != "file" or "\0" in text:
            return None
        remote = self.authority.lower() not in _LOCAL
        if not issubclass(system, PureWindowsPath):
            # More slashes at the start than one mean no more than one, though pathlib keeps two.
            return None if remote or not text.startswith("/") else system("/" + text.lstrip("/"))
        if remote:  # a share: \\host\share\…
            return system(f"//{_decoded(self.authority)}{text}")
        path = system(_DRIVE.sub(r"\1:", text, count=1) if _DRIVE.match(text) else text)
        return path if path.is_absolute() else None

    @property
    def place(self) -> Path | None:
        """The path that a URI of any scheme holds, for it tells the name (`git:/w/.env?…`); None if it holds none."""
        if (path := self.path) is not None:
            return path
        text = _decoded(self.raw_path)
        if os.name == "nt" and _DRIVE.match(text):
            text = text[1:]
        return Path(text) if text and "\0" not in text else None


def path_of(uri: str) -> Path | None:
    """`Uri.path` of the text of one."""
    return Uri.parse(uri).path


def path_in(uri: str) -> Path | None:
    """`Uri.place` of the text of one."""
    return Uri.parse(uri).place


def _decoded(part: str) -> str:
    """What stands in a part of a URI, decoded once. Half a surrogate pair, which JSON can carry, becomes "?"."""
    if "%" not in part:
        return part
    return unquote_to_bytes(part.encode("utf-8", "replace")).decode("utf-8", "surrogateescape")
