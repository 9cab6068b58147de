"""The training loop: streams alone first, then streams and canvas; resumable, within a time budget.

A run lives in a folder: `log.jsonl`, `checkpoint.pt` (replaced atomically), `config.json`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from model.network import Network, NetworkConfig
from model.tokenizer import Tokenizer
from model.train.holes import Batch, Shape, TokenKinds, Windows
from model.train.loss import losses
from model.train.optimiser import Optimiser, schedule
from model.train.tokens import Tokens


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How to train. `time_budget_s` counts training time over all resumes; `stream_share` is the part of it
    that goes to the streams alone (next-token loss), before holes are cut."""

    corpus: Path
    run: Path
    time_budget_s: float
    device: str = "cpu"
    batch: int = 8
    window: int = 512
    canvas: int = 256
    stream_share: float = 0.3
    matrix_rate: float = 0.01
    other_rate: float = 0.003
    seed: int = 0
    workers: int = 1
    compiled: bool = False
    checkpoint_every_s: float = 120.0
    evaluate_every_s: float = 300.0


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint."""

    step: int = 0
    elapsed_s: float = 0.0
    tokens: int = 0


class Trainer:
    """One run. Build it anew to resume: it picks up the checkpoint in its folder."""

    def __init__(self, options: TrainOptions, config: NetworkConfig) -> None:
        self.options, self.device = options, torch.device(options.device)
        self.tokenizer = Tokenizer(options.corpus / "tokenizer.json")
        self.kinds = TokenKinds(self.tokenizer)
        options.run.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(options.seed)
        self.network = Network(config).to(self.device)
        self.optimiser = Optimiser(
            self.network, matrix_rate=options.matrix_rate, other_rate=options.other_rate
        )
        self.progress = Progress()
        self._losses = torch.compile(losses, dynamic=False) if options.compiled else losses
        self._restore()
        (options.run / "config.json").write_text(json.dumps(config.to_json(), indent=1) + "\n")

    @property
    def _checkpoint(self) -> Path:
        return self.options.run / "checkpoint.pt"

    def _restore(self) -> None:
        if not self._checkpoint.exists():
            return
        saved = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.optimiser.restore(saved["optimiser"])
        self.progress = Progress(**saved["progress"])

    def save(self) -> None:
        """Write the checkpoint, replacing the old one only once the new one is complete."""
        state = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state(),
            "progress": asdict(self.progress),
        }
        part = self._checkpoint.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self._checkpoint)

    def _log(self, row: dict[str, object]) -> None:
        p = self.progress
        row = {"step": p.step, "minutes": round(p.elapsed_s / 60, 2), "tokens": p.tokens, **row}
        with (self.options.run / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")

    def _batches(self, canvas: int) -> Iterator[Batch]:
        o = self.options
        windows = Windows(
            Tokens.load(o.corpus, "train"),
            self.kinds,
            Shape(batch=o.batch, window=o.window, canvas=canvas),
            seed=o.seed,
        )
        order = range(self.progress.step, 2**31)
        return iter(DataLoader(windows, batch_size=None, sampler=order, num_workers=o.workers, prefetch_factor=4 if o.workers else None))  # noqa: E501

    def _train_step(self, batch: Batch) -> dict[str, float]:
        fraction = self.progress.elapsed_s / self.options.time_budget_s
        with torch.autocast(self.device.type, torch.bfloat16):
            parts = self._losses(self.network, batch)
        parts.total().backward()
        norm = self.optimiser.step(schedule(fraction))
        return {**parts.numbers(), "norm": norm}

    def train(self) -> None:
        """Train until the budget is spent."""
        o = self.options
        for until, canvas in ((o.stream_share, 0), (1.0, o.canvas)):
            if self.progress.elapsed_s < until * o.time_budget_s:
                self._phase(until * o.time_budget_s, canvas)
        self.save()
        self._log({"held_out": self.held_out()})

    def _phase(self, until_s: float, canvas: int) -> None:
        o, p = self.options, self.progress
        saved_at = evaluated_at = p.elapsed_s
        mean: dict[str, float] = {}
        for batch in self._batches(canvas):
            started = time.monotonic()
            for name, value in self._train_step(batch.to(self.device)).items():
                mean[name] = value if name not in mean else 0.95 * mean[name] + 0.05 * value
            p.elapsed_s += time.monotonic() - started
            p.step += 1
            p.tokens += o.batch * (2 * o.window + canvas)
            if p.step % 20 == 0:
                self._log({"seconds": round(time.monotonic() - started, 3), **{k: round(v, 4) for k, v in mean.items()}})
            if p.elapsed_s - saved_at > o.checkpoint_every_s:
                saved_at = p.elapsed_s
                self.save()
            if p.elapsed_s - evaluated_at > o.evaluate_every_s:
                evaluated_at = p.elapsed_s
                self._log({"held_out": self.held_out()})
            if p.elapsed_s >= until_s:
                return

    @torch.no_grad()
    def held_out(self, batches: int = 4) -> dict[str, float]:
        """Losses on windows of the held-out packages: the same ones every time."""
        o = self.options
        shape = Shape(batch=8, window=o.window, canvas=o.canvas)
        windows = Windows(Tokens.load(o.corpus, "held_out"), self.kinds, shape, seed=12345)
        total: dict[str, float] = {}
        for index in range(batches):
            with torch.autocast(self.device.type, torch.bfloat16):
                parts = losses(self.network, windows[index].to(self.device)).numbers()
            for name, value in parts.items():
                total[name] = total.get(name, 0.0) + value / batches
        return {k: round(v, 4) for k, v in total.items()}
