"""The lines below the cursor, said before they come."""

from __future__ import annotations

from lsp_server.postprocess.around import Around, says_a_word, telling

_MANY = 4


def without_lines_below(text: str, around: Around) -> str:
    """Ends the text where it begins to say the lines below: to its end, or four lines of them.

    Lines below without a word (a rule in a comment, a closer) may be passed over before.
    """
    if around.rest.strip():
        return text
    lines = text.split("\n")
    wordless = next((i for i, line in enumerate(around.below) if says_a_word(line)), 0)
    places = [i for i, line in enumerate(lines) if line.strip()]
    said = [lines[i].rstrip() for i in places]
    for start in range(len(said)):
        first = around.prefix if start == 0 else ""
        if first.strip():
            continue
        for skipped in range(wordless + 1):
            below = around.below[skipped:]
            same = _same(said[start:], below, first)
            block = below[:same]
            if (
                (start + same == len(said) or same >= _MANY)
                and same
                and telling(block)
                and not (around.may_repeat_in_a_row(block) if not skipped else around.may_repeat(block))
            ):
                return "\n".join(lines[: places[start]]) if start else ""
    return text


def _same(said: list[str], below: list[str], first: str) -> int:
    """How many lines are equal from the start on, the first one being said behind `first`."""
    count = 0
    for mine, theirs in zip(said, below, strict=False):
        if (first if count == 0 else "") + mine != theirs:
            break
        count += 1
    return count
