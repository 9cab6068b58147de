"""What one case of a refactoring whose holes a model fills consists of."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from lsp_server.bench.filled.cases import File, Function
from lsp_server.transforms.applying import Refactored
from lsp_server.transforms.refactoring import Refactoring
from lsp_server.types import Region, Snapshot

Judge: TypeAlias = Callable[[Refactored | None], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class FilledCase:
    """What to refactor, and who judges: figures by name, each between 0 and what `of` counts.

    `right`: what stood there, for whoever reads the cases.
    """

    refactoring: Refactoring
    snapshot: Snapshot
    region: Region
    judge: Judge
    candidates: int = 1
    baselines: Mapping[str, float] = field(default_factory=dict)
    right: Sequence[str] = ()


Make: TypeAlias = Callable[[File, Function, random.Random], FilledCase | None]


def source_of(done: Refactored | None) -> str | None:
    return done.results[0].source.decode() if done is not None else None
