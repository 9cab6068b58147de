"""What a client may set at `initialize`: {model, device, maxTimeMs, candidates}."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

_KNOWN = {
    "model": "model",
    "device": "device",
    "maxTimeMs": "max_time_ms",
    "candidates": "candidates",
}
_MOST_CANDIDATES = 16


@dataclass(frozen=True, kw_only=True)
class ClientOptions:
    """`max_time_ms` bounds every fill, in milliseconds; None: each kind of request has its own bound."""

    model: str = "builtin"
    device: str = "auto"
    max_time_ms: int | None = None
    candidates: int = 1

    def max_time_s(self, *, default: float) -> float:
        """The bound in seconds, `default` where the client set none."""
        return default if self.max_time_ms is None else self.max_time_ms / 1000


def read(raw: object, *, defaults: ClientOptions) -> tuple[ClientOptions, list[str]]:
    """The options, and one line per key that is unknown or of the wrong kind (its default then holds)."""
    if raw is None:
        return defaults, []
    if not isinstance(raw, Mapping):
        return defaults, [f"initializationOptions must be an object, not {type(raw).__name__}: ignored"]
    complaints: list[str] = []
    options = defaults
    for key, value in raw.items():
        if key not in _KNOWN:
            known = ", ".join(_KNOWN)
            complaints.append(f"initializationOptions: unknown key {key!r} has no effect; known are {known}")
        elif value is None:
            continue
        elif (wish := _wish(str(key), value)) is not None:
            default = getattr(defaults, _KNOWN[key])
            complaints.append(f"initializationOptions: {key} must be {wish}; {default!r} is used instead")
        else:
            options = replace(options, **{_KNOWN[key]: value})
    return options, complaints


def _wish(key: str, value: object) -> str | None:
    """What `key` should have been; None if `value` will do."""
    if key in ("model", "device"):
        return None if isinstance(value, str) and value else "a non-empty string"
    most = _MOST_CANDIDATES if key == "candidates" else None
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if good and (most is None or int(str(value)) <= most):
        return None
    return "a whole number of at least 1" + (f" and at most {most}" if most else "")
