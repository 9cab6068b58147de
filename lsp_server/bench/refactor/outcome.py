"""One case: made and judged, or refused with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lsp_server.bench.refactor.cases import CaseSource
from lsp_server.errors import InputError, NothingFilled
from lsp_server.transforms.applying import change_of, refactored
from lsp_server.transforms.refactoring import Refactoring, Refused
from lsp_server.types import Region
from model.types import FillOptions


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`refused`: the reason, if nothing was changed; `fault`: what is wrong with the result. Both "": it passed."""

    file: str
    line: int
    refused: str = ""
    fault: str = ""
    after: str = ""


def attempt(
    refactoring: Refactoring,
    source: CaseSource,
    region: Region,
    answers: Mapping[str, str],
    *,
    judge: Callable[[str], str],
) -> Outcome:
    """The refactoring of the region, with all that the model would be asked for in `answers`."""
    line = source.snapshot.source.count(b"\n", 0, region.start) + 1
    try:
        change = change_of(refactoring, source.snapshot, region, answers=answers)
        assert not change.gaps, "the case leaves a hole to the model"
        done = refactored(source.snapshot, change, None, FillOptions(), cancelled=lambda: False)
    except Refused as reason:
        return Outcome(file=str(source.path), line=line, refused=str(reason))
    except NothingFilled as broken:
        return Outcome(file=str(source.path), line=line, fault=str(broken))
    except InputError as error:
        return Outcome(file=str(source.path), line=line, fault=f"{type(error).__name__}: {error}")
    after = done.results[0].source.decode("utf-8")
    return Outcome(file=str(source.path), line=line, fault=judge(after), after=after)
