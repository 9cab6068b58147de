"""Where other files lie that a file may be like: those that it imports, then those in the nearest folders."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lsp_server.code.languages.table import Language
from lsp_server.code.syntax.imports import Imports
from lsp_server.code.text.lines import rows
from lsp_server.types import Snapshot
from lsp_server.workspace.other_files.nearby import nearby

MOST_LISTED = 100
"""Some of them may be excluded."""
FRESH_S = 5.0
"""List a folder again after this many seconds. Files that it names are read anew every time; new ones are found a little later."""
_KEPT = 32
_SCRIPTS = frozenset((".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"))


@dataclass(frozen=True)
class _Question:
    """own, root: paths. imports: see `lsp_server.code.syntax.imports.Imports`."""

    own: str
    root: str
    imports: tuple[tuple[str, ...], ...]
    endings: frozenset[str]


class Listings:
    """Paths of other files by document. `now`: a clock, in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._imports = now, Imports()
        self._known: OrderedDict[_Question, tuple[float, tuple[str, ...]]] = OrderedDict()

    def around(self, snapshot: Snapshot, own: Path, root: Path) -> tuple[str, ...]:
        """Up to `MOST_LISTED` paths below `root`, likeliest first: what the file at `own` imports, then what is near."""
        imports = self._imports.of(rows(snapshot.source), snapshot.language)
        question = _Question(str(own), str(root), imports, _endings(snapshot.language, own))
        since, paths = self._known.get(question, (float("-inf"), ()))
        if self._now() - since >= FRESH_S:
            paths = tuple(islice(dict.fromkeys(_listed(question)), MOST_LISTED))
            self._known[question] = self._now(), paths
        self._known.move_to_end(question)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return paths


def _listed(question: _Question) -> Iterator[str]:
    for candidates in question.imports:
        yield from _existing(candidates, question.own, question.root)
    yield from nearby(question.own, question.root, question.endings)


def _existing(candidates: Sequence[str], own: str, root: str) -> Iterator[str]:
    """The first of the candidates that is a file below `root`."""
    below = root.rstrip(os.sep) + os.sep
    for candidate in candidates:
        for folder in _searched(candidate, own, root):
            path = os.path.normpath(f"{folder}{os.sep}{candidate}")
            if path.startswith(below) and os.path.isfile(path):  # noqa: PTH113  a Path costs more than the look
                yield path
                return


def _searched(candidate: str, own: str, root: str) -> Iterator[str]:
    """The folders that `candidate` may be relative to: the file's own, or any of those above it, and `src`."""
    folder = os.path.dirname(own)  # noqa: PTH120
    yield folder
    if not candidate.startswith("."):
        while folder != root:
            folder = os.path.dirname(folder)  # noqa: PTH120
            yield folder
        yield f"{root}{os.sep}src"


def _endings(language: Language, own: Path) -> frozenset[str]:
    """Of files in the same language, or one that is mixed with it."""
    endings = frozenset(language.extensions)
    return _SCRIPTS if endings & _SCRIPTS else endings or frozenset((own.suffix.lower(),))
