"""Whether a text would break what parses now."""

from __future__ import annotations

from lsp_server.postprocess.around import Around


def breaks_syntax(text: str, around: Around, *, verdict: bool | None = None) -> bool:
    """Whether the line of the gap parses now, and the file would not any more with `text` in it.

    Where a line is broken already, as most are while they are typed, a text that leaves it so does no harm.
    `verdict` is what `Around.parses` says of the text, if that is known.
    """
    if around.broken:
        return False
    return (around.parses(text) if verdict is None else verdict) is False
