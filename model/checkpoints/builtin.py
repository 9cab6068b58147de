"""The built-in model as a `Denoiser`: two exact context streams and a canvas (see `model.networks.two_streams`).

A model directory holds `config.json`, `tokenizer.json` and `weights-*.safetensors`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from model.canvas import Canvas
from model.checkpoints.continuation import Continuation
from model.denoiser import Context, Prediction, Prefilled
from model.errors import UnknownDevice, UnknownModel
from model.networks.cache import ContextCache, read_context
from model.networks.layers import NetworkConfig
from model.networks.reading import TOP_K, spec_of
from model.networks.two_streams import Layout, Network
from model.tokenizer import END_OF_HOLE_ID, MASK_ID, RESERVED_TOKENS, Tokenizer

Ids = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """A canvas as the network reads it: each hole behind a copy of the token before it.

    inputs, position, hole: int64 [B, N]; hole is -1 for padding. source: int64 [B, L], the input whose
    output predicts canvas position l.
    """

    inputs: Ids
    position: Ids
    hole: Ids
    source: Ids


def _rows(canvas: Canvas, cache: ContextCache) -> _Rows:
    batch, length = canvas.ids.shape
    holes = len(cache.left)
    inputs = np.full((batch, length + holes), MASK_ID, dtype=np.int64)
    position = np.zeros_like(inputs)
    hole = np.full_like(inputs, -1)
    source = np.zeros((batch, length), dtype=np.int64)
    shown = np.where(canvas.open, MASK_ID, canvas.ids)
    for row in range(batch):
        used = 0
        for h, left in enumerate(cache.left):
            at = np.flatnonzero(canvas.hole[row] == h)
            place = slice(used, used + len(at) + 1)
            inputs[row, place] = np.append(cache.ahead_ids[left - 1], shown[row, at])
            position[row, place] = left - 1 + np.arange(len(at) + 1)
            hole[row, place] = h
            source[row, at] = used + np.arange(len(at))
            used += len(at) + 1
    return _Rows(inputs=inputs, position=position, hole=hole, source=source)


def _layout(rows: _Rows, cache: ContextCache, *, causal: bool, device: torch.device) -> Layout:
    used = rows.hole >= 0
    left, right = np.asarray(cache.left)[rows.hole], np.asarray(cache.right)[rows.hole]
    sees = used[:, None, :] & used[:, :, None] | np.eye(rows.hole.shape[1], dtype=bool)
    if causal:
        sees &= np.tri(rows.hole.shape[1], dtype=bool)
    arrays = {
        "position": rows.position,
        "back_position": len(cache.back_ids) - right,
        "sees_ahead": np.arange(len(cache.ahead_ids)) < left[..., None],
        "sees_back": np.arange(len(cache.back_ids)) >= right[..., None],
        "sees_canvas": sees,
    }
    return Layout(**{name: torch.from_numpy(a).to(device) for name, a in arrays.items()})


class BuiltinPrefilled(Prefilled):
    """Keys and values of one context; see `Prefilled`."""

    def __init__(self, network: Network, tokenizer: Tokenizer, context: Context, cache: ContextCache) -> None:
        self._network, self._tokenizer, self._context, self.cache = network, tokenizer, context, cache
        p, s = len(cache.ahead_ids), len(cache.back_ids)
        at_ahead, at_back = np.arange(p - 1), np.arange(s - 1)
        self._copies = np.stack(
            [
                np.concatenate([at_ahead < left - 1, at_back > right])
                for left, right in zip(cache.left, cache.right, strict=True)
            ]
        )

    @torch.inference_mode()
    def denoise(self, canvas: Canvas) -> Prediction:
        """See `Prefilled.denoise`; only open positions are predicted."""
        return self._predict(canvas, canvas.open, causal=False)

    @torch.inference_mode()
    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        """See `Prefilled.score`."""
        return self._predict(canvas, canvas.hole >= 0 if wanted is None else wanted, causal=True)

    def continuation(self) -> Continuation:
        """The only hole, to be written from left to right."""
        first = np.zeros(1, dtype=np.int64)
        return Continuation(self._network, self.cache, lambda states: self._probabilities(states, first))

    def _predict(self, canvas: Canvas, wanted: NDArray[np.bool_], *, causal: bool) -> Prediction:
        rows = _rows(canvas, self.cache)
        device = self._network.embedding.weight.device
        layout = _layout(rows, self.cache, causal=causal, device=device)
        states = self._network.canvas(torch.from_numpy(rows.inputs).to(device), self.cache.streams, layout)
        batch, column = np.nonzero(wanted)
        picked = states[torch.from_numpy(batch), torch.from_numpy(rows.source[batch, column])]
        probs = self._probabilities(picked, canvas.hole[batch, column])
        self._heal(probs, canvas, batch, column)
        return self._summary(canvas, probs, batch, column)

    def _probabilities(self, states: torch.Tensor, hole: Ids) -> torch.Tensor:
        """float32 [n, vocab], the vocabulary and the copy mixed; own tokens but the end of hole excluded."""
        sees = torch.from_numpy(self._copies[hole]).to(states.device)
        weights, odds = self._network.pointer(states.unsqueeze(0), self.cache.pointer_keys, sees.unsqueeze(0))
        copy = odds[0].sigmoid().unsqueeze(-1)
        probs = self._network.logits(states).float().softmax(-1) * (1 - copy)
        probs.index_add_(1, self.cache.following, weights[0].exp() * copy)
        ends = probs[:, END_OF_HOLE_ID].clone()
        probs[:, :RESERVED_TOKENS] = 0
        probs[:, END_OF_HOLE_ID] = ends
        return probs / probs.sum(-1, keepdim=True)

    def _heal(self, probs: torch.Tensor, canvas: Canvas, batch: Ids, column: Ids) -> None:
        """In place: a hole's first token must begin with the bytes that healing took from the piece before."""
        for h, start in enumerate(self._context.starts_with):
            if not start:
                continue
            first = (canvas.hole == h).argmax(1)
            rows = np.flatnonzero((canvas.hole[batch, column] == h) & (column == first[batch]))
            allowed = torch.from_numpy(self._tokenizer.tokens_starting_with(start)).to(probs.device)
            for row in rows:
                kept = probs[row, allowed].clone()
                probs[row] = 0
                probs[row, allowed] = (kept + 1e-9) / (kept + 1e-9).sum()

    def _summary(self, canvas: Canvas, probs: torch.Tensor, batch: Ids, column: Ids) -> Prediction:
        shape = canvas.ids.shape
        top = probs.topk(TOP_K, dim=-1)
        entropy = -(probs * probs.clamp(min=1e-12).log()).sum(-1)
        standing = torch.from_numpy(canvas.ids[batch, column]).to(probs.device).unsqueeze(-1)
        current = probs.gather(-1, standing).squeeze(-1).clamp(min=1e-12).log()
        prediction = Prediction(
            ids=np.zeros((*shape, TOP_K), dtype=np.int64),
            probs=np.zeros((*shape, TOP_K), dtype=np.float32),
            entropy=np.zeros(shape, dtype=np.float32),
            current=np.zeros(shape, dtype=np.float32),
        )
        prediction.ids[batch, column] = top.indices.cpu().numpy()
        prediction.probs[batch, column] = top.values.cpu().numpy()
        prediction.entropy[batch, column] = entropy.cpu().numpy()
        standing_known = ~canvas.open[batch, column]
        prediction.current[batch, column] = np.where(standing_known, current.cpu().numpy(), 0)
        return prediction


