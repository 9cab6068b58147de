"""The one JSON object that `--json` prints: the contract that other programs rely on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsp_server.cli.targets.files import TextFile
from lsp_server.cli.targets.ranges import counted_from_1
from lsp_server.code.text.edits import edit_of
from lsp_server.code.text.positions import LineIndex
from lsp_server.types import Filled, Snapshot
from model.types import FillerInfo


@dataclass(frozen=True, kw_only=True)
class Done:
    """One file and what came of its request."""

    file: TextFile
    snapshot: Snapshot
    filled: Filled


def as_json(done: Sequence[Done], info: FillerInfo, *, load_ms: float, total_ms: float) -> str:
    """All requests of a call as one line of JSON."""
    fills = [one.filled.fill for one in done]
    report = {
        "model": info.name,
        "device": info.device,
        "fills": [entry for one in done for entry in _entries(one)],
        "forward_passes": sum(fill.forward_passes for fill in fills),
        "tokens": sum(fill.tokens for fill in fills),
        "ms": {
            "load": round(load_ms, 1),
            "cut": round(sum(one.filled.cut_ms for one in done), 1),
            "prefill": round(sum(fill.prefill_ms for fill in fills), 1),
            "denoise": round(sum(fill.denoise_ms for fill in fills), 1),
            "total": round(total_ms, 1),
        },
    }
    return json.dumps(report, ensure_ascii=False) + "\n"


def _entries(done: Done) -> list[dict[str, Any]]:
    """One entry per gap: replacing `range` by `text` is the whole edit. `text` is null where nothing was found."""
    index = LineIndex(done.snapshot.source)
    entries = []
    for hole, gap in enumerate(done.filled.gaps):
        candidates = [
            {
                "text": edit_of(done.snapshot, gap, candidate.texts[hole]).new_text,
                "confidence": round(candidate.confidences[hole], 4),
                "parses": candidate.parses,
            }
            for candidate in done.filled.fill.candidates
        ]
        best = candidates[0] if candidates else {"text": None, "confidence": 0.0, "parses": None}
        entries.append(
            {
                "file": done.file.name,
                "range": counted_from_1(index, gap.region),
                "text": best["text"],
                "old_text": done.snapshot.as_written(gap.region),
                "confidence": best["confidence"],
                "parses": best["parses"],
                "candidates": candidates,
            }
        )
    return entries
