"""The training loop: streams alone first, then streams and canvas; resumable, within a time budget.

A run lives in a folder: `log.jsonl`, `checkpoint.pt` (replaced atomically), `config.json`; `started_from.json` if it
went on from a model.
"""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch.utils.data import DataLoader

from model.checkpoints.builtin import load_network
from model.errors import BadRequest
from model.networks.layers import NetworkConfig
from model.networks.two_streams import Network
from model.tokenizer import Tokenizer
from model.train.holes import TokenKinds
from model.train.loss import losses
from model.train.optimiser import Optimiser, going_on, schedule
from model.train.tokens import Tokens
from model.train.windows import Batch, Shape, Windows

OnStep: TypeAlias = Callable[["Progress", Mapping[str, float]], None]
LOG_EVERY_STEPS = 20
STARTED_FROM = "started_from.json"


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How to train.

    `time_budget_s` counts training time over all resumes, evaluation and saving apart. `stream_share` is the
    part of it that goes to the streams alone (next-token loss), before holes are cut. `schedule` gives the
    factor of the rates at a fraction of the budget (default: `optimiser.schedule`, or `going_on` after a model).
    `start_from` is a model directory whose weights a new run begins with: there is no part for the streams alone then.
    """

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
    schedule: Callable[[float], float] | None = None
    start_from: Path | None = None


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint."""

    step: int = 0
    elapsed_s: float = 0.0
    tokens: int = 0


