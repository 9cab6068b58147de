"""Drafts in the names of their new place.

Code repeats itself with other names: where the lines around a draft's source and those around the hole differ
in some words only, these words are renamed in the draft in the same way, parts of words included
(`command_name` beside `option_name` makes `command` an `option`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
ALIKE = 0.6
"""Lines that share less of their tokens say nothing about each other."""
FEW_TOKENS = 3
LONGEST_LINE_CHARS = 400


def renamed(text: str, neighbours: Iterable[tuple[str, str]]) -> str | None:
    """`text` in the words of its new place, or None if that changes nothing.

    `neighbours`: pairs of lines (or parts of lines) that stand at the same place around the source of `text` and
    around the hole, the most telling first.
    """
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for source, place in neighbours:
        for old, new in _differences(source, place):
            seen[old][new] += 1
    if not seen:
        return None
    words = {old: found.most_common(1)[0][0] for old, found in seen.items()}
    parts = _part_names(seen)
    result = _WORD.sub(lambda match: _renamed_word(match.group(), words, parts), text)
    return result if result != text else None


def _differences(source: str, place: str) -> list[tuple[str, str]]:
    """Words of `source` that stand for others in `place`; none if the lines are not alike."""
    if max(len(source), len(place)) > LONGEST_LINE_CHARS:
        return []
    ours, theirs = _TOKEN.findall(source), _TOKEN.findall(place)
    if not ours or not theirs:
        return []
    if len(ours) == len(theirs):
        pairs = list(zip(ours, theirs, strict=True))
        same = sum(a == b for a, b in pairs)
        if all(a == b or _both_words(a, b) for a, b in pairs) and (2 * same >= len(pairs) or len(pairs) <= FEW_TOKENS):
            return [(a, b) for a, b in pairs if a != b]
    if 2 * sum(map(set(theirs).__contains__, ours)) / (len(ours) + len(theirs)) < ALIKE:
        return []  # as the matcher would say, which takes long to make
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    if matcher.quick_ratio() < ALIKE or matcher.ratio() < ALIKE:
        return []
    return [
        (a, b)
        for kind, i, j, k, m in matcher.get_opcodes()
        if kind == "replace" and j - i == m - k
        for a, b in zip(ours[i:j], theirs[k:m], strict=True)
        if _both_words(a, b)
    ]


def _both_words(a: str, b: str) -> bool:
    return bool(_WORD.match(a) and _WORD.match(b))


def _part_names(seen: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Parts of words, lower case, that differ alone between two words of as many parts."""
    names: dict[str, str] = {}
    for old, news in seen.items():
        for new in news:
            ours, theirs = _PART.findall(old), _PART.findall(new)
            if len(ours) != len(theirs) or len(ours) < 2:
                continue
            differing = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
            if len(differing) == 1:
                names.setdefault(differing[0][0].lower(), differing[0][1].lower())
    return names


def _renamed_word(word: str, words: Mapping[str, str], parts: Mapping[str, str]) -> str:
    if word in words:
        return words[word]
    if not parts:
        return word
    return _PART.sub(lambda match: _cased(match.group(), parts.get(match.group().lower())), word)


def _cased(old: str, new: str | None) -> str:
    """`new` in capitals where `old` has them; `old` if there is no new one."""
    if new is None:
        return old
    if len(old) > 1 and old.isupper():
        return new.upper()
    return new.capitalize() if old[0].isupper() else new


def neighbours(
    lines: Sequence[str], first: int, count: int, before: Sequence[str], after: Sequence[str], reach: int
) -> list[tuple[str, str]]:
    """Pairs (line near the source, line near the hole) at the same distance, the nearest first.

    The source is `lines[first : first + count]`; `before` and `after` are the lines around the hole, without its own.
    """
    pairs = []
    for k in range(1, reach + 1):
        above, below = first - k, first + count - 1 + k
        if above >= 0 and k <= len(before):
            pairs.append((lines[above], before[-k]))
        if below < len(lines) and k <= len(after):
            pairs.append((lines[below], after[k - 1]))
    return pairs
