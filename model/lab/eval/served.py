"""As users are served: a file with the hole cut out goes through all that surrounds the engine, syntax included.

What surrounds it is no part of `model/`: the command line passes it in, as a `Serve`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Protocol

from model.types import Cancelled, Fill, Filler, FillerInfo, FillOptions, FillRequest, Hole, OnEvent

DEFAULTS: Final = FillOptions()
SERVED: Final[Mapping[str, tuple[bool, bool]]] = MappingProxyType(
    {"served": (True, True), "served-ranked": (True, False), "served-unchecked": (False, False)}
)
"""The systems by name: whether the engine is told what parses (it ranks by that), and what it is to mend."""


class Serve(Protocol):
    """How a file is filled at one place, context and filters and syntax included."""

    def __call__(self, filler: Filler, prefix: str, suffix: str, hole: Hole, *, language: str = "python") -> Fill:
        """The fill of the hole between `prefix` and `suffix`, which are the whole file. Can be pickled."""
        ...


class Told:
    """A `Filler` like `filler`, which hears of syntax only what the system `name` of `SERVED` lets it hear."""

    def __init__(self, filler: Filler, name: str, *, options: FillOptions = DEFAULTS) -> None:
        self._filler, (self._ranks, self._mends) = filler, SERVED[name]
        self._options = options

    @property
    def info(self) -> FillerInfo:
        return self._filler.info

    def count_tokens(self, text: str) -> int:
        return self._filler.count_tokens(text)

    def fill(
        self, request: FillRequest, *, cancelled: Cancelled = lambda: False, on_event: OnEvent | None = None
    ) -> Fill:
        """See `Filler.fill`."""
        heard = replace(
            request,
            parses=request.parses if self._ranks else None,
            accepts=request.accepts if self._mends else None,
            sampler=self._options.sampler,
            budget=self._options.budget,
        )
        return self._filler.fill(heard, cancelled=cancelled, on_event=on_event)
