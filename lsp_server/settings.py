"""How a fill is to be made: what the command line's options and the editor's settings become."""

from __future__ import annotations

from dataclasses import dataclass

from model.types import Mending


@dataclass(frozen=True, kw_only=True)
class FillOptions:
    """One request's wishes. `sampler` "auto" and `length_tokens` None leave the choice to the model.

    `steps` is for samplers with a fixed number of denoise steps; `max_time_s` bounds the denoising in seconds:
    the best so far comes back.
    `length_tokens` holds for every hole of the request. `trace` asks for the fill's history. `mend`: what to do
    where no candidate parses; to do all that can be done may take as long again, and longer. `patience_s`,
    `may_stay_empty`: see `FillRequest`.
    `share_other_files`: other files may be sent to a server that fills.
    """

    candidates: int = 1
    seed: int = 0
    sampler: str = "auto"
    steps: int | None = None
    length_tokens: int | None = None
    max_time_s: float | None = None
    trace: bool = False
    mend: Mending = "all"
    patience_s: float | None = None
    may_stay_empty: bool = False
    share_other_files: bool = False
