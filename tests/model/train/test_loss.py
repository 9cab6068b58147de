from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.networks.two_streams import Network
from model.tokenizer import END_OF_HOLE_ID, RESERVED_TOKENS, Tokenizer
from model.train.holes import TokenKinds
from model.train.loss import canvas_nats, losses, mixed_nats
from model.train.tokens import Tokens
from model.train.windows import Batch, Shape, Windows
from tests.model import toy


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Windows:
    folder = toy.corpus(tmp_path_factory.mktemp("corpus"))
    kinds = TokenKinds(Tokenizer(folder / "tokenizer.json"))
    return Windows(Tokens.load(folder, "train"), kinds, Shape(batch=3, window=96, canvas=192), seed=0, joint=0.4)


@pytest.fixture(scope="module")
def net() -> Network:
    return toy.network()


@torch.inference_mode()
def nats_of(net: Network, batch: Batch) -> Tensor:
    streams = net.streams(batch.ids, batch.ids)
    return canvas_nats(net, batch, streams, net.pointer_keys(streams.ahead.states, batch.ids, ahead=True))


def single_holes(batch: Batch) -> list[tuple[int, int, int, int]]:
    """(row, slot, left, right) of every slot that has one hole with text in the window."""
    found = []
    for row in range(len(batch.ids)):
        for slot in range(int(batch.slot[row].max()) + 1):
            here = batch.slot[row] == slot
            left, right = batch.left[row][here].unique().tolist(), batch.right[row][here].unique().tolist()
            if len(left) == 1 and int(batch.ids[row, left[0]]) >= RESERVED_TOKENS:
                found.append((row, slot, left[0], right[0]))
    return found


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_hole_learns_nothing_of_its_own_text_from_the_streams(net: Network, batches: Windows, index: int) -> None:
    batch = batches[index]
    before, elsewhere = nats_of(net, batch), 0.0
    generator = torch.Generator().manual_seed(index)
    holes = single_holes(batch)
    assert len(holes) > 3
    for row, slot, left, right in holes:
        ids = batch.ids.clone()
        ids[row, left:right] = torch.randint(RESERVED_TOKENS, toy.VOCAB, (right - left,), generator=generator)
        after, own = nats_of(net, replace(batch, ids=ids)), batch.slot[row] == slot
        torch.testing.assert_close(after[row, own], before[row, own], rtol=1e-4, atol=1e-4)
        others = (batch.slot[row] >= 0) & ~own
        if others.any():
            elsewhere = max(elsewhere, float((after - before)[row, others].abs().max()))
    assert elsewhere > 0.1, "the text does matter to holes elsewhere"


def test_slots_learn_nothing_from_each_other(net: Network, batches: Windows) -> None:
    batch = batches[0]
    before = nats_of(net, batch)
    canvas = torch.where(batch.slot == 1, 300, batch.canvas)
    after = nats_of(net, replace(batch, canvas=canvas))
    torch.testing.assert_close(after[batch.slot != 1], before[batch.slot != 1], rtol=1e-4, atol=1e-4)
    assert float((after - before)[batch.slot == 1].abs().max()) > 0.1


def test_a_score_slot_is_causal(net: Network, batches: Windows) -> None:
    batch = batches[1]
    row = int((batch.causal == 1).sum(1).argmax())
    slot = int(batch.slot[row][batch.causal[row] == 1][0])
    at = torch.nonzero(batch.slot[row] == slot).flatten()
    before = nats_of(net, batch)
    canvas = batch.canvas.clone()
    canvas[row, at[-1]] = 300
    after = nats_of(net, replace(batch, canvas=canvas))
    torch.testing.assert_close(after[row, at[:-1]], before[row, at[:-1]], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(after[row, at[-1]], before[row, at[-1]])


def test_the_mixture_is_a_distribution_over_the_vocabulary(net: Network, batches: Windows) -> None:
    one = batches[0]
    expanded = {name: getattr(one, name)[:1].expand(toy.VOCAB, -1) for name in vars(one)}
    target = torch.arange(toy.VOCAB).unsqueeze(1).expand(-1, one.canvas.shape[1])
    nats = torch.cat(
        [
            nats_of(net, Batch(**{n: t[part] for n, t in {**expanded, "target": target}.items()}))
            for part in torch.arange(toy.VOCAB).split(50)
        ]
    )
    total = nats.neg().exp().sum(0)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=1e-3, atol=1e-3)


def test_a_copy_counts_all_places_that_hold_the_target() -> None:
    weights = torch.tensor([[[0.5, 0.3, 0.2]]]).log()
    vocabulary, odds = torch.tensor([[0.25]]).log().neg(), torch.tensor([[0.0]])
    nats = mixed_nats(vocabulary, weights, odds, torch.tensor([[[True, False, True]]]))
    assert float(nats.neg().exp()) == pytest.approx(0.5 * 0.7 + 0.5 * 0.25)
    nothing = mixed_nats(vocabulary, weights, torch.tensor([[-1e9]]), torch.tensor([[[True, True, True]]]))
    assert float(nothing.neg().exp()) == pytest.approx(0.25)


def test_losses_are_means_over_what_carries_weight(net: Network, batches: Windows) -> None:
    batch = batches[0]
    parts, nats = losses(net, batch), nats_of(net, batch)
    numbers = parts.numbers()
    scored = batch.causal == 1
    ends = batch.target == END_OF_HOLE_ID
    content = (~scored & ~ends).float() * batch.weight
    assert numbers["score"] == pytest.approx(float(nats[scored].mean()), rel=1e-4)
    assert numbers["denoise"] == pytest.approx(float((nats * content).sum() / content.sum()), rel=1e-4)
    assert all(value > 0 for value in numbers.values())
    parts.total().backward()
    without = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    net.zero_grad()
    assert without == [], "every parameter learns"


def test_without_a_canvas_the_streams_learn_alone(net: Network, batches: Windows) -> None:
    shape = replace(batches.shape, canvas=0)
    parts = losses(net, Windows(batches.tokens, batches.kinds, shape, seed=0)[0])
    assert parts.numbers()["score"] == parts.numbers()["denoise"] == parts.numbers()["end"] == 0
    numbers = parts.numbers()
    assert numbers["ahead"] > 0
    assert float(parts.total().detach()) == pytest.approx(numbers["ahead"] + 0.5 * numbers["back"])


def test_padding_carries_no_loss(tmp_path: Path, net: Network) -> None:
    folder = toy.corpus(tmp_path)
    kinds = TokenKinds(Tokenizer(folder / "tokenizer.json"))
    tokens = Tokens.load(folder, "train")
    longest = int((tokens.offsets[1:] - tokens.offsets[:-1]).max())
    # A window longer than any file, and one that is longer still: the same text, more padding.
    near, far = (
        losses(net, Windows(tokens, kinds, Shape(batch=1, window=longest + more, canvas=0), seed=0)[0]).numbers()
        for more in (2, 50)
    )
    assert near["ahead"] == pytest.approx(far["ahead"], rel=1e-4)
