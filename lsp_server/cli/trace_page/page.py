"""From finished requests with their histories to one self-contained HTML page.

The page holds its data as JSON, its style and its player; a content security policy lets it run that one script
and load nothing.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsp_server.cli.targets.files import shown
from lsp_server.cli.targets.ranges import counted_from_1
from lsp_server.code.text.positions import LineIndex
from model.text import PlainText

if TYPE_CHECKING:
    from lsp_server.cli.output.report import Done
    from model.types import FillerInfo, Trace, TraceCandidate, TraceToken

LINES_AROUND = 25
"""Of the file, on each side of a gap."""
_HERE = Path(__file__).parent


def page_of(done: Sequence[Done], info: FillerInfo) -> str:
    """The page; requests without a history are left out."""
    fills = [_fill(one, one.filled.fill.trace) for one in done if one.filled.fill.trace is not None]
    data = {"model": info.name, "device": info.device, "fills": fills}
    style, script = ((_HERE / name).read_text("utf-8") for name in ("player.css", "player.js"))
    parts = {
        "title": html.escape(", ".join(fill["file"] for fill in fills)),
        "policy": f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'",
        "style": style,
        "script": script,
        "data": _embedded(data),
    }
    page = (_HERE / "player.html").read_text("utf-8")
    head, *rest = page.split("{{")
    # Each mark is replaced once, by position: what a fill says can never be taken for a mark.
    return head + "".join(parts[mark] + after for mark, _, after in (piece.partition("}}") for piece in rest))


def _digest(text: str) -> str:
    """As a content security policy names an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _embedded(data: object) -> str:
    """JSON that can stand inside a script element: no "<", so nothing in it ends the element."""
    text = json.dumps(data, separators=(",", ":"))  # ASCII alone, so U+2028 and the like come escaped
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _fill(done: Done, trace: Trace) -> dict[str, Any]:
    filled, fill = done.filled, done.filled.fill
    index = LineIndex(done.snapshot.source)
    pieces, first_line = _pieces(done)
    best = fill.candidates[0] if fill.candidates else None
    return {
        "file": shown(done.file.name),
        "language": done.snapshot.language.name,
        "ranges": [counted_from_1(index, gap.region) for gap in filled.gaps],
        "pieces": pieces,
        "firstLine": first_line,
        "result": [PlainText(text) for text in best.texts] if best else None,
        "confidence": round(best.confidence, 4) if best else None,
        "reason": filled.reason,
        "stopped": fill.stopped,
        "forwardPasses": fill.forward_passes,
        "tokens": fill.tokens,
        "ms": {"cut": _ms(filled.cut_ms), "prefill": _ms(fill.prefill_ms), "denoise": _ms(fill.denoise_ms)},
        **_passes(trace),
        "drafts": [_candidate(c) for c in trace.drafts],
        "ranking": [_candidate(c) for c in trace.ranking],
    }


def _passes(trace: Trace) -> dict[str, Any]:
    """The passes, and the `cells` that they name by number: most stay as they are from step to step."""
    numbers: dict[TraceToken, int] = {}
    passes = [
        {
            "kind": one.kind,
            "ms": _ms(one.ms),
            "rows": [
                {
                    "label": row.label,
                    "holes": [[numbers.setdefault(cell, len(numbers)) for cell in hole] for hole in row.holes],
                }
                for row in one.rows
            ],
        }
        for one in trace.passes
    ]
    return {"passes": passes, "cells": [_cell(cell) for cell in numbers]}


def _pieces(done: Done) -> tuple[list[str], int]:
    """The text around the gaps as the file has it, outer pieces shortened; and the number of its first line."""
    gaps = done.filled.gaps
    pieces: list[str] = [*done.snapshot.around([gap.region for gap in gaps])]
    for hole, gap in enumerate(gaps):
        pieces[hole] += gap.before
        pieces[hole + 1] = gap.after + pieces[hole + 1]
    lines = pieces[0].split("\n")
    kept = lines[-LINES_AROUND - 1 :]
    pieces[0] = "\n".join(kept)
    pieces[-1] = "\n".join(pieces[-1].removesuffix("\n").split("\n")[: LINES_AROUND + 1])
    return pieces, len(lines) - len(kept) + 1


def _cell(cell: TraceToken) -> list[Any]:
    """[text, confidence, state, guesses, id]: there are many, so they have no names."""
    guesses = [[text, round(p, 3)] for text, p in cell.guesses]
    return [cell.text, round(cell.confidence, 3), cell.state, guesses, cell.id]


def _candidate(candidate: TraceCandidate) -> dict[str, Any]:
    return {
        "texts": list(candidate.texts),
        "origin": candidate.origin,
        "confidence": round(candidate.confidence, 4),
        "score": round(candidate.score, 3),
        "parts": [[name, round(value, 3)] for name, value in candidate.parts],
        "matched": [round(candidate.left_chars), round(candidate.right_chars)],
        "parses": candidate.parses,
    }


def _ms(value: float) -> float:
    return round(value, 2)
