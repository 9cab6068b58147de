"""Samplers by name. A new one is a frozen dataclass with `decide`, and a line in `KINDS`; the loop stays as it is."""

from __future__ import annotations

import ast
from contextlib import suppress
from dataclasses import Field, fields
from types import MappingProxyType
from typing import Any, Final

from model.errors import BadRequest
from model.infill.decoding.samplers.base import Sampler
from model.infill.decoding.samplers.blocks import Blocks
from model.infill.decoding.samplers.drawn import Drawn
from model.infill.decoding.samplers.entropy_bound import EntropyBound
from model.infill.decoding.samplers.low_confidence import LowConfidence
from model.infill.decoding.samplers.reopening import Reopening
from model.infill.decoding.samplers.single import LeftToRight, OneAtATime, TopKMargin
from model.infill.decoding.samplers.threshold import Threshold

__all__ = ["KINDS", "Sampler", "sampler"]

KINDS: Final = MappingProxyType(
    {
        "threshold": Threshold,
        "entropy_bound": EntropyBound,
        "low_confidence": LowConfidence,
        "margin": TopKMargin,
        "one_at_a_time": OneAtATime,
        "left_to_right": LeftToRight,
        "blocks": Blocks,
        "reopening": Reopening,
        "drawn": Drawn,
    }
)
_BOUNDS: Final = MappingProxyType(
    {
        "tau": (0, 1), "reach": (0, 1), "bound": (0, None), "steps": (1, None), "count": (1, None), "size": (1, None),
        "margin": (1, None), "limit": (1, 8), "folds": (2, 64), "temperature": (0, None), "top_p": (0, 1),
    }
)  # fmt: skip
_MOST_CHARACTERS = 200


def sampler(spec: str, *, steps: int | None = None) -> Sampler:
    """The sampler that `spec` describes: a name, options in brackets, for some another sampler first.

    "auto" is `threshold`, or `low_confidence` where `steps` are given. `entropy_bound(0.2)`,
    `blocks(low_confidence(steps=4), size=8)`, `reopening(threshold(tau=0.8))`. `steps` is the option
    of that name, given apart.

    Raises BadRequest for a spec that names no sampler, an option that this sampler does not read, or a bad value.
    """
    if steps is not None and steps < 1:
        raise BadRequest(f"{steps} steps cannot fill anything: ask for 1 or more")
    if spec == "auto":
        spec = "low_confidence" if steps is not None else "threshold"
    try:
        if len(spec) > _MOST_CHARACTERS:
            raise ValueError(spec)
        parsed = ast.parse(spec.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadRequest(f"unknown sampler {spec[:_MOST_CHARACTERS]!r}: {_choices()}") from None
    return _made(parsed, spec, steps)


def _made(node: ast.expr, spec: str, steps: int | None) -> Sampler:
    call = node if isinstance(node, ast.Call) else None
    name = ast.unparse(call.func if call else node)
    if name not in KINDS:
        raise BadRequest(f"unknown sampler {name!r}: {_choices()}")
    kind = KINDS[name]
    known = {field.name: field for field in fields(kind)}
    options: dict[str, Any] = {}
    given: list[tuple[str | None, ast.expr]] = []
    if call:
        given = [(n, v) for n, v in zip([*known, *[None] * len(call.args)], call.args, strict=False)]
        given += [(keyword.arg, keyword.value) for keyword in call.keywords]
    for option, value in given:
        if option not in known:
            raise BadRequest(f"sampler {name} does not read {option or ast.unparse(value)}; {_reads(name)}")
        if option in options:
            raise BadRequest(f"sampler {name}: {option} is given twice in {spec!r}")
        options[option] = _made(value, spec, None) if option == "inner" else _value(name, known[option], value)
    if steps is not None:
        if "steps" not in known:
            remedy = "; --sampler low_confidence reads steps"
            raise BadRequest(f"sampler {name} does not read steps; {_reads(name)}{remedy}")
        options["steps"] = steps
    made: Sampler = kind(**options)
    return made


def _value(name: str, option: Field[Any], node: ast.expr) -> float | bool:
    """The number or truth value that `node` spells, of the option's kind and within its bounds."""
    kind: Any = type(option.default)
    value: Any = None
    with suppress(ValueError, TypeError, SyntaxError):
        value = ast.literal_eval(node)
    fits = isinstance(value, bool) if kind is bool else isinstance(value, kind | int) and not isinstance(value, bool)
    low, high = _BOUNDS.get(option.name, (None, None))
    if not fits or (low is not None and value < low) or (high is not None and value > high):
        wanted = {bool: "True or False", int: "a whole number"}.get(kind, "a number")
        bounds = f" from {low}" * (low is not None) + f" to {high}" * (high is not None)
        raise BadRequest(f"sampler {name}: {option.name}={ast.unparse(node)} is not {wanted}{bounds}")
    converted: float | bool = kind(value)
    return converted


def _signature(name: str) -> str:
    """The sampler as one would write it, with its defaults."""
    shown = ["SAMPLER" if f.name == "inner" else f"{f.name}={f.default}" for f in fields(KINDS[name])]
    return f"{name}({', '.join(shown)})" if shown else name


def _choices() -> str:
    return "choose auto, " + ", ".join(map(_signature, KINDS))


def _reads(name: str) -> str:
    names = [f.name for f in fields(KINDS[name])]
    return f"it reads {', '.join(names)}" if names else "it reads no options"