class BuiltinDenoiser:
    """The built-in network with its weights on one device; see `Denoiser`."""

    def __init__(self, network: Network, tokenizer: Tokenizer) -> None:
        self._network, self._tokenizer = network, tokenizer
        self.spec = spec_of(network.config.vocab_size)

    @property
    def device(self) -> str:
        """Where the weights are, as torch names it."""
        return str(self._network.embedding.weight.device.type)

    @torch.inference_mode()
    def prefill(self, context: Context, *, reuse: Prefilled | None = None) -> BuiltinPrefilled:
        """See `Denoiser.prefill`: exact, and what `reuse` has in common with the context is kept."""
        earlier = reuse.cache if isinstance(reuse, BuiltinPrefilled) else None
        return BuiltinPrefilled(self._network, self._tokenizer, context, read_context(self._network, context, earlier))


def choose_device(name: str) -> torch.device:
    """`auto` is the first of cuda, mps and cpu that this machine has. Raises UnknownDevice."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, there in present.items() if there))
    if name not in present:
        raise UnknownDevice(f"unknown device {name!r}: choose auto, cpu, cuda or mps")
    if not present[name]:
        raise UnknownDevice(f"no {name} device here: choose --device cpu, or auto")
    return torch.device(name)


def load_network(directory: Path) -> tuple[Network, Tokenizer]:
    """The network in `directory`, float32 on the CPU, as training takes it. Raises UnknownModel: missing or damaged."""
    remedy = "name a directory made by `dlm-fill train`, or reinstall dlm-fill"
    tokenizer = Tokenizer(directory / "tokenizer.json")
    try:
        config = json.loads((directory / "config.json").read_text("utf-8"))
        with torch.device("meta"):
            network = Network(NetworkConfig(**config["network"]))
        files = sorted(directory.glob("weights-*.safetensors"))
        state = {name: tensor.float() for file in files for name, tensor in load_file(file).items()}
        missing = network.state_dict().keys() - state.keys()
        if missing:
            raise ValueError(f"{len(missing)} of its weights are missing")
        if network.config.vocab_size != tokenizer.vocab_size:
            raise ValueError("its tokenizer belongs to another network")
        network.load_state_dict(state, assign=True)
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UnknownModel(f"cannot load the model in {directory} ({reason}): {remedy}") from error
    return network, tokenizer


def load(directory: Path, *, device: str) -> tuple[BuiltinDenoiser, Tokenizer]:
    """The model in `directory`, ready on `device`.

    Raises UnknownModel if files are missing or damaged, UnknownDevice if this machine lacks the device.
    """
    place = choose_device(device)
    network, tokenizer = load_network(directory)
    network = network.to(place).eval()
    with torch.no_grad():
        network.join()
    return BuiltinDenoiser(network, tokenizer), tokenizer
