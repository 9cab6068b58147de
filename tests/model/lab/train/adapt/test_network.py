"""What is trained is what the runtime computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from model.backends.builtin.runtime.network import Network
from model.backends.builtin.storage.weights import DENOISING, LEFT_TO_RIGHT, open_adapter
from model.errors import UnknownModel
from model.lab.train.adapt.exporting import adapter_state, adapter_tensors, save_adapter
from model.lab.train.adapt.network import AdaptedDecoder
from tests.model.backends.builtin import toys as runtime_toys
from tests.model.lab.train.adapt import toys

CONTEXT, ROWS = 40, 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return toys.model_folder(tmp_path / "model")


def stirred(network: AdaptedDecoder) -> AdaptedDecoder:
    """With low-rank parts that matter."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(".up"):
                parameter.add_(torch.randn_like(parameter) * 0.1)
        network.mask_embedding.add_(torch.randn_like(network.mask_embedding))
    return network


def ids(count: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, count))


def said(network: AdaptedDecoder, context: torch.Tensor, inputs: torch.Tensor, masked: torch.Tensor,
         starts: list[int], lengths: list[int]) -> torch.Tensor:  # fmt: skip
    """Log-probabilities [C, L, V]."""
    _, memory = network.read(context[None])
    states = network.states(inputs[None], masked[None], torch.tensor([starts]), torch.tensor([lengths]), memory)
    found: torch.Tensor = F.log_softmax(network.decoder.logits(states)[0], dim=-1)
    return found.detach().view(*inputs.shape, -1)


@pytest.mark.parametrize("start", [1, 17, CONTEXT])
def test_it_computes_what_the_runtime_does(folder: Path, start: int) -> None:
    network = stirred(toys.network(folder))
    context, hole = ids(CONTEXT), ids(ROWS, 1)
    masked = torch.tensor([False, True, True, False, True, True])
    mine = said(network, context, hole[None], masked[None], [start], [ROWS])[0].numpy()
    tensors = {name: t.to(torch.bfloat16) for name, t in adapter_tensors(network.state_dict()).items()}
    save_file(tensors, folder / "adapter-1.safetensors")
    opened = Network.open(folder, kernel="numpy")
    cache = opened.cache(context_tokens=64)
    cache.read(context.numpy())
    inputs = np.where(masked.numpy(), opened.config.mask_id, hole.numpy())
    sees = [range(ROWS)] * ROWS
    places = range(start, start + ROWS)
    theirs = cache.forward(runtime_toys.rows(inputs, sees=sees, context=[start] * ROWS, positions=places), adapter=True)
    assert theirs.full is not None
    away = np.abs(mine - theirs.full)
    # The runtime rounds activations to 8 bits: log-probabilities differ by some hundredths.
    assert away.mean() < 0.03
    assert away.max() < 0.4
    assert np.abs(mine - said(network, context, hole[None], ~masked[None], [start], [ROWS])[0].numpy()).mean() > 0.1


def test_one_row_without_an_adapter_is_the_left_to_right_mode(folder: Path) -> None:
    network = toys.network(folder)
    context = ids(CONTEXT)
    states, _ = network.read(context[None])
    own = F.log_softmax(network.decoder.logits(states[0]), dim=-1)
    places = [5, 20, 39]
    inputs = context[places][:, None].expand(-1, 3)
    found = said(network, context, inputs, torch.zeros(3, 3, dtype=torch.bool), places, [1, 1, 1])[:, 0]
    torch.testing.assert_close(found, own[places], atol=1e-4, rtol=1e-4)


def test_canvases_and_what_does_not_count_are_unseen(folder: Path) -> None:
    network = stirred(toys.network(folder))
    context, inputs, masked = ids(CONTEXT), ids(12, 1).view(2, 6), torch.zeros(2, 6, dtype=torch.bool)
    before = said(network, context, inputs, masked, [10, 20], [4, 6])
    changed = inputs.clone()
    changed[1] = ids(6, 2)
    changed[0, 4:] = 7
    after = said(network, context, changed, masked, [10, 20], [4, 6])
    torch.testing.assert_close(before[0, :4], after[0, :4])
    assert not torch.allclose(before[1], after[1])
    later = context.clone()
    later[10:] = 3
    torch.testing.assert_close(said(network, later, inputs, masked, [10, 20], [4, 6])[0, :4], before[0, :4])


def test_rows_see_each_other_both_ways(folder: Path) -> None:
    network = toys.network(folder)
    context, inputs, masked = ids(CONTEXT), ids(6, 1).view(1, 6), torch.zeros(1, 6, dtype=torch.bool)
    before = said(network, context, inputs, masked, [20], [6])
    changed = inputs.clone()
    changed[0, 5] = 9
    assert (before[0, 0] - said(network, context, changed, masked, [20], [6])[0, 0]).abs().max() > 1e-3


def test_rows_that_write_see_their_own_hole_up_to_themselves(folder: Path) -> None:
    network = stirred(toys.network(folder))
    context, hole, starts = ids(CONTEXT), ids(10, 1), [20] * 6 + [30] * 4
    holes = torch.tensor([[0] * 6 + [1] * 4])
    positions = torch.tensor([[*range(20, 26), *range(30, 34)]])

    def written(inputs: torch.Tensor, seen: torch.Tensor = context) -> torch.Tensor:
        _, memory = network.read(seen[None])
        return network.written(inputs[None], holes, torch.tensor([starts]), positions, memory)[0].detach()

    before = written(hole)
    changed = hole.clone()
    changed[3] = 7
    after = written(changed)
    torch.testing.assert_close(before[:3], after[:3])
    torch.testing.assert_close(before[6:], after[6:])
    assert all(not torch.allclose(before[n], after[n]) for n in (3, 4, 5))
    later = context.clone()
    later[20:] = 3
    after = written(hole, later)
    torch.testing.assert_close(before[:6], after[:6])
    assert not torch.allclose(before[6:], after[6:])


def test_an_adapter_file_holds_the_whole_state_and_what_it_is_for(folder: Path) -> None:
    network = stirred(toys.network(folder))
    for rows, writes in ((DENOISING, False), (LEFT_TO_RIGHT, True)):
        save_adapter(network.state_dict(), folder / "adapter-1.safetensors", rows=rows, about={"steps": "3"})
        assert Network.open(folder, kernel="numpy").writes_adapted is writes
    adapter = open_adapter(folder / "adapter-1.safetensors", toys.CONFIG)
    assert adapter.rank == network.rank
    state = network.state_dict()
    found = adapter_state(adapter)
    assert set(found) == set(state)
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, state[name], rtol=0.01, atol=1e-6)
    save_adapter(state, folder / "adapter-1.safetensors", rows="sideways", about={})
    with pytest.raises(UnknownModel, match="'sideways' rows, which this version does not know: update dlm-fill"):
        Network.open(folder)
