from __future__ import annotations

import itertools

import pytest
import torch

from model.networks.two_streams import Layout, Network, Stream
from tests.model import toy

IDS = torch.randint(16, toy.VOCAB, (2, 24), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", params=[(2, False), (1, True)], ids=["all heads", "shared heads and biases"])
def net(request: pytest.FixtureRequest) -> Network:
    kv_heads, qkv_bias = request.param
    return toy.network(kv_heads=kv_heads, qkv_bias=qkv_bias)


def same(a: Stream, b: Stream) -> None:
    for x, y in zip((*a.keys, *a.values, a.states), (*b.keys, *b.values, b.states), strict=True):
        torch.testing.assert_close(x, y, rtol=1e-4, atol=1e-4)


def test_parameter_names_are_those_of_checkpoints() -> None:
    names = {n for n in toy.network().state_dict() if not n.startswith("blocks.")}
    assert names == {
        "role",
        "embedding.weight",
        "norm.weight",
        "pointer_query.weight",
        "pointer_ahead.weight",
        "pointer_back.weight",
        "pointer_tokens.weight",
        "pointer_gate.weight",
        "pointer_gate.bias",
    }
    block = {n.removeprefix("blocks.1.") for n in toy.network().state_dict() if n.startswith("blocks.1.")}
    attention = {f"attention.{n}.weight" for n in ("q", "k", "v", "o", "q_norm", "k_norm")}
    others = {f"{n}.weight" for n in ("attention_norm", "feed_norm", "gate", "up", "down")}
    assert block == attention | others


@pytest.mark.parametrize("role", [0, 1])
@torch.inference_mode()
def test_a_stream_with_a_past_is_the_whole_stream(net: Network, role: int) -> None:
    whole = net.stream(IDS, role)
    same(net.stream(IDS[:, 9:], role, net.stream(IDS[:, :9], role)), whole)
    same(net.stream(IDS[:, 9:], role, whole.first(9)), whole)
    one_by_one = net.stream(IDS[:, :1], role)
    for at in range(1, IDS.shape[1]):
        one_by_one = net.stream(IDS[:, at : at + 1], role, one_by_one)
    same(one_by_one, whole)


@torch.inference_mode()
def test_a_stream_sees_what_it_has_read_only(net: Network) -> None:
    changed = IDS.clone()
    changed[:, 12] = 16 + (changed[:, 12] - 15) % (toy.VOCAB - 16)
    before, after = net.streams(IDS, IDS), net.streams(changed, changed)
    torch.testing.assert_close(before.ahead.states[:, :12], after.ahead.states[:, :12])
    torch.testing.assert_close(before.back.states[:, 13:], after.back.states[:, 13:])
    assert not torch.allclose(before.ahead.states[:, 12:], after.ahead.states[:, 12:])
    assert not torch.allclose(before.back.states[:, :13], after.back.states[:, :13])


def layout(rows: int, canvas: int, *, left: int, right: int, length: int) -> Layout:
    at = torch.arange(length)
    return Layout(
        position=(left - 1 + torch.arange(canvas)).expand(rows, -1),
        back_position=torch.full((rows, canvas), length - right),
        sees_ahead=(at < left).expand(rows, canvas, -1),
        sees_back=(at >= right).expand(rows, canvas, -1),
        sees_canvas=torch.ones(rows, canvas, canvas, dtype=torch.bool),
    )


@torch.inference_mode()
def test_canvases_over_one_context_do_not_see_each_other(net: Network) -> None:
    streams = net.streams(IDS[:1], IDS[:1])
    canvases = IDS[:, :6].repeat(2, 1).roll(3, 1)
    canvases[2:] += 1
    together = net.canvas(canvases, streams, layout(4, 6, left=10, right=14, length=24))
    for row in range(4):
        alone = net.canvas(canvases[row : row + 1], streams, layout(1, 6, left=10, right=14, length=24))
        torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_canvas_sees_what_its_layout_lets_it_see(net: Network) -> None:
    canvas, there = IDS[:1, :6], layout(1, 6, left=10, right=14, length=24)
    reference = net.canvas(canvas, net.streams(IDS[:1], IDS[:1]), there)
    for at, seen in itertools.chain(((n, False) for n in range(10, 14)), ((n, True) for n in (0, 9, 14, 23))):
        text = IDS[:1].clone()
        text[:, at] = 17 if text[0, at] != 17 else 18
        moved = not torch.allclose(net.canvas(canvas, net.streams(text, text), there), reference, atol=1e-5)
        assert moved == seen, at


@torch.inference_mode()
def test_pointer_weights_are_a_distribution_over_what_is_seen(net: Network) -> None:
    streams = net.streams(IDS, IDS)
    keys = net.pointer_keys(streams.ahead.states, IDS, ahead=True)
    sees = torch.zeros(2, 5, 24, dtype=torch.bool)
    sees[:, 1:, :7] = True
    weights, odds = net.pointer(streams.ahead.states[:, :5], keys, sees)
    torch.testing.assert_close(weights[:, 1:].exp().sum(-1), torch.ones(2, 4))
    assert float(weights[:, 1:, 7:].exp().max()) == 0
    assert float(odds[:, 0].sigmoid().max()) == 0, "what sees nothing copies nothing"
