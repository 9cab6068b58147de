"""The results as Markdown and curves."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.errors import BadRequest
from model.train.ab.arm import ARMS
from model.train.plot import figure_modules

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999", "#8c564b", "#117733")
RESAMPLES = 2000


def results(folder: Path) -> list[dict[str, Any]]:
    """What the arms that are done wrote, in the order of `ARMS`. Raises BadRequest if there are none."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*/result.json"))]
    if not found:
        raise BadRequest(f"no results in {folder}: run some arms first, with `dlm-fill train ab run --out {folder}`")
    order = list(ARMS)
    return sorted(found, key=lambda row: (order.index(row["arm"]), row["seed"]))


def sources_of(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The sets of cases that arms were judged on."""
    return sorted({name for row in rows for name, value in row.items() if isinstance(value, dict)}, reverse=True)


def table(rows: Sequence[dict[str, Any]], source: str) -> str:
    """Markdown: one row an arm, judged on one set of cases."""
    judged = [row for row in rows if source in row]
    lines = [
        (
            "| arm | layout | seed | steps | noised: nats/token | bits/char | fully masked: nats/token | bits/char "
            "| lines, spans: bits/char noised | exact % | passes |"
        ),
        "|" + "---|" * 11,
    ]
    for row in judged:
        every, line, span = (row[source][kind] for kind in ("all", "line", "span"))
        cells = [
            f"**{row['arm']}**", ARMS[row["arm"]].says, row["seed"], row["steps"],
            f"{every['noised_nats']:.3f}", f"**{every['noised_bits']:.3f}**",
            f"{every['blank_nats']:.3f}", f"{every['blank_bits']:.3f}",
            f"{line['noised_bits']:.2f}, {span['noised_bits']:.2f}", every["exact"], every["passes"],
        ]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def difference(
    one: dict[str, Any], other: dict[str, Any], *, source: str, measure: str = "noised"
) -> tuple[float, float, float]:
    """Bits per case that `one` needs more than `other`, relative to `other` in percent: mean and 95 % bootstrap interval.

    Resamples the holes: it says how sure the difference is for these two networks, not for other seeds.
    """
    pairs = list(zip(one[source]["each"][measure], other[source]["each"][measure], strict=True))
    rng = random.Random(0)

    def relative(chosen: Sequence[tuple[float, float]]) -> float:
        return 100 * (sum(a for a, _ in chosen) / sum(b for _, b in chosen) - 1)

    drawn = sorted(relative(rng.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES))
    return relative(pairs), drawn[int(0.025 * RESAMPLES)], drawn[int(0.975 * RESAMPLES)]


def differences(rows: Sequence[dict[str, Any]], source: str, reference: str) -> str:
    """Markdown: every arm against the reference."""
    judged = [row for row in rows if source in row]
    base = next((row for row in judged if row["arm"] == reference and row["seed"] == 0), None)
    if base is None:
        raise BadRequest(f"{reference} has no result: run it, or name another --reference")
    lines = [f"| against {reference} | noised, bits % | fully masked, bits % |", "|---|---|---|"]
    for row in judged:
        if row is not base:
            cells = [
                "{:+.1f} ({:+.1f} … {:+.1f})".format(*difference(row, base, source=source, measure=m))
                for m in ("noised", "blank")
            ]
            lines.append(f"| {row['arm']}, seed {row['seed']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def curves(folder: Path) -> dict[str, list[tuple[float, float, float]]]:
    """(CPU seconds, noised, fully masked bits per character) on the way, by arm and seed."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for path in sorted(folder.glob("*/log.jsonl")):
        points = {}
        for line in path.read_text().splitlines():
            row = json.loads(line)
            points[row["cpu_s"]] = (row["cpu_s"], row["noised_bits"], row["blank_bits"])
        found[path.parent.name] = sorted(points.values())
    return found


def draw(folder: Path, target: Path) -> None:
    """Write the curves as an SVG. Raises BadRequest if there is no matplotlib, or nothing to draw."""
    rc_context, figure_class = figure_modules()
    lines = curves(folder)
    if not lines:
        raise BadRequest(f"no curves in {folder}: run some arms first, with `dlm-fill train ab run --out {folder}`")
    figure = figure_class(figsize=(10, 4.5), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True)
    for n, (name, points) in enumerate(sorted(lines.items())):
        seconds, *measured = zip(*points, strict=True)
        for panel, bits in zip(axes, measured, strict=True):
            panel.plot(seconds, bits, "-o", markersize=3, linewidth=1.2, color=COLOURS[n % len(COLOURS)],
                       label=name.removesuffix("-seed0"))  # fmt: skip
    for panel, title in zip(axes, ("part of the hole masked", "the whole hole masked"), strict=True):
        panel.set_title(title)
        panel.set_xlabel("CPU seconds of training, one thread")
        panel.grid(visible=True, alpha=0.3)
    axes[0].set_ylabel("bits per character of held-out hole content")
    axes[0].legend(fontsize="small", ncols=2)
    with rc_context({"svg.hashsalt": "dlm-fill", "svg.fonttype": "none"}):
        figure.savefig(target, metadata={"Date": None})
