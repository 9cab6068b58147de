"""What the adapter is trained on: the text itself, and what the left-to-right mode says of it with both sides in view."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.lab.train.adapt.examples import Batch
from model.lab.train.adapt.network import AdaptedDecoder


def losses(network: AdaptedDecoder, batch: Batch, *, most: int) -> dict[str, Tensor]:
    """Return "text", the cross-entropy of masked slots, and "kept", the KL divergence from the left-to-right mode's
    distributions to the predictions (both in nats a slot, the first with a gradient as well), and "agree", the share of
    slots whose likeliest token is that of the left-to-right mode, and "first", the same for fully masked first slots.

    most: rows that the head computes, always as many, so that shapes stay the same. The left-to-right mode's predictions
    of a slot see the true slots before it (self-distillation: OPDLM, arXiv 2606.06712).
    """
    context, memory = network.read(batch.ids)
    states = network.states(batch.inputs, batch.masked, batch.starts, batch.lengths, memory)
    weights = batch.weights.flatten()
    picked = torch.topk(weights, min(most, len(weights)), sorted=False).indices
    weights, targets = weights[picked], batch.targets.flatten()[picked]
    offsets = torch.arange(batch.inputs.shape[2], device=batch.ids.device)
    places = (batch.starts[..., None] + offsets).clamp(max=batch.ids.shape[1] - 1)  # [B, C, L]
    whole = torch.arange(len(batch.ids), device=batch.ids.device)[:, None, None] * batch.ids.shape[1] + places
    decoder = network.decoder
    with torch.no_grad():
        own = F.log_softmax(decoder.logits(context.flatten(0, 1)[whole.flatten()[picked]]).float(), dim=-1)
    said = F.log_softmax(decoder.logits(states.flatten(0, 1)[picked]).float(), dim=-1)
    total = weights.sum()
    text = -(said.gather(1, targets[:, None])[:, 0] * weights).sum() / total
    full = weights == 1.0
    kept = ((own.exp() * (own - said)).sum(dim=1) * full).sum() / full.sum()
    agree = ((own.argmax(dim=1) == said.argmax(dim=1)) & full).sum() / full.sum()
    return {"text": text, "kept": kept, "agree": agree.detach()}
