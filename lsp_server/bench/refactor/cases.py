"""Real files to refactor, and places in them, drawn with a seed."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsp_server.code.languages.table import by_name
from lsp_server.code.scopes.analysis import walk_of
from lsp_server.code.scopes.walk import Walk
from lsp_server.code.syntax.parse import parse
from lsp_server.types import Snapshot

_LARGEST_BYTES = 60_000
"""A larger file is left out: each case reads its file some ten times."""


@dataclass(frozen=True, kw_only=True)
class CaseSource:
    """A file, its tree and its names."""

    path: Path
    text: str
    snapshot: Snapshot
    walk: Walk


def sources(
    paths: Sequence[Path], language: str, suffixes: tuple[str, ...], rng: random.Random
) -> Iterator[CaseSource]:
    """The files below the paths in a drawn order; those that do not parse, or are too large, are left out."""
    known_paths = [path.absolute() for path in paths]
    found = sorted({f for p in known_paths for f in ([p] if p.is_file() else p.rglob("*")) if f.suffix in suffixes})
    rng.shuffle(found)
    for path in found:
        try:
            source = path.read_bytes()
            text = source.decode("utf-8")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                readable = language != "python" or bool(compile(text, str(path), "exec", dont_inherit=True))
        except (OSError, ValueError, SyntaxError, RecursionError):
            continue
        known = by_name(language)
        tree = parse(source, known)
        snapshot = Snapshot(uri=path.as_uri(), version=None, source=source, language=known, tree=tree)
        if not readable or len(source) > _LARGEST_BYTES or tree is None or tree.root_node.has_error or b"\r" in source:
            continue
        walk = walk_of(snapshot)
        if walk is not None:
            yield CaseSource(path=path, text=text, snapshot=snapshot, walk=walk)
