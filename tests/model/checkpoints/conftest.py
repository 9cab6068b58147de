from __future__ import annotations

from pathlib import Path

import pytest

from model.networks.two_streams import Network
from model.tokenizer import Tokenizer
from tests.model import toy


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def tok(folder: Path) -> Tokenizer:
    return Tokenizer(folder / "tokenizer.json")


@pytest.fixture(scope="session", params=[2, 1], ids=["all heads", "shared heads"])
def net(request: pytest.FixtureRequest) -> Network:
    return toy.network(kv_heads=request.param)
