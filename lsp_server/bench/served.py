"""One hole of a Python file, filled as an editor or the command line would have it: for `dlm-fill eval --system served`."""

from __future__ import annotations

from lsp_server import pipeline
from lsp_server.settings import FillOptions
from lsp_server.source.languages import by_name
from lsp_server.source.parse import parse
from lsp_server.types import Gap, Region, Snapshot
from model.types import Fill, Filler, Hole


def serve(filler: Filler, prefix: str, suffix: str, hole: Hole) -> Fill:
    """The fill of the hole between `prefix` and `suffix`: context cut by syntax, texts tidied, what parses first."""
    source, at = (prefix + suffix).encode(), len(prefix.encode())
    language = by_name("python")
    snapshot = Snapshot(uri="held_out.py", version=None, source=source, language=language, tree=parse(source, language))
    gap = Gap(region=Region(at, at), hole=hole)
    return pipeline.run(snapshot, (gap,), filler, FillOptions(), cancelled=lambda: False).fill