class Trainer:
    """One run. Build it anew to resume: it picks up the checkpoint in its folder.

    Raises BadRequest if the folder holds a run of another network, or a damaged checkpoint, or if the model to start
    from has another tokenizer than the corpus.
    """

    def __init__(self, options: TrainOptions, config: NetworkConfig) -> None:
        self.options, self.device = options, torch.device(options.device)
        self.tokenizer = Tokenizer(options.corpus / "tokenizer.json")
        self.kinds = TokenKinds(self.tokenizer)
        options.run.mkdir(parents=True, exist_ok=True)
        _check_shape(options.run, config)
        torch.manual_seed(options.seed)
        self.network = Network(config).to(self.device)
        self.optimiser = Optimiser(self.network, matrix_rate=options.matrix_rate, other_rate=options.other_rate)
        self.progress = Progress()
        self._losses = torch.compile(losses, dynamic=False) if options.compiled else losses
        self._restore()
        if options.start_from is not None and not self.progress.step:
            self.network.load_state_dict(_started_from(options.start_from, options.corpus, options.run))
        self._goes_on = options.start_from is not None or (options.run / STARTED_FROM).exists()
        self._factor = options.schedule or (going_on if self._goes_on else schedule)
        (options.run / "config.json").write_text(json.dumps(config.to_json(), indent=1) + "\n")

    @property
    def _checkpoint(self) -> Path:
        return self.options.run / "checkpoint.pt"

    def _restore(self) -> None:
        if not self._checkpoint.exists():
            return
        saved = read_checkpoint(self._checkpoint, self.device)
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
        part.replace(self._checkpoint)

    def _log(self, row: dict[str, object]) -> None:
        p = self.progress
        row = {"step": p.step, "minutes": round(p.elapsed_s / 60, 2), "tokens": p.tokens, **row}
        with (self.options.run / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")

    def _batches(self, canvas: int) -> Iterator[Batch]:
        o = self.options
        shape = Shape(batch=o.batch, window=o.window, canvas=canvas)
        loader: DataLoader[Batch] = DataLoader(
            Windows(Tokens.load(o.corpus, "train"), self.kinds, shape, seed=o.seed),
            batch_size=None,
            sampler=range(self.progress.step, 2**31),
            num_workers=o.workers,
            prefetch_factor=4 if o.workers else None,
        )
        return iter(loader)

    def _train_step(self, batch: Batch) -> dict[str, float]:
        fraction = self.progress.elapsed_s / self.options.time_budget_s
        with torch.autocast(self.device.type, torch.bfloat16):
            parts = self._losses(self.network, batch)
        parts.total().backward()
        norm = self.optimiser.step(self._factor(fraction))
        return {**parts.numbers(), "norm": norm}

    def train(self, *, on_step: OnStep = lambda *_: None, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Train until the budget is spent; False if `stopped` (asked after every step) ended it before.

        Either way the checkpoint is written, so that the next call goes on from there.
        """
        o = self.options
        stream_share = 0.0 if self._goes_on else o.stream_share
        for until, canvas in ((stream_share, 0), (1.0, o.canvas)):
            until_s = until * o.time_budget_s
            if self.progress.elapsed_s < until_s and not self._phase(until_s, canvas, on_step, stopped):
                self.save()
                return False
        self.save()
        self._log({"held_out": self.held_out()})
        return True

    def _phase(self, until_s: float, canvas: int, on_step: OnStep, stopped: Callable[[], bool]) -> bool:
        """Steps until `until_s` seconds of training are over; False if stopped before."""
        o, p = self.options, self.progress
        saved_at = evaluated_at = p.elapsed_s
        mean: dict[str, float] = {}
        started = time.monotonic()
        for batch in self._batches(canvas):
            for name, value in self._train_step(batch.to(self.device)).items():
                mean[name] = value if name not in mean else 0.95 * mean[name] + 0.05 * value
            seconds = time.monotonic() - started  # with the wait for the batch: a slow disk counts too
            p.elapsed_s += seconds
            p.step += 1
            p.tokens += o.batch * (2 * o.window + canvas)
            on_step(p, mean)
            if p.step % LOG_EVERY_STEPS == 0:
                self._log({"seconds": round(seconds, 3), **{k: round(v, 4) for k, v in mean.items()}})
            if p.elapsed_s - saved_at > o.checkpoint_every_s:
                saved_at = p.elapsed_s
                self.save()
            if p.elapsed_s - evaluated_at > o.evaluate_every_s:
                evaluated_at = p.elapsed_s
                self._log({"held_out": self.held_out()})
            if p.elapsed_s >= until_s:
                return True
            if stopped():
                return False
            started = time.monotonic()
        return True

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


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """The saved "network", "optimiser" and "progress". Raises BadRequest if the file is missing or damaged."""
    try:
        saved: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError as error:
        raise BadRequest(f"no checkpoint at {path}: train first, with `dlm-fill train run`") from error
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise BadRequest(f"the checkpoint {path} is damaged: delete it to train anew") from error
    return saved


def _started_from(model: Path, corpus: Path, run: Path) -> dict[str, torch.Tensor]:
    """The weights of the model directory; the run notes how far they were trained. Raises BadRequest, UnknownModel."""
    if (model / "tokenizer.json").read_bytes() != (corpus / "tokenizer.json").read_bytes():
        raise BadRequest(
            f"{model} has another tokenizer than {corpus}: copy {model / 'tokenizer.json'} into an empty folder and make the corpus there"
        )
    network, _ = load_network(model)
    trained = json.loads((model / "config.json").read_text("utf-8")).get("trained", {})
    (run / STARTED_FROM).write_text(json.dumps({"model": model.name, "trained": trained}, indent=1) + "\n")
    return network.state_dict()


def _check_shape(run: Path, config: NetworkConfig) -> None:
    """Raises BadRequest if the folder holds a run of another network."""
    file = run / "config.json"
    if not (run / "checkpoint.pt").exists() or not file.exists():
        return
    there, wanted = json.loads(file.read_text()), config.to_json()
    differs = [f"{name} is {there.get(name)}, not {wanted[name]}" for name in wanted if there.get(name) != wanted[name]]
    if differs:
        raise BadRequest(
            f"{run} holds a run of another network ({', '.join(differs)}): "
            "repeat its sizes and its corpus to resume it, or name another --run folder"
        )
