"""The lines above the cursor, said again."""

from __future__ import annotations

from lsp_server.postprocess.around import Around, filled, telling


def without_lines_above(text: str, around: Around) -> str:
    """Drops what the text says again of the lines above before it goes on; all of it, if it says no more."""
    lines = text.split("\n")
    if around.prefix.strip():
        return text
    whole = [around.prefix + lines[0], *lines[1:]]
    said = filled(whole)
    for count in range(min(len(said), len(around.above)), 0, -1):
        block = said[:count]
        if around.above[-count:] == block and telling(block) and not around.may_repeat(block):
            last = [i for i, line in enumerate(whole) if line.strip()][count - 1]
            remaining = "\n".join(whole[last + 1 :])
            return remaining.removeprefix(around.prefix) if remaining.strip() else ""
    return text
