"""One line of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`text` says what there is. `remedy`: what to do about it, where something is wrong or lacking."""

    topic: str
    text: str
    remedy: str = ""
