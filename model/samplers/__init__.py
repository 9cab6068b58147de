"""Samplers by name. A new one is a frozen dataclass with `decide`, and a line in `KINDS`; the loop stays as it is."""

from __future__ import annotations

from dataclasses import fields
from types import MappingProxyType
from typing import Final

from model.errors import BadRequest
from model.samplers.base import Sampler
from model.samplers.entropy_bound import EntropyBound
from model.samplers.low_confidence import LowConfidence
from model.samplers.threshold import Threshold

__all__ = ["KINDS", "Sampler", "sampler"]

KINDS: Final = MappingProxyType(
    {"threshold": Threshold, "entropy_bound": EntropyBound, "low_confidence": LowConfidence}
)


def sampler(name: str, *, steps: int | None = None, **options: float) -> Sampler:
    """The sampler of that name; "auto" is `threshold`, or `low_confidence` where `steps` are given.

    Raises BadRequest for an unknown name, and for an option that this sampler does not read.
    """
    if steps is not None:
        options["steps"] = steps
        if steps < 1:
            raise BadRequest(f"{steps} steps cannot fill anything: ask for 1 or more")
    if name == "auto":
        name = "low_confidence" if steps is not None else "threshold"
    if name not in KINDS:
        raise BadRequest(f"unknown sampler {name!r}: choose auto, {', '.join(KINDS)}")
    kind = KINDS[name]
    known = [f.name for f in fields(kind)]
    if unread := [option for option in options if option not in known]:
        raise BadRequest(
            f"sampler {name} does not read {', '.join(unread)}; it reads {', '.join(known)}"
            + ("; --sampler low_confidence reads steps" if "steps" in unread else "")
        )
    made: Sampler = kind(**options)
    return made
