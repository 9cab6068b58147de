"""The built-in model continued on a user's own code by an adapter, kept only if held-out files of that code gain."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from model.backends.builtin.load import is_model_folder
from model.backends.builtin.runtime.network import Network
from model.backends.builtin.storage.config import read_config
from model.backends.builtin.storage.weights import open_weights
from model.backends.builtin.tokenizer import CodeTokenizer
from model.backends.published.networks.decoder import Memory
from model.backends.published.weights import fastest_dtype
from model.errors import BadRequest, UnknownModel
from model.lab.train.adapt.examples import Specials
from model.lab.train.adapt.exporting import adapter_state
from model.lab.train.adapt.network import AdaptedDecoder, read_decoder
from model.lab.tune.examples import TuneBatch, TuneExamples, TuneShape
from model.lab.tune.folder import check_target, write_model_folder
from model.lab.tune.own_code import OwnCode, read

JUDGED = ("holes", "pieces")
"""Losses: of holes as users leave them, with their ends, and of other pieces of the files."""
LEAST_GAIN = 0.005
"""Relative; what is less is luck as often as not."""
HELD_OUT_BATCHES, HELD_OUT_SEED = 24, 12345
RANK = 16
WARM_UP = 0.05

OnStep: TypeAlias = Callable[["TuningProgress", Mapping[str, float]], None]


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """What to tune on what. `source` and `out` are model folders; rate: of AdamW.

    `may_read`: whether a model may see a file below `code`.
    """

    code: Path
    may_read: Callable[[Path], bool]
    source: Path
    out: Path
    time_budget_s: float = 600.0
    device: str = "cpu"
    shape: TuneShape = field(default_factory=TuneShape)
    rate: float = 4e-4
    seed: int = 0


@dataclass
class TuningProgress:
    """Where the training stands. tokens: that were written and learned from; elapsed_s: of training alone."""

    step: int = 0
    elapsed_s: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class TuningVerdict:
    """Held-out losses, nats per token, of the model as it was and of the tuned one as it would be written."""

    before: Mapping[str, float]
    after: Mapping[str, float]

    def change(self, *names: str) -> float:
        """Relative change of the sum of these losses; below 0 is better."""
        return sum(self.after[n] for n in names) / sum(self.before[n] for n in names) - 1

    @property
    def helped(self) -> bool:
        """Whether to keep it: both losses together gained enough, holes by themselves lost nothing. Not if one is no number."""
        return self.change(*JUDGED) <= -LEAST_GAIN and self.change("holes") <= 0


class Tuning:
    """One tuning. Raises BadRequest: too little code, or `out` may not be replaced; UnknownModel for the source."""

    def __init__(self, options: TuneOptions, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.options, self._clock, self.progress = options, clock, TuningProgress()
        check_target(options.out)
        tokenizer, self.network, specials = _opened(options)
        runtime = Network.open(options.source)
        compiled = options.device == "cpu" and runtime.kernel != "numpy"
        self._cache = runtime.cache(context_tokens=options.shape.tokens, scratch_tokens=1) if compiled else None
        self.code: OwnCode = read(options.code, may_read=options.may_read, count=tokenizer.count)
        shape = options.shape
        self.examples = TuneExamples(self.code.train, tokenizer, specials, shape, seed=options.seed)
        self._held_out = TuneExamples(self.code.held_out, tokenizer, specials, shape, seed=HELD_OUT_SEED)
        self._optimiser = torch.optim.AdamW(self.network.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=0.0)
        self.before = self.held_out()

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Losses on held-out files, the same examples every time."""
        nats, counts = dict.fromkeys(JUDGED, 0.0), dict.fromkeys(JUDGED, 0)
        for n in range(HELD_OUT_BATCHES):
            batch = self._held_out.batch(n).to(self._device)
            losses = self.nats(batch)
            for name, rows in (("holes", batch.ended), ("pieces", batch.counted & ~batch.ended)):
                nats[name] += float(losses[rows].sum())
                counts[name] += int(rows.sum())
        return {name: nats[name] / max(1, counts[name]) for name in JUDGED}

    def nats(self, batch: TuneBatch) -> Tensor:
        """float32 [R]: the cross-entropy of each row's target; the context is read without the adapter, and without a gradient."""
        network = self.network
        states = network.written(batch.inputs, batch.holes, batch.starts, batch.positions, self.read(batch.ids))
        return F.cross_entropy(network.decoder.logits(states[0]).float(), batch.targets[0], reduction="none")

    def read(self, ids: Tensor) -> Memory:
        """Keys and values of the context int64 [1, T]: where users' kernel runs by it, which takes half the time of torch."""
        if self._cache is None:
            return self.network.read(ids)[1]
        self._cache.read(ids[0].numpy())
        memory, dtype = Memory(), self.network.decoder.embedding.weight.dtype
        memory.keys, memory.values = (
            [torch.from_numpy(layer)[None].to(dtype) for layer in part] for part in self._cache.context_states()
        )
        return memory

    @property
    def _device(self) -> torch.device:
        return self.network.mask_embedding.device

    def train(self, *, on_step: OnStep = lambda *_: None, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Train until the budget is spent; False if `stopped` ended it before."""
        p, mean = self.progress, 0.0
        while p.elapsed_s < self.options.time_budget_s:
            if stopped():
                return False
            began = self._clock()
            batch = self.examples.batch(p.step).to(self._device)
            loss = self._step(batch, fading(p.elapsed_s / self.options.time_budget_s))
            p.step, p.elapsed_s = p.step + 1, p.elapsed_s + self._clock() - began
            p.tokens += int(batch.counted.sum())
            mean = loss if p.step == 1 else 0.95 * mean + 0.05 * loss
            on_step(p, {"loss": mean})
        return True

    def _step(self, batch: TuneBatch, factor: float) -> float:
        loss = self.nats(batch)[batch.counted].mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for group in self._optimiser.param_groups:
            group["lr"] = self.options.rate * factor
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        return float(loss.detach())

    def verdict(self) -> TuningVerdict:
        """Measure the tuned model as it would be written: rounded to bfloat16."""
        with torch.no_grad():
            for parameter in self.network.parameters():
                parameter.copy_(parameter.to(torch.bfloat16))
        return TuningVerdict(before=self.before, after=self.held_out())

    def keep(self, verdict: TuningVerdict) -> None:
        """Write the model that `verdict` measured, in one step."""
        tuned = {
            "steps": self.progress.step,
            "tokens": self.progress.tokens,
            "minutes": round(self.progress.elapsed_s / 60, 2),
            "own_files": len(self.code.train),
            "own_tokens": self.code.tokens,
            "held_out": {"before": verdict.before, "after": verdict.after},
        }
        config = json.loads((self.options.source / "config.json").read_text("utf-8")) | {"tuned": tuned}
        write_model_folder(self.options.out, self.options.source, config, self.network.state_dict())


def fading(progress: float) -> float:
    """The rate's factor at `progress` in [0, 1] of the budget: a short warm-up, then linear decay to nothing."""
    return min(max(0.05, progress / WARM_UP), max(0.0, (1.0 - progress) / (1.0 - WARM_UP)))


def _opened(options: TuneOptions) -> tuple[CodeTokenizer, AdaptedDecoder, Specials]:
    """Tokenizer, network and special tokens of the source; its adapter is gone on with. Raises UnknownModel, BadRequest."""
    source = options.source
    if not is_model_folder(source):
        raise BadRequest(f"{source} is no model to tune: take builtin, or a folder that `dlm-fill tune` wrote")
    tokenizer, config = CodeTokenizer(source / "tokenizer.json"), read_config(source)
    try:
        specials = Specials.of(config.special)
    except LookupError as error:
        raise UnknownModel(f"the model in {source} cannot fill gaps: it has no token {error}") from error
    device = torch.device(options.device)
    sizes = {"width": config.width, "inner": config.feed_forward}
    parameters = config.layers * 3 * config.width * config.feed_forward  # most of them
    decoder, _ = read_decoder(source, dtype=fastest_dtype(device, parameters=parameters, **sizes))
    adapter = open_weights(source, config).adapter
    torch.manual_seed(options.seed)
    if adapter is None or not adapter.left_to_right:
        return tokenizer, AdaptedDecoder(decoder.to(device), rank=RANK).to(device), specials
    network = AdaptedDecoder(decoder.to(device), rank=adapter.rank)
    network.load_state_dict(adapter_state(adapter))
    return tokenizer, network.to(device), specials
