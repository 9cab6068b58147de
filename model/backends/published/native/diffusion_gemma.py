"""DiffusionGemma, experimental: Gemma 4 as encoder of what stands before, and as backend of a canvas of uniform noise.

It has no mask: whatever is open is noise, drawn anew in every pass, and what is decided stays. Its own `generate` knows
no suffix; here the text after the gap stands in the canvas, behind the noise, and is never changed. It was not trained
for that, and its weights were never tried with it. Which positions are decided in a pass is the engine's sampler, by
default the bound on entropies that the model was published with (arXiv 2505.24857).
"""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor

from model.backend import CachedContext, Capabilities, Context, ModelSpec, Prediction
from model.backends.published.codec import PublishedCodec, read_codec
from model.backends.published.config_file import ConfigFile
from model.backends.published.layout import PADDING, Ids, Laid, lay
from model.backends.published.passes.head import best_of_logits, unpacked
from model.backends.published.passes.hole_pass import allowed_table
from model.backends.published.passes.room import check_room, sizes_told
from model.backends.published.prediction import Starts, Wanted, healed_tokens, together
from model.backends.published.template import message_ids
from model.backends.published.weights import choose_device, choose_dtype, weight_files
from model.canvas import Canvas
from model.errors import BadRequest, MissingExtra, UnknownModel

CONTEXT_TOKENS = 4096
SAMPLER = "entropy_bound(0.1)"
SURE = 100.0
"""Logit of what is given, where the model is told what it said before: it is sure of that."""
SEED = 20_26


def is_diffusion_gemma(directory: Path) -> bool:
    """Whether the directory holds one of its checkpoints. Raises UnknownModel for a damaged config.json."""
    return (directory / "config.json").is_file() and ConfigFile(directory).model_type == "diffusion-gemma"


class NoisePrefilled(CachedContext):
    """The keys and values of what stands before the first hole; see `CachedContext`."""

    def __init__(
        self, model: Any, spec: ModelSpec, context: Context, *, codec: Starts | None, canvas_length: int
    ) -> None:
        self._model, self._spec, self._context = model, spec, context
        self._device, self._limit = model.device, canvas_length
        self._healed = healed_tokens(context.starts_with, codec)
        self._allowed = allowed_table(self._healed, spec.vocab_size, model.device)
        self._rng = np.random.default_rng(SEED)
        self._said: tuple[Ids, Tensor] | None = (
            None  # one row's ids (PADDING where open), and the logits of its last pass
        )
        with sizes_told(self._device, rows=1, tokens=len(context.pieces[0]), release=lambda: None), torch.no_grad():
            prompt = torch.from_numpy(context.pieces[0][None]).to(self._device)
            self._past = model.model.encoder(input_ids=prompt, use_cache=True).past_key_values

    def denoise(self, canvas: Canvas) -> Prediction:
        """See `CachedContext.denoise`. Rows of equal length are one pass."""
        return self._predict(canvas, canvas.open)

    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        """As `CachedContext.score`, but each token is given all others except half of its hole, which are noise."""
        asked = canvas.used if wanted is None else canvas.used & wanted
        halves = [asked & (canvas.left_of(canvas.used) % 2 == fold) for fold in range(2)]
        return together(*(self._predict(canvas, half) for half in halves))

    @torch.no_grad()
    def _predict(self, canvas: Canvas, where: NDArray[np.bool_]) -> Prediction:
        """The prediction of what is wanted (`where`), which is noise as what is open is."""
        laid = self._laid(canvas)
        rows, tokens = laid.ids.shape
        made: Prediction | None = None
        with sizes_told(self._device, rows=rows, tokens=tokens, release=self._forget):
            for length in np.unique(laid.length):
                part = self._pass(canvas, where, laid, np.flatnonzero(laid.length == length))
                made = part if made is None else together(made, part)
        assert made is not None
        return made

    def _forget(self) -> None:
        self._said = None

    def _laid(self, canvas: Canvas) -> Laid:
        """The canvas with what stands between and after its holes, as far as the model's canvas goes."""
        between, after = self._context.pieces[1:-1], self._context.pieces[-1]
        room = self._limit - int(canvas.used.sum(axis=1).max(initial=0)) - sum(map(len, between))
        if room < 0:
            raise BadRequest(f"the gaps and what stands between them take more than this model's {self._limit} tokens")
        return lay((np.empty(0, dtype=np.int64), *between, after[:room]), canvas)

    def _pass(self, canvas: Canvas, where: NDArray[np.bool_], laid: Laid, rows: Ids) -> Prediction:
        """The prediction of what is wanted (`where`) in these rows, which are of one length; 0 elsewhere."""
        given = laid.ids.copy()
        open_row, open_column = np.nonzero(canvas.open | where)
        given[open_row, laid.at[open_row, open_column]] = PADDING
        given = given[rows, : laid.length[rows[0]]]
        shown = np.where(given == PADDING, self._rng.integers(0, self._spec.vocab_size, given.shape), given)
        out = self._model(
            past_key_values=_for_rows(self._past, len(rows)),
            decoder_input_ids=torch.from_numpy(shown).to(self._device),
            self_conditioning_logits=self._told(given),
        )
        logits: Tensor = out.logits
        self._said = (given, logits) if len(rows) == 1 else None
        row, column = np.nonzero(where & np.isin(np.arange(canvas.rows), rows)[:, None])
        wanted = Wanted(canvas=canvas, row=row, column=column)
        place = np.searchsorted(rows, row)
        at = torch.from_numpy(np.stack([place, laid.at[row, column]])).to(self._device)
        packed = best_of_logits(
            logits[at[0], at[1]].float(),
            torch.from_numpy(wanted.standing).to(self._device),
            mask_id=self._spec.mask_id,
            top_k=self._spec.top_k,
            allowed=self._allowed,
            which=None if self._allowed is None else torch.from_numpy(wanted.which(self._healed)).to(self._device),
        )
        return wanted.prediction(unpacked(packed, len(row)))

    def _told(self, given: Ids) -> Tensor | None:
        """What the model said last of this very row, as it was trained to be told; of what is given, that it is sure.

        None if the row is another one, or several: the logits of all rows would take gigabytes.
        """
        if self._said is None or self._said[0].shape != given.shape:
            return None
        before, logits = self._said
        if (given != before)[before != PADDING].any():
            return None
        column = np.flatnonzero(given[0] != PADDING)
        at = torch.from_numpy(np.stack([column, given[0, column]])).to(self._device)
        told = logits.to(self._model.dtype)  # a copy, or not read again
        told[0, at[0]] = 0
        told[0, at[0], at[1]] = SURE
        return told


