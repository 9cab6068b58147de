"""`python -m model.train.graph DIR`: the graph of a model directory, written anew. Weights stay as they are."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from model.runtime.files import GRAPH
from model.train.graph.network import graph


def write(directory: Path) -> Path:
    """The graph, made of the sizes in `config.json`; those of older formats are gone.

    Raises OSError, ValueError or KeyError where there is no model in `directory`.
    """
    sizes = json.loads((directory / "config.json").read_text("utf-8"))["network"]
    made = graph(sizes)
    for old in directory.glob("runtime-*.onnx"):
        old.unlink()
    (directory / GRAPH).write_bytes(made)
    return directory / GRAPH


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(write(Path(name)))
