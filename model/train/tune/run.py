"""A model continued on a user's own code, kept only if held-out files of that code say that it helped."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.checkpoints.builtin import load_network
from model.errors import BadRequest
from model.train.export import export
from model.train.loop import OnStep, Trainer, TrainOptions
from model.train.optimiser import fading
from model.train.tune.own_code import OwnCode, read

JUDGED = ("score", "denoise")
LEAST_GAIN = 0.005
"""Relative; what is less is luck as often as not."""
HELD_OUT_BATCHES = 8


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """What to tune on what. `source` and `out` are model directories; rates are a tenth of those of training anew.

    `may_read`: whether a model may see a file below `code`.
    """

    code: Path
    may_read: Callable[[Path], bool]
    source: Path
    out: Path
    time_budget_s: float = 300.0
    device: str = "cpu"
    batch: int = 4
    window: int = 512
    canvas: int = 256
    matrix_rate: float = 0.001
    other_rate: float = 0.0003
    seed: int = 0
    workers: int = 1


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Held-out losses, nats per token, of the model as it was and of the tuned one as it would be written."""

    before: Mapping[str, float]
    after: Mapping[str, float]

    def change(self, *names: str) -> float:
        """Relative change of the sum of these losses; below 0 is better."""
        return sum(self.after[n] for n in names) / sum(self.before[n] for n in names) - 1

    @property
    def helped(self) -> bool:
        """Whether to keep it; False, too, if a loss is no number."""
        return self.change(*JUDGED) <= -LEAST_GAIN


class Tuning:
    """One tuning; what it makes on the way lies in the folder `work`, which is the caller's to remove.

    Raises BadRequest if there is too little code or `out` may not be replaced, UnknownModel for the source.
    """

    def __init__(self, options: TuneOptions, work: Path) -> None:
        self.options, self._work = options, work
        _check_target(options.out)
        network, _ = load_network(options.source)
        self._ranking = _bytes(options.source / "ranking.json")
        self._source = json.loads((options.source / "config.json").read_text("utf-8"))
        self._manners = _bytes(options.source / "manners.json")
        self._manifest = _bytes(options.source / "manifest.json")
        self.code: OwnCode = read(
            options.code, work / "corpus", may_read=options.may_read, tokenizer=options.source / "tokenizer.json"
        )
        train_options = TrainOptions(
            corpus=self.code.corpus,
            run=work / "run",
            time_budget_s=options.time_budget_s,
            device=options.device,
            batch=options.batch,
            window=options.window,
            canvas=options.canvas,
            stream_share=0.0,
            matrix_rate=options.matrix_rate,
            other_rate=options.other_rate,
            schedule=fading,
            seed=options.seed,
            workers=options.workers,
            start_from=options.source,
            checkpoint_every_s=float("inf"),
            evaluate_every_s=float("inf"),
        )
        self._trainer = Trainer(train_options, network.config)
        self._before = self._held_out()

    def _held_out(self) -> dict[str, float]:
        losses = self._trainer.held_out(HELD_OUT_BATCHES)
        return {name: losses[name] for name in JUDGED}

    def train(self, *, on_step: OnStep = lambda *_: None, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Train until the budget is spent; False if `stopped` ended it before."""
        return self._trainer.train(on_step=on_step, stopped=stopped)

    def verdict(self) -> Verdict:
        """Write the model into `work` and measure it as it stands there: rounded to bfloat16."""
        export(self._work / "run", self.code.corpus, self._made)
        network, _ = load_network(self._made)
        self._trainer.network.load_state_dict(network.state_dict())
        return Verdict(before=self._before, after=self._held_out())

    @property
    def _made(self) -> Path:
        return self._work / "model"

    def keep(self, verdict: Verdict) -> None:
        """Put the model that `verdict` measured where it was asked for, in one step."""
        trained = self._trainer.progress
        tuned = {
            "steps": trained.step,
            "tokens": trained.tokens,
            "minutes": round(trained.elapsed_s / 60, 2),
            "own_files": self.code.files,
            "own_tokens": self.code.tokens,
            "held_out": {"before": verdict.before, "after": verdict.after},
        }
        (self._made / "config.json").write_text(json.dumps({**self._source, "tuned": tuned}, indent=1) + "\n")
        # The manifest says what the source was trained on; of the user's own code the numbers above are enough.
        (self._made / "manifest.json").unlink()
        kept = {"manifest.json": self._manifest, "ranking.json": self._ranking, "manners.json": self._manners}
        for name, data in kept.items():
            if data is not None:
                (self._made / name).write_bytes(data)
        _replace(self.options.out, self._made)


def _bytes(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _is_tuned(folder: Path) -> bool:
    try:
        config: Any = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "tuned" in config


def _check_target(out: Path) -> None:
    """Raises BadRequest unless a tuned model can be written there: asked before the work, not after."""
    if out.is_symlink() or (out.exists() and not _is_tuned(out)):
        raise BadRequest(f"{out} is there and was not made by `dlm-fill tune`: name another --out folder")
    above = next(p for p in out.absolute().parents if p.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise BadRequest(f"cannot write into {above}: name another --out folder")


def _replace(out: Path, made: Path) -> None:
    """`out` becomes a copy of the folder `made`; at no time is there half of one under that name."""
    _check_target(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as beside:
        new, old = Path(beside) / "new", Path(beside) / "old"
        shutil.copytree(made, new)
        if out.exists():
            out.rename(old)
        try:
            new.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise
