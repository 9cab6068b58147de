"""How the graph beside a model's weights is named."""

from __future__ import annotations

from pathlib import Path

FORMAT = 2
"""Raised when names or meanings of the graph's inputs, outputs or weights change: older graphs are not taken then."""
GRAPH = f"runtime-{FORMAT}.onnx"


def graph_in(directory: Path) -> Path | None:
    """The graph that a model directory brings for the CPU; None if it was made without one, or by an older version."""
    graph = directory / GRAPH
    return graph if graph.is_file() else None
