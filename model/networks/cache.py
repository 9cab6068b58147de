"""The exact context cache: keys and values of both streams, and which of their tokens each hole sees.

A stream's state at a token depends on the tokens it has read before and on nothing else. So what two
requests have in common at the start of the text (left-to-right stream) and at its end (right-to-left
stream) is kept as it is; only the rest is computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from model.denoiser import Context
from model.networks.reading import Ids, common_length, reading_of
from model.networks.two_streams import Network, Stream, Streams


@dataclass(frozen=True, kw_only=True)
class ContextCache:
    """What one request holds.

    ahead_ids, back_ids: int64 [P], [S], in text order. left[h]: number of `ahead` tokens before hole h;
    right[h]: index of the first `back` token after it. pointer_keys: [1, P + S - 2, pointer_width], with
    `following` int64 [P + S - 2] the token that each of them would copy.
    """

    ahead_ids: Ids
    back_ids: Ids
    left: tuple[int, ...]
    right: tuple[int, ...]
    streams: Streams
    pointer_keys: torch.Tensor
    following: torch.Tensor


def _stream(network: Network, ids: Ids, role: int, known: tuple[Ids, Stream] | None) -> Stream:
    """The stream over `ids` (in reading order), continuing what is `known` as far as that agrees."""
    keep = common_length(ids, known[0]) if known else 0
    if known and keep == len(ids):
        return known[1].first(keep)
    device = network.embedding.weight.device
    rest = torch.from_numpy(ids[keep:].copy()).to(device).unsqueeze(0)
    return network.stream(rest, role, known[1].first(keep) if known and keep else None)


def read_context(network: Network, context: Context, earlier: ContextCache | None) -> ContextCache:
    """Both streams over the context's pieces; what `earlier` shares with them is not computed again."""
    read = reading_of(context)
    ahead, back = read.ahead_ids, read.back_ids
    ahead_stream = _stream(network, ahead, 0, (earlier.ahead_ids, earlier.streams.ahead) if earlier else None)
    known = (earlier.back_ids[::-1], earlier.streams.back.reversed()) if earlier else None
    back_stream = _stream(network, back[::-1], 1, known).reversed()
    return ContextCache(
        ahead_ids=ahead,
        back_ids=back,
        left=read.left,
        right=read.right,
        streams=Streams(ahead=ahead_stream, back=back_stream),
        **_pointer(network, ahead, ahead_stream, back, back_stream),
    )


def _pointer(network: Network, ahead: Ids, a: Stream, back: Ids, b: Stream) -> dict[str, torch.Tensor]:
    device = network.embedding.weight.device
    ahead_ids = torch.from_numpy(ahead).to(device).unsqueeze(0)
    back_ids = torch.from_numpy(back.copy()).to(device).unsqueeze(0)
    keys = [
        network.pointer_keys(a.states, ahead_ids, ahead=True)[:, :-1],
        network.pointer_keys(b.states, back_ids, ahead=False)[:, :-1],
    ]
    return {
        "pointer_keys": torch.cat(keys, dim=1),
        "following": torch.cat([ahead_ids[0, 1:], back_ids[0, 1:]]),
    }
