"""A published checkpoint, loaded: the network, its conventions, and logits that can be compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.backend import Backend, Capabilities, ModelSpec
from model.backends.published.bidirectional import SequenceBackend
from model.backends.published.blockwise import BlockBackend
from model.backends.published.codec import PublishedCodec, read_codec
from model.backends.published.families import family_of
from model.backends.published.families.family import Family
from model.backends.published.native.diffusion_gemma import NoiseBackend, is_diffusion_gemma, open_noise_backend
from model.backends.published.networks.decoder import Decoder
from model.backends.published.passes.room import check_room
from model.backends.published.template import instructed
from model.backends.published.weights import choose_device, choose_dtype, fastest_dtype, load_weights, weight_files
from model.errors import BadRequest, UnknownModel

CANVAS_TOKENS = 256
CANVAS_SHARE = 4
"""At most one part in so many of the text is canvas."""


class LoadedModel:
    """A network with its weights on a device, and what its family says of it."""

    def __init__(self, network: Decoder, family: Family, directory: Path) -> None:
        self.network, self.family, self.directory = network, family, directory
        self.spec = spec_of(family)

    @torch.no_grad()
    def full_logits(self, ids: Any, *, block_tokens: int | None = None) -> Tensor:
        """float32 [B, L, V] of `ids` int64 [B, L] (tensor, array or lists): row i predicts position i.

        A shift is undone (row 0 then is the network's own row 0, as Dream's code has it). Every position sees every
        other, unless `block_tokens` asks for attention that is causal from block to block.

        Raises BadRequest for ids that are no tokens of this model.
        """
        tokens = torch.as_tensor(ids, dtype=torch.int64, device=self.network.device)
        if tokens.dim() != 2 or not tokens.numel():
            raise BadRequest(f"token ids of shape {list(tokens.shape)}: give [rows, tokens], at least one of each")
        if int(tokens.min()) < 0 or int(tokens.max()) >= self.network.config.vocab_size:
            raise BadRequest(f"token ids outside of 0 to {self.network.config.vocab_size - 1}, which this model has")
        sees = None if block_tokens is None else block_causal(tokens.shape[1], block_tokens, self.network.device)
        logits = self.network.logits(self.network.states(tokens, sees=sees)).float()
        return torch.cat([logits[:, :1], logits[:, :-1]], dim=1) if self.spec.shift else logits

    def backend(self, codec: PublishedCodec | None = None, *, refresh: int = 1) -> SequenceBackend | BlockBackend:
        """The network as the engine drives it; with `codec`, holes can begin inside a word.

        refresh: the context's keys and values are computed anew in every so many passes; 1 is exact. Raises BadRequest
        for more with a network that is causal from block to block: it keeps them exactly in any case.
        """
        if refresh < 1:
            raise BadRequest(f"a refresh every {refresh} passes is none: ask for 1 (exact) or more")
        if self.spec.block_tokens is not None:
            if refresh > 1:
                raise BadRequest(
                    f"{self.directory.name} is causal from block to block: its context is kept exactly in any case;"
                    " leave out --context-refresh"
                )
            return BlockBackend(self.network, self.spec, fim=self.family.fim, codec=codec)
        return SequenceBackend(self.network, self.spec, codec=codec, refresh=refresh)


def block_causal(length: int, block_tokens: int, device: torch.device) -> Tensor:
    """Bool [L, L]: which positions (columns) each position (row) sees: its own block and those before."""
    block = torch.arange(length, device=device) // block_tokens
    return block[:, None] >= block[None, :]


def spec_of(family: Family) -> ModelSpec:
    """What the engine must know of the family."""
    framing = len(family.start_ids) + len(family.end_ids)
    canvas = min(CANVAS_TOKENS, max(1, family.context_tokens // CANVAS_SHARE))
    return ModelSpec(
        mask_id=family.mask_id,
        end_of_hole_id=family.end_of_hole_id,
        vocab_size=family.config.vocab_size,
        context_tokens=max(1, family.context_tokens - canvas - framing),
        canvas_tokens=canvas,
        expand_id=family.expand_id,
        delete_id=family.delete_id,
        shift=family.shift,
        block_tokens=family.block_tokens,
        start_ids=family.start_ids,
        end_ids=family.end_ids,
        capabilities=Capabilities(scores=False),
    )


def load(path: str | Path, device: str | torch.device, dtype: str | torch.dtype) -> LoadedModel:
    """See `model.backends.published.load_checkpoint`; the dtype `fastest` is what the network computes fastest in there."""
    directory = Path(path).expanduser()
    if not directory.is_dir():
        raise UnknownModel(f"no directory {directory}: name the directory of a published diffusion checkpoint")
    place = device if isinstance(device, torch.device) else choose_device(device)
    family = instructed(family_of(directory), directory)
    if not 0 <= family.mask_id < family.config.vocab_size:
        raise UnknownModel(
            f"{directory / 'config.json'}: the mask is token {family.mask_id}, of {family.config.vocab_size}:"
            " set mask_token_id to the mask's id"
        )
    with torch.device("meta"):
        network = Decoder(family.config)
    chosen = _fastest(network, place) if dtype == "fastest" else choose_dtype(dtype, place)
    check_room(directory, weight_files(directory), device=place, dtype=chosen)
    load_weights(network, family, directory, device=place, dtype=chosen)
    network = network.eval().requires_grad_(False)
    with torch.no_grad():
        network.join()
    return LoadedModel(network, family, directory)


def _fastest(network: Decoder, place: torch.device) -> torch.dtype:
    config = network.config
    parameters = sum(p.numel() for p in network.parameters())
    return fastest_dtype(place, parameters=parameters, width=config.width, inner=config.feed_forward)


def recognised(directory: Path) -> None:
    """Raises UnknownModel if the checkpoint, of which the weights may still be missing, could not be opened here."""
    if not is_diffusion_gemma(directory):
        family_of(directory)


def is_experimental(backend: Backend) -> bool:
    """Whether it does what its model was not made for."""
    return isinstance(backend, NoiseBackend)


def open_backend(
    directory: Path, *, device: str, refresh: int = 1
) -> tuple[SequenceBackend | BlockBackend | NoiseBackend, PublishedCodec]:
    """The checkpoint in `directory` with its tokenizer, ready to fill.

    Raises UnknownModel and UnknownDevice as `model.backends.published.load_checkpoint`, and for a tokenizer that is not its.
    """
    if is_diffusion_gemma(directory):
        if refresh > 1:
            raise BadRequest(f"{directory.name} keeps its context in any case: leave out --context-refresh")
        return open_noise_backend(directory, device=device)
    codec = read_codec(directory)
    loaded = load(directory, device, "fastest")
    if codec.text_ids > loaded.spec.vocab_size:
        raise UnknownModel(
            f"the tokenizer in {directory} has {codec.text_ids} tokens, the network {loaded.spec.vocab_size}:"
            " download the checkpoint again, both belong together"
        )
    return loaded.backend(codec, refresh=refresh), codec
