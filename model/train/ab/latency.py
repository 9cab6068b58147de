"""What a fill costs in each layout: forward-pass FLOPs, and milliseconds in one thread, of prefill and of one denoise step."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch.utils.flop_counter import FlopCounterMode

from model.networks.layers import NetworkConfig
from model.networks.two_streams import Layout, Network, Streams
from model.tokenizer import MASK_ID, RESERVED_TOKENS
from model.train.ab.one_canvas import CanvasNetwork

Pass: TypeAlias = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one layout with one kind of cache."""

    name: str
    prefill_gflop: float
    prefill_ms: float
    step_gflop: float
    step_ms: float

    def fill_ms(self, passes: int) -> float:
        """Of a whole fill."""
        return self.prefill_ms + passes * self.step_ms


@torch.inference_mode()
def costs(
    config: NetworkConfig, *, before: int = 700, after: int = 300, hole: int = 32, repeats: int = 7
) -> list[Cost]:
    """The three ways, measured in turns so that a busy machine is busy for all; medians, float32."""
    ids = torch.randint(RESERVED_TOKENS, config.vocab_size, (1, before + hole + after))
    ways = {
        "two streams, exact cache": _two_streams(Network(config).eval(), ids, before, hole),
        "one canvas, everything again": _one_canvas(CanvasNetwork(config).eval(), ids, before, hole, dual=False),
        "one canvas, dual cache (inexact)": _one_canvas(CanvasNetwork(config).eval(), ids, before, hole, dual=True),
    }
    times: dict[tuple[str, int], list[float]] = {(name, n): [] for name in ways for n in range(2)}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            for n, part in enumerate(way):
                started = time.process_time()
                part()
                if turn:  # the first one warms up
                    times[name, n].append(1000 * (time.process_time() - started))
    return [
        Cost(
            name=name,
            prefill_gflop=_gflop(prefill),
            prefill_ms=statistics.median(times[name, 0]),
            step_gflop=_gflop(step),
            step_ms=statistics.median(times[name, 1]),
        )
        for name, (prefill, step) in ways.items()
    ]


def _gflop(part: Pass) -> float:
    with FlopCounterMode(display=False) as counter:
        part()
    return float(counter.get_total_flops()) / 1e9


def _two_streams(network: Network, ids: torch.Tensor, before: int, hole: int) -> tuple[Pass, Pass]:
    """As the engine does it: the left part once left to right, the right part once right to left."""
    left, right = ids[:, :before], ids[:, before + hole :]
    canvas = torch.full((1, hole + 1), MASK_ID)
    back = torch.full((1, hole + 1), right.shape[1])
    layout = Layout(
        position=before - 1 + torch.arange(hole + 1)[None],
        back_position=back,
        sees_ahead=torch.ones(1, hole + 1, before, dtype=torch.bool),
        sees_back=torch.ones(1, hole + 1, right.shape[1], dtype=torch.bool),
        sees_canvas=torch.ones(1, hole + 1, hole + 1, dtype=torch.bool),
    )

    def prefill() -> tuple[Streams, torch.Tensor]:
        streams = network.streams(left, right)
        keys = [network.pointer_keys(streams.ahead.states, left, ahead=True),
                network.pointer_keys(streams.back.states, right, ahead=False)]  # fmt: skip
        return streams, torch.cat(keys, dim=1)

    streams, keys = prefill()
    sees = torch.ones(1, hole + 1, keys.shape[1], dtype=torch.bool)

    def step() -> torch.Tensor:
        states = network.canvas(canvas, streams, layout)
        network.pointer(states, keys, sees)
        return network.logits(states[:, :hole])

    return prefill, step


def _one_canvas(network: CanvasNetwork, ids: torch.Tensor, before: int, hole: int, *, dual: bool) -> tuple[Pass, Pass]:
    ids = ids.clone()
    ids[:, before : before + hole] = MASK_ID
    inside = ids[:, before : before + hole]
    stale = network.whole(ids)
    if dual:
        return lambda: network.whole(ids), lambda: network.logits(network.part(inside, before, stale))
    return lambda: None, lambda: network.logits(network.whole(ids).states[:, before : before + hole])


def table(rows: Sequence[Cost], *, passes: int) -> str:
    """Markdown."""
    lines = [
        f"| | prefill GFLOP | prefill ms | step GFLOP | step ms | fill of {passes} passes, ms |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.name} | {r.prefill_gflop:.2f} | {r.prefill_ms:.0f} | {r.step_gflop:.2f} | {r.step_ms:.1f} "
        f"| {r.fill_ms(passes):.0f} |"
        for r in rows
    ]
    return "\n".join(lines) + "\n"