def _for_rows(past: Any, rows: int) -> Any:
    """The cache of one row for several: the same memory, looked at several times. The backend only reads it."""
    wide = copy(past)
    wide.layers = [copy(layer) for layer in past.layers]
    for layer in wide.layers:
        layer.keys, layer.values = (t.expand(rows, -1, -1, -1) for t in (layer.keys, layer.values))
    return wide


class NoiseBackend:
    """The model on its device; see `Backend`."""

    def __init__(self, model: Any, spec: ModelSpec, *, codec: Starts | None, canvas_length: int) -> None:
        self._model, self._codec, self._canvas_length = model, codec, canvas_length
        self.spec = spec

    @property
    def device(self) -> str:
        """Where the weights are, as torch names it."""
        return str(self._model.device.type)

    def prefill(self, context: Context, *, reuse: CachedContext | None = None) -> CachedContext:  # noqa: ARG002
        """See `Backend.prefill`."""
        if not len(context.pieces[0]):
            beginning = np.array([self.spec.mask_id], dtype=np.int64)  # an encoder needs something to read
            context = Context(pieces=(beginning, *context.pieces[1:]), starts_with=context.starts_with)
        return NoisePrefilled(self._model, self.spec, context, codec=self._codec, canvas_length=self._canvas_length)


def open_noise_backend(directory: Path, *, device: str) -> tuple[NoiseBackend, PublishedCodec]:
    """The checkpoint in `directory` with its tokenizer. Raises UnknownModel, UnknownDevice, NotEnoughMemory, MissingExtra."""
    try:
        from transformers import DiffusionGemmaForBlockDiffusion, logging
    except ImportError as error:
        raise MissingExtra(
            f"the model in {directory} needs a newer transformers: pip install --upgrade 'dlm-fill[torch]'"
        ) from error
    logging.disable_progress_bar()
    place = choose_device(device)
    dtype, codec, files = choose_dtype("auto", place), read_codec(directory), weight_files(directory)
    check_room(directory, files, device=place, dtype=dtype)
    try:
        model: Any = DiffusionGemmaForBlockDiffusion.from_pretrained(
            directory, local_files_only=True, use_safetensors=True, dtype=dtype
        )
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:160]
        raise UnknownModel(f"cannot load the model in {directory} ({reason}): download the checkpoint again") from error
    return backend_of(model.to(place).eval().requires_grad_(False), codec, around=message_ids(directory)), codec


def backend_of(
    model: Any, codec: Starts | None, *, around: tuple[tuple[int, ...], tuple[int, ...]] | None = None
) -> NoiseBackend:
    """The model as the engine drives it. What is open is kept as its padding, which it never writes.

    around: what texts begin and end with; None: its token for a beginning, and nothing.
    """
    text, length = model.config.text_config, int(model.config.canvas_length)
    bos = () if text.bos_token_id is None else (int(text.bos_token_id),)
    start_ids, end_ids = around or (bos, ())
    spec = ModelSpec(
        mask_id=int(text.pad_token_id or 0),
        end_of_hole_id=None,
        vocab_size=int(text.vocab_size),
        context_tokens=max(1, min(CONTEXT_TOKENS, int(text.max_position_embeddings) - length) - len(start_ids)),
        canvas_tokens=max(1, length // 2),
        start_ids=start_ids,
        end_ids=end_ids,
        capabilities=Capabilities(scores=False, sampler=SAMPLER),
    )
    return NoiseBackend(model, spec, codec=codec, canvas_length=length)
