"""What `dlm-fill doctor` says of the pace of a model here, and of what is bounded by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from model.backends.builtin.pace import MOST_CONTEXT, Bounds, Pace, keep_pace, measured
from model.errors import ModelError
from model.machine.finding import Finding

TOPIC = "model speed"


def pace_of(
    model: str, *, measure: Callable[[Path], tuple[str, Pace]] = measured, path: Path | None = None
) -> Iterator[Finding]:
    """The pace of a model that reads contexts, which is kept; nothing for models of another kind."""
    from model.backends.locate import directory_of

    try:
        folder = directory_of(model)
        if not _reads_contexts(folder):
            return
        key, pace = measure(folder)
    except ModelError as error:
        yield Finding(topic=TOPIC, text=f"{model} cannot be measured", remedy=str(error))
        return
    keep_pace(key, pace, path=path)
    bounds = Bounds.of(pace)
    yield Finding(
        topic=TOPIC,
        text=f"{model}: {MOST_CONTEXT:,} tokens are read in {MOST_CONTEXT * pace.token_s:.1f} s, a pass takes"
        f" {1000 * pace.row_s:.0f} ms, of six rows {1000 * pace.rows_s:.0f} ms",
    )
    if bounds != Bounds():
        yield Finding(topic=TOPIC, text=_bounded(bounds), remedy=REMEDY)


REMEDY = "measure again when the machine is idle; a compiled kernel, or a model on another machine, is faster"


def _bounded(bounds: Bounds) -> str:
    """What is less than on a faster machine."""
    most, less = Bounds(), list[str]()
    if bounds.context_tokens < most.context_tokens:
        less.append(f"it reads {bounds.context_tokens:,} tokens around a gap instead of {most.context_tokens:,}")
    if bounds.beam < most.beam:
        less.append(f"it compares {bounds.beam} texts instead of {most.beam}")
    if not bounds.keeps_up:
        less.append("who just types gets copies alone; ask for a fill")
    return f"so that editors do not lag here, {', '.join(less)}"


def _reads_contexts(folder: Path) -> bool:
    from model.backends.builtin.load import is_model_folder

    return is_model_folder(folder)
