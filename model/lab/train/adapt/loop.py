"""The training loop: it goes on from its checkpoint, at a constant rate after a warm-up, until it is stopped.

A run lives in a folder: `run.json` (what it was begun with), `checkpoint.pt` (adapter, optimiser, progress; replaced
atomically), `log.jsonl`, and `pid` while it runs. A finished adapter comes from a decay: some steps from the checkpoint,
at a rate that falls to nothing, in a folder of their own; the run itself is left as it is.
"""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch

from model.errors import BadRequest
from model.lab.train.adapt.examples import Batch, Examples
from model.lab.train.adapt.loss import losses
from model.lab.train.adapt.network import AdaptedDecoder

OnStep: TypeAlias = Callable[["TrainingProgress", Mapping[str, float]], None]
WARM_UP_STEPS = 20
LOG_EVERY_STEPS = 10
HEAD_ROWS = 0.7
"""The head computes this share of a batch's rows: about half of them are masked and count."""


@dataclass(frozen=True, kw_only=True)
class AdaptOptions:
    """How to train. rate: of AdamW. kept: weight of the divergence from the left-to-right mode, beside the text's 1."""

    run: Path
    rate: float = 4e-4
    kept: float = 1.0
    checkpoint_every_s: float = 180.0
    evaluate_every_s: float = 900.0
    evaluate_batches: int = 8


@dataclass
class TrainingProgress:
    """Where a run stands; saved with every checkpoint. slots: masked slots that were trained on."""

    step: int = 0
    elapsed_s: float = 0.0
    slots: int = 0


class AdaptTrainer:
    """One run. Build it anew to resume it. Raises BadRequest: a damaged checkpoint, or one of another network or rank."""

    def __init__(
        self,
        network: AdaptedDecoder,
        examples: Examples,
        held_out: Examples,
        options: AdaptOptions,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.network, self.options, self.progress = network, options, TrainingProgress()
        self._examples, self._held_out, self._clock = examples, held_out, clock
        self.device = network.mask_embedding.device
        options.run.mkdir(parents=True, exist_ok=True)
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, betas=(0.9, 0.98), weight_decay=0.0)
        saved = read_checkpoint(options.run)
        if saved is not None:
            self._restore(saved)

    def _restore(self, saved: Mapping[str, Any]) -> None:
        try:
            self.network.load_state_dict(saved["adapter"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.progress = TrainingProgress(**saved["progress"])
        except (RuntimeError, ValueError, LookupError, TypeError) as error:
            reason = " ".join(str(error).split())[:160]
            raise BadRequest(
                f"{self.options.run} holds a run of another network or rank ({reason}): name another --run folder"
            ) from error

    def save(self) -> None:
        """Write the checkpoint, replacing the old one only once the new one is complete."""
        state = {
            "adapter": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": asdict(self.progress),
        }
        part = self.options.run / "checkpoint.part"
        torch.save(state, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(self.options.run / "checkpoint.pt")

    def _log(self, row: Mapping[str, object]) -> None:
        p = self.progress
        row = {"step": p.step, "minutes": round(p.elapsed_s / 60, 2), "slots": p.slots, **row}
        with (self.options.run / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def step(self, batch: Batch, *, factor: float) -> dict[str, float]:
        """One update at `factor` times the rate."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.rate * factor
        parts = losses(self.network, batch.to(self.device), most=self._most(batch))
        (parts["text"] + self.options.kept * parts["kept"]).backward()
        norm = torch.nn.utils.clip_grad_norm_(list(self.network.parameters()), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return {name: float(part.detach()) for name, part in (parts | {"norm": norm}).items()}

    @staticmethod
    def _most(batch: Batch) -> int:
        return max(1, int(HEAD_ROWS * batch.weights.numel()))

    def train(
        self,
        *,
        until_step: int | None = None,
        factor: Callable[[int], float] = lambda step: min(1.0, step / WARM_UP_STEPS),
        on_step: OnStep = lambda *_: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train to `until_step`, or until `stopped` (asked after every step): then False. The checkpoint is written."""
        p, o = self.progress, self.options
        saved_at = evaluated_at = p.elapsed_s
        mean: dict[str, float] = {}
        while until_step is None or p.step < until_step:
            started = self._clock()
            batch = self._examples.batch(p.step)
            for name, value in self.step(batch, factor=factor(p.step + 1)).items():
                mean[name] = value if name not in mean else 0.9 * mean[name] + 0.1 * value
            seconds = self._clock() - started
            p.step, p.elapsed_s, p.slots = p.step + 1, p.elapsed_s + seconds, p.slots + int((batch.weights == 1).sum())
            on_step(p, mean)
            if p.step % LOG_EVERY_STEPS == 0:
                self._log({"seconds": round(seconds, 2), **{name: round(value, 4) for name, value in mean.items()}})
            if p.elapsed_s - saved_at > o.checkpoint_every_s:
                saved_at = p.elapsed_s
                self.save()
            if p.elapsed_s - evaluated_at > o.evaluate_every_s:
                evaluated_at = p.elapsed_s
                self._log({"held_out": self.held_out()})
            if stopped():
                self.save()
                return False
        self.save()
        return True

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Losses on the held-out part: the same batches every time."""
        total: dict[str, float] = {}
        for n in range(self.options.evaluate_batches):
            batch = self._held_out.batch(n)
            for name, value in losses(self.network, batch.to(self.device), most=self._most(batch)).items():
                total[name] = total.get(name, 0.0) + float(value) / self.options.evaluate_batches
        return {name: round(value, 4) for name, value in total.items()}


def decayed(trainer: AdaptTrainer, into: Path, steps: int, *, on_step: OnStep = lambda *_: None,
            stopped: Callable[[], bool] = lambda: False) -> bool:  # fmt: skip
    """Train `steps` more at a rate that falls to nothing, in the folder `into`; the run that it came from stays as it is.

    False if it was stopped; called again with the same folder it goes on.
    """
    came_from = into / "from.json"
    if not came_from.exists():
        into.mkdir(parents=True, exist_ok=True)
        came_from.write_text(json.dumps({"step": trainer.progress.step, "steps": steps}) + "\n", "utf-8")
    said = json.loads(came_from.read_text("utf-8"))
    begin, length = int(said["step"]), int(said["steps"])
    branch = AdaptTrainer(trainer.network, trainer._examples, trainer._held_out,  # noqa: SLF001
                          AdaptOptions(**{**vars(trainer.options), "run": into}))  # fmt: skip
    if branch.progress.step == 0:
        branch.progress = TrainingProgress(**asdict(trainer.progress))
        branch.optimiser.load_state_dict(trainer.optimiser.state_dict())
    return branch.train(
        until_step=begin + length,
        factor=lambda step: max(0.0, 1.0 - (step - begin - 1) / length),
        on_step=on_step,
        stopped=stopped,
    )


def read_checkpoint(run: Path) -> dict[str, Any] | None:
    """The checkpoint of a run, None where there is none yet. Raises BadRequest if it is damaged."""
    path = run / "checkpoint.pt"
    try:
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, EOFError, LookupError, ValueError, TypeError, pickle.UnpicklingError) as error:
        raise BadRequest(f"the checkpoint {path} is damaged: delete it to train anew") from error
    return saved
