"""One arm: trained for its share of compute, judged on the way. Compute is this process's CPU time, in one thread."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.networks.layers import NetworkConfig
from model.networks.two_streams import Network
from model.tokenizer import Tokenizer
from model.train.ab import cases, judge
from model.train.ab.arm import Arm, ArmSpec
from model.train.ab.one_canvas import CanvasNetwork, OneCanvas
from model.train.ab.two_streams import TwoStreams
from model.train.holes import TokenKinds
from model.train.optimiser import Optimiser, schedule
from model.train.tokens import Tokens
from model.train.windows import Shape

POINTS = 6
QUICK_CASES = 96
DECODED_CASES = 256
"""On the way fewer cases and one noise level are looked at; the end is judged by all."""


@dataclass(frozen=True, kw_only=True)
class RaceOptions:
    """What all arms share. `cpu_s`: process CPU seconds of training (batches included, judgement not)."""

    folder: Path
    corpora: Mapping[str, Path]
    cpu_s: float
    width: int = 128
    layers: int = 4
    heads: int = 2
    feed_forward: int = 344
    batch: int = 4
    window: int = 256
    canvas: int = 128
    seed: int = 0

    def network_config(self, vocab_size: int) -> NetworkConfig:
        """The sizes as a network takes them."""
        return NetworkConfig(
            vocab_size=vocab_size,
            width=self.width,
            layers=self.layers,
            heads=self.heads,
            kv_heads=self.heads,
            feed_forward=self.feed_forward,
        )


def arm_of(spec: ArmSpec, options: RaceOptions, vocab_size: int) -> Arm:
    """A fresh arm; the seed decides its weights."""
    torch.manual_seed(options.seed)
    batch = options.batch * (1 if spec.layout == "streams" else 2)  # a step costs about the same then
    shape = Shape(batch=batch, window=options.window, canvas=options.canvas)
    config = options.network_config(vocab_size)
    if spec.layout == "streams":
        return TwoStreams(Network(config), shape, copy=spec.copy)
    return OneCanvas(CanvasNetwork(config), shape, shifted=spec.shifted, copy=spec.copy)


class Race:
    """One arm's run in its folder: `log.jsonl`, `checkpoint.pt`, `result.json`. Build it anew to go on."""

    def __init__(self, spec: ArmSpec, options: RaceOptions) -> None:
        self.spec, self.options = spec, options
        self.folder = options.folder / f"{spec.name}-seed{options.seed}"
        self.folder.mkdir(parents=True, exist_ok=True)
        corpus = options.corpora[spec.corpus]
        self.tokenizer = Tokenizer(corpus / "tokenizer.json")
        self.tokens, self.kinds = Tokens.load(corpus, "train"), TokenKinds(self.tokenizer)
        self.cases = {
            p.stem.removeprefix("cases-"): cases.load(p) for p in sorted(options.folder.glob("cases-*.jsonl"))
        }
        self.arm = arm_of(spec, options, self.tokenizer.vocab_size)
        self.optimiser = Optimiser(self.arm.network)
        self.step, self.cpu_s, self.points = 0, 0.0, 0
        self.result: dict[str, Any] = {"arm": spec.name, "seed": options.seed}
        if (self.folder / "checkpoint.pt").exists():
            self._restore()
        if (self.folder / "result.json").exists():
            self.result = json.loads((self.folder / "result.json").read_text())

    def _restore(self) -> None:
        saved = torch.load(self.folder / "checkpoint.pt", weights_only=True)
        self.arm.network.load_state_dict(saved["network"])
        self.optimiser.restore(saved["optimiser"])
        self.step, self.cpu_s, self.points = saved["step"], saved["cpu_s"], saved["points"]

    def _save(self) -> None:
        part = self.folder / "checkpoint.part"
        state: dict[str, Any] = {"step": self.step, "cpu_s": self.cpu_s, "points": self.points}
        torch.save({**state, "network": self.arm.network.state_dict(), "optimiser": self.optimiser.state()}, part)
        part.replace(self.folder / "checkpoint.pt")

    def _log(self, row: Mapping[str, object]) -> None:
        row = {"arm": self.spec.name, "step": self.step, "cpu_s": round(self.cpu_s, 1), **row}
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")

    def run(self, on_step: Callable[[int, float], None] = lambda *_: None) -> dict[str, Any]:
        """Train to the end of the budget and judge; the result, which is also written."""
        while self.cpu_s < self.options.cpu_s:
            alone = self.cpu_s < self.spec.stream_share * self.options.cpu_s
            until = self.spec.stream_share * self.options.cpu_s if alone else self.options.cpu_s
            self._phase(until, streams_alone=alone, on_step=on_step)
        self.result |= {"steps": self.step, "cpu_s": round(self.cpu_s, 1)}
        for source in self.cases:
            if source not in self.result:
                self.result[source] = self._judged(self.cases[source])
                self._write()
        return self.result

    def _write(self) -> None:
        part = self.folder / "result.part"
        part.write_text(json.dumps(self.result) + "\n")
        part.replace(self.folder / "result.json")

    def _phase(self, until_s: float, *, streams_alone: bool, on_step: Callable[[int, float], None]) -> None:
        windows = self.arm.windows(self.tokens, self.kinds, streams_alone=streams_alone, seed=self.options.seed)
        mean = 0.0
        while self.cpu_s < until_s:
            started = time.process_time()
            with torch.autocast("cpu", torch.bfloat16):
                loss = self.arm.loss(windows[self.step])
            loss.backward()
            self.optimiser.step(schedule(self.cpu_s / self.options.cpu_s))
            value = float(loss.detach())
            self.cpu_s += time.process_time() - started
            self.step += 1
            mean = value if not mean else 0.95 * mean + 0.05 * value
            on_step(self.step, self.cpu_s)
            if self.cpu_s >= (self.points + 1) * self.options.cpu_s / POINTS:
                self.points += 1
                self._log({"loss": round(mean, 4), **self._quick()})
                self._save()

    def _quick(self) -> dict[str, float]:
        own = self.cases["python"][:QUICK_CASES]
        found = judge.nats(self.arm, own, self.tokenizer, window=self.options.window, levels=(0.375,))
        return found.summary(np.ones(len(own), dtype=bool))

    def _judged(self, asked: list[cases.Case]) -> dict[str, Any]:
        found = judge.nats(self.arm, asked, self.tokenizer, window=self.options.window)
        decoded = judge.decode(self.arm, asked[:DECODED_CASES], self.tokenizer, window=self.options.window)
        result: dict[str, Any] = {}
        for kind in ("all", "line", "span"):
            chosen = np.asarray([kind in ("all", case.kind) for case in asked])
            filled = chosen[: len(decoded.exact)]
            result[kind] = {
                "cases": int(chosen.sum()),
                "filled": int(filled.sum()),
                **found.summary(chosen),
                "exact": round(100 * float(decoded.exact[filled].mean()), 2),
                "passes": round(float(decoded.passes[filled].mean()), 2),
            }
        result["each"] = {
            "tokens": found.tokens.astype(int).tolist(),
            "noised": [round(float(x), 3) for x in found.noised],
            "blank": [round(float(x), 3) for x in found.blank],
            "exact": decoded.exact.astype(int).tolist(),
        }
        return result
