"""A published network that is causal from block to block, as a `Backend` (LLaDA2.x, SDAR, Stable-DiffCoder, bd3lm).

It appends: the hole is the end of its text, and what stands after the gap is told before it, by fill-in-the-middle
tokens where the checkpoint has them. Blocks of the prompt never see the hole: their keys and values are exact over
all passes and kept from request to request as far as prompts agree. Blocks are denoised one after the other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from model.backend import CachedContext, Context, ModelSpec, Prediction
from model.backends.published.families.family import FimPrompt
from model.backends.published.layout import PADDING, Ids, lay
from model.backends.published.networks.decoder import Continued, Decoder, Memory
from model.backends.published.passes.head import Best
from model.backends.published.passes.hole_pass import Asked, Healed, HolePass, allowed_table
from model.backends.published.passes.room import sizes_told
from model.backends.published.passes.runner import Runner, runner_for
from model.backends.published.prediction import Starts, Wanted, healed_tokens, together
from model.canvas import Canvas
from model.errors import BadRequest


def prompt_of(context: Context, fim: FimPrompt | None) -> Ids:
    """int64 [P]: what the hole is appended to. Without such tokens the text after the gap is not told.

    Raises BadRequest for several holes.
    """
    if len(context.pieces) != 2:
        raise BadRequest(
            f"this model fills one gap at a time, not {len(context.pieces) - 1}: its attention is causal between blocks;"
            " fill them one by one, or use a model that sees everything"
        )
    before, after = context.pieces
    if fim is None or not len(after):
        return before
    told = (
        [(fim.suffix, after), (fim.prefix, before)] if fim.suffix_first else [(fim.prefix, before), (fim.suffix, after)]
    )
    return np.concatenate([*(np.append([token], piece) for token, piece in told), [fim.middle]]).astype(np.int64)


class BlockPrefilled(CachedContext):
    """The prompt's whole blocks, exact; see `CachedContext`."""

    def __init__(
        self, step: HolePass, spec: ModelSpec, prompt: Ids, healed: Healed, known: BlockPrefilled | None
    ) -> None:
        self._step, self._spec, self.prompt, self._healed = step, spec, prompt, healed
        self._allowed = allowed_table(healed, spec.vocab_size, step.network.device)
        self._block = spec.block_tokens or 1
        shown = len(prompt) - 1 if spec.shift else len(prompt)  # a shifted canvas needs the prompt's last output
        self.kept = max(0, shown) // self._block * self._block
        with sizes_told(step.network.device, rows=1, tokens=len(prompt), release=step.release):
            self.memory = self._read(known)

    def _read(self, known: BlockPrefilled | None) -> Memory:
        """Keys and values of the prompt's whole blocks; those that `known` has in common are not computed again."""
        past, have = Memory(), 0
        if known is not None:
            n = min(self.kept, known.kept)
            differs = np.flatnonzero(self.prompt[:n] != known.prompt[:n])
            have = (int(differs[0]) if len(differs) else n) // self._block * self._block
            past = known.memory.first(have)
        if have == self.kept:
            return past
        grown = Continued(past, keep=True)
        device = self._step.network.device
        at = torch.arange(have, self.kept, device=device)
        sees = at[:, None] // self._block >= torch.arange(self.kept, device=device)[None] // self._block
        tokens = torch.from_numpy(self.prompt[None, have : self.kept]).to(device)
        self._step.network.states(tokens, sees=sees[None, None], memory=grown, at=at[None])
        return grown

    @torch.no_grad()
    def denoise(self, canvas: Canvas) -> Prediction:
        """See `CachedContext.denoise`. Open positions behind the first block that has any wait: probability 0."""
        prediction, columns = self._predict(canvas, canvas.open)
        block = np.where(canvas.open, columns // self._block, np.iinfo(np.int64).max)
        waits = canvas.open & (block > block.min(axis=1, keepdims=True))
        prediction.probs[waits] = 0
        prediction.entropy[waits] = np.log(self._spec.vocab_size)
        return prediction

    @torch.no_grad()
    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        """As `CachedContext.score`, but a token is given what stands left of its block alone: one exact pass per block."""
        asked = canvas.used if wanted is None else canvas.used & wanted
        columns = lay((self.prompt, np.empty(0, dtype=np.int64)), canvas).at
        made: Prediction | None = None
        for block in np.unique(columns[asked] // self._block).tolist():
            here = canvas.used & (columns // self._block == block)
            part = self._predict(canvas, here & asked, shown=replace(canvas, open=canvas.open | here))[0]
            made = part if made is None else together(made, part)
        return self._predict(canvas, asked)[0] if made is None else made

    def _predict(
        self, canvas: Canvas, where: NDArray[np.bool_], *, shown: Canvas | None = None
    ) -> tuple[Prediction, Ids]:
        """(prediction of `canvas`, the column of each of its positions), the network being `shown` another one.

        The last block is full, of masks if need be.
        """
        laid, wanted = lay((self.prompt, np.empty(0, dtype=np.int64)), shown or canvas), Wanted.of(canvas, where)
        width = -(-laid.ids.shape[1] // self._block) * self._block
        ids = np.full((canvas.rows, width), self._spec.mask_id, dtype=np.int64)
        ids[:, : laid.ids.shape[1]] = np.where(laid.ids == PADDING, self._spec.mask_id, laid.ids)
        columns = laid.at[wanted.row, wanted.column]
        release = self._step.release
        with sizes_told(self._step.network.device, rows=canvas.rows, tokens=width, release=release):
            best = self._stepped(canvas, wanted, ids, columns)
        return wanted.prediction(best), laid.at

    def _stepped(self, canvas: Canvas, wanted: Wanted, ids: Ids, columns: Ids) -> Best:
        """Of the wanted, which stand in `columns` (int64 [n]) of `ids` (int64 [B, T]); only those behind the prompt are read."""
        width = ids.shape[1]
        source = np.maximum(columns - 1, 0) if self._spec.shift else columns
        slot = self._step.slot(canvas.rows, width)
        slot.load(self.memory)
        tail = width - self.kept
        return self._step.run(
            slot,
            Asked(
                ids=ids[:, self.kept :],
                at=np.broadcast_to(np.arange(self.kept, width), (canvas.rows, tail)),
                length=np.full(canvas.rows, width, dtype=np.int64),
                picked=wanted.row * tail + source - self.kept,
                standing=wanted.standing,
                allowed=self._allowed,
                which=None if self._allowed is None else wanted.which(self._healed),
            ),
        )


class BlockBackend:
    """A block-causal network with its weights on one device; see `Backend`."""

    def __init__(
        self,
        network: Decoder,
        spec: ModelSpec,
        *,
        fim: FimPrompt | None,
        codec: Starts | None = None,
        runner: Runner | None = None,
    ) -> None:
        self._network, self._fim, self._codec = network, fim, codec
        self.spec = spec
        self._step = HolePass(
            network,
            runner or runner_for(network.device),
            mask_id=spec.mask_id,
            top_k=spec.top_k,
            block_tokens=spec.block_tokens or 1,
        )

    @property
    def device(self) -> str:
        """Where the weights are, as torch names it."""
        return str(self._network.device.type)

    @torch.no_grad()
    def prefill(self, context: Context, *, reuse: CachedContext | None = None) -> CachedContext:
        """See `Backend.prefill`. Raises BadRequest for several holes."""
        known = reuse if isinstance(reuse, BlockPrefilled) else None
        healed = healed_tokens(context.starts_with, self._codec)
        return BlockPrefilled(self._step, self.spec, prompt_of(context, self._fim), healed, known)
