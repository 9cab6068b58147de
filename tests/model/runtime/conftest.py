from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from model.networks.two_streams import Network
from tests.model import toy


def write(net: Network, corpus: Path, target: Path) -> Path:
    """A model directory as `dlm-fill train export` writes it; rounds the network's weights as the file does."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(parameter.bfloat16())
    shutil.copy(corpus / "tokenizer.json", target)
    sizes: dict[str, Any] = net.config.to_json()
    (target / "config.json").write_text(json.dumps({"network": sizes}))
    state = {name: tensor.bfloat16().contiguous() for name, tensor in net.state_dict().items()}
    save_file(state, target / "weights-1-of-1.safetensors")
    return target


@pytest.fixture(scope="session")
def made(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Network, Path]]:
    """A network and the directory that holds it."""

    def make(**options: Any) -> tuple[Network, Path]:
        net = toy.network(**options)
        return net, write(net, folder, tmp_path_factory.mktemp("model"))

    return make


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus"))
