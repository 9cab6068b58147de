"""The losses of a run as a picture. matplotlib is an optional dependency: `pip install 'dlm-fill[train]'`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from model.errors import BadRequest

CURVES = {
    "ahead": ("next token", "#0072b2"),
    "back": ("previous token", "#56b4e9"),
    "score": ("hole, left to right", "#e69f00"),
    "denoise": ("hole, denoising", "#d55e00"),
    "end": ("end of hole", "#009e73"),
}
Points = dict[str, list[tuple[float, float]]]


def read_log(path: Path) -> tuple[Points, Points]:
    """(training, held out): points (minutes, nats per token) of each loss, in order.

    A run that was resumed did some steps twice: the later ones count. Raises BadRequest if there is no log.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise BadRequest(f"no log at {path}: name the --run folder of a run that was started") from error
    rows: dict[tuple[int, bool], dict[str, float]] = {}
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the last line of a run that was killed
        held_out = row.get("held_out")
        losses = row if held_out is None else held_out
        values = {name: losses[name] for name in CURVES if losses.get(name)}
        rows[row["step"], held_out is not None] = {"minutes": row["minutes"], **values}
    return _points(rows, held_out=False), _points(rows, held_out=True)


def _points(rows: dict[tuple[int, bool], dict[str, float]], *, held_out: bool) -> Points:
    chosen = [row for (_, apart), row in sorted(rows.items()) if apart is held_out]
    return {name: [(row["minutes"], row[name]) for row in chosen if name in row] for name in CURVES}


def figure_modules() -> tuple[Any, Any]:
    """The modules `rc_context` and `Figure` of matplotlib. Raises BadRequest if it is not installed."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BadRequest("plots need matplotlib: pip install 'dlm-fill[train]'") from error
    return rc_context, Figure


def draw(run: Path) -> list[Path]:
    """Write `loss.png` and `loss.svg` into the run's folder; their paths.

    Raises BadRequest if there is no log, or no matplotlib.
    """
    rc_context, figure_class = figure_modules()
    train, held_out = read_log(run / "log.jsonl")
    figure = figure_class(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    for name, (label, colour) in CURVES.items():
        if train[name]:
            minutes, nats = zip(*train[name], strict=True)
            axes.plot(minutes, nats, color=colour, linewidth=1, alpha=0.6, label=label)
        if held_out[name]:
            minutes, nats = zip(*held_out[name], strict=True)
            axes.plot(minutes, nats, "--o", color=colour, linewidth=1.5, markersize=3, label=f"{label}, held out")
    axes.set_xlabel("minutes of training")
    axes.set_ylabel("nats per token")
    axes.set_title(run.resolve().name)
    axes.grid(visible=True, alpha=0.3)
    if axes.lines:
        axes.legend(fontsize="small", ncols=2)
    paths = [run / "loss.png", run / "loss.svg"]
    with rc_context({"svg.hashsalt": "dlm-fill"}):  # the same log gives the same file
        for path in paths:
            figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
    return paths
