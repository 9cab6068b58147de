"""The layout in which the kernel reads a quantised matrix, and the way there and back.

A matrix W [N, K] has codes of 4 or 8 bits in groups along K: W[n, k] = scale[n, k // group] · code[n, k] + min[n, k // group].
Without mins the zero is in the middle: min = −8 · scale (4 bits) or −128 · scale (8 bits).

Packed, outputs lie in panels of 32, padded with zero scales. A panel is one stream of groups, read from its first
byte to its last. A group holds

1. 32 scales, float16; then 32 mins, float16, where the matrix has mins;
2. its codes: of every four inputs (a quad) the four codes of output 0, then of output 1, … output 31: 128 bytes, what
   an instruction such as `vpdpbusd` or `sdot` multiplies with four activations. With 4 bits two quads share 128 bytes,
   the first in the low halves, the second in the high ones.

So every vector width (16, 8 or 4 outputs) reads the same bytes, and each line of 64 bytes once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import BadRequest

PANEL = 32
"""Outputs of a panel."""
QUAD = 4
"""Inputs that one instruction multiplies and adds."""
GROUPS = (32, 64)
"""Group sizes that the kernel reads: a multiple of two quads, and at most what a tile of its feed-forward step computes."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """What a packed matrix is: `rows` outputs (N), `columns` inputs (K)."""

    rows: int
    columns: int
    bits: int
    group: int
    mins: bool

    def __post_init__(self) -> None:
        """Raises BadRequest for what the kernel cannot read."""
        if self.bits not in {4, 8}:
            raise BadRequest(f"{self.bits} bits a weight: the kernel reads 4 and 8")
        if self.group not in GROUPS:
            raise BadRequest(f"groups of {self.group} weights: the kernel reads {GROUPS[0]} and {GROUPS[1]}")
        if self.rows < 1 or self.columns < 1 or self.columns % self.group:
            raise BadRequest(f"{self.rows} × {self.columns} weights: inputs are to be a multiple of {self.group}")

    @property
    def panels(self) -> int:
        return -(-self.rows // PANEL)

    @property
    def groups(self) -> int:
        return self.columns // self.group

    @property
    def zero(self) -> int:
        """The code that means 0 where there are no mins."""
        return 1 << (self.bits - 1)

    @property
    def head_bytes(self) -> int:
        """Scales and mins of a group of a panel."""
        return PANEL * 2 * (2 if self.mins else 1)

    @property
    def group_bytes(self) -> int:
        return self.head_bytes + PANEL * self.group * self.bits // 8

    @property
    def panel_bytes(self) -> int:
        return self.groups * self.group_bytes

    @property
    def nbytes(self) -> int:
        return self.panels * self.panel_bytes

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def format_of(
    codes: NDArray[np.uint8], scales: NDArray[np.float16], mins: NDArray[np.float16] | None, *, bits: int
) -> Format:
    """The format of a matrix. Raises BadRequest where the shapes do not fit each other or the kernel."""
    (rows, columns), groups = codes.shape, scales.shape[1]
    if scales.shape[0] != rows or columns % groups or (mins is not None and mins.shape != scales.shape):
        raise BadRequest(f"codes {codes.shape} and scales {scales.shape} are not of one matrix")
    return Format(rows=rows, columns=columns, bits=bits, group=columns // groups, mins=mins is not None)


def pack(
    codes: NDArray[np.uint8], scales: NDArray[np.float16], mins: NDArray[np.float16] | None = None, *, bits: int
) -> NDArray[np.uint8]:
    """uint8 [panels, panel_bytes]. codes: uint8 [N, K]; scales, mins: float16 [N, K / group].

    Raises BadRequest for a code that needs more bits, or shapes that the kernel cannot read.
    """
    form = format_of(codes, scales, mins, bits=bits)
    if int(codes.max(initial=0)) >= 1 << bits:
        raise BadRequest(f"a code of {int(codes.max())} does not fit in {bits} bits")
    lanes = _padded(codes, form).reshape(form.panels, PANEL, form.groups, form.group // QUAD, QUAD)
    quads = lanes.transpose(0, 2, 3, 1, 4)  # [panel, group, quad, output, 4]
    if bits == 4:
        quads = quads[:, :, 0::2] | quads[:, :, 1::2] << 4
    body = np.ascontiguousarray(quads).reshape(form.panels, form.groups, -1)
    heads = [_lanes(part, form).view(np.uint8) for part in (scales, mins) if part is not None]
    return np.concatenate([*heads, body], axis=2).reshape(form.panels, form.panel_bytes)


def unpack(
    packed: NDArray[np.uint8], form: Format
) -> tuple[NDArray[np.uint8], NDArray[np.float16], NDArray[np.float16] | None]:
    """Return codes uint8 [N, K], scales float16 [N, K / group], mins or None: what `pack` was given."""
    groups = np.ascontiguousarray(packed).reshape(form.panels, form.groups, form.group_bytes)
    body = groups[:, :, form.head_bytes :]
    if form.bits == 4:
        pairs = body.reshape(form.panels, form.groups, -1, 1, PANEL, QUAD)
        body = np.concatenate([pairs & 15, pairs >> 4], axis=3)
    quads = body.reshape(form.panels, form.groups, form.group // QUAD, PANEL, QUAD)
    codes = quads.transpose(0, 3, 1, 2, 4).reshape(form.panels * PANEL, form.columns)[: form.rows]

    def numbers(part: int) -> NDArray[np.float16]:
        held = np.ascontiguousarray(groups[:, :, 2 * PANEL * part : 2 * PANEL * (part + 1)]).view(np.float16)
        return held.transpose(0, 2, 1).reshape(-1, form.groups)[: form.rows]

    return np.ascontiguousarray(codes), numbers(0), numbers(1) if form.mins else None


def dequantised(packed: NDArray[np.uint8], form: Format) -> NDArray[np.float32]:
    """float32 [N, K]: the weights as the kernel takes them."""
    codes, scales, mins = unpack(packed, form)
    values = codes.reshape(form.rows, form.groups, form.group).astype(np.float32)
    if mins is None:
        values -= form.zero
    values *= scales.astype(np.float32)[:, :, None]
    if mins is not None:
        values += mins.astype(np.float32)[:, :, None]
    return values.reshape(form.rows, form.columns)


def quantise(
    weights: NDArray[np.float32], *, bits: int, group: int, mins: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.float16], NDArray[np.float16] | None]:
    """codes, scales and mins of a matrix [N, K], each weight to the nearest code: the plainest way there is."""
    rows, columns = weights.shape
    parts = np.asarray(weights, dtype=np.float32).reshape(rows, columns // group, group)
    top = (1 << bits) - 1
    if mins:
        low, high = np.minimum(parts.min(axis=2), 0), np.maximum(parts.max(axis=2), 0)
        scale, least = ((high - low) / top).astype(np.float16), low.astype(np.float16)
        codes = (parts - least.astype(np.float32)[:, :, None]) / _nonzero(scale)
    else:
        zero, least = 1 << (bits - 1), None
        # The extreme weight takes code 0, which has no counterpart on the other side.
        extreme = np.take_along_axis(parts, np.abs(parts).argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
        scale = (extreme / -zero).astype(np.float16)
        codes = parts / _nonzero(scale) + zero
    return np.clip(np.rint(codes), 0, top).astype(np.uint8).reshape(rows, columns), scale, least


def _nonzero(scale: NDArray[np.float16]) -> NDArray[np.float32]:
    return np.where(scale == 0, np.float16(1), scale).astype(np.float32)[:, :, None]


def _padded(part: NDArray[Any], form: Format) -> NDArray[Any]:
    short = form.panels * PANEL - form.rows
    return np.pad(part, ((0, short), (0, 0))) if short else part


def _lanes(part: NDArray[np.float16], form: Format) -> NDArray[np.float16]:
    """float16 [panels, groups, PANEL]."""
    lanes = _padded(part.astype(np.float16), form).reshape(form.panels, PANEL, form.groups)
    return np.ascontiguousarray(lanes.transpose(0, 2, 1))
