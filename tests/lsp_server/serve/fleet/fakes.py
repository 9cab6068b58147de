"""What replicas of tests fill with: fakes that say which process they run in."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from lsp_server.serve.settings import ServeSettings
from model.types import Filler, FillerInfo
from tests.fakes import FakeFiller


@dataclass
class Named(FakeFiller):
    """Its device is the number of its process."""

    name: str = ""

    @property
    def info(self) -> FillerInfo:
        return replace(super().info, name=self.name, device=str(os.getpid()))


@dataclass(frozen=True, kw_only=True)
class FakeSettings(ServeSettings):
    """A fill takes `fill_s`."""

    fill_s: float = 0.1

    def open(self, model: str) -> Filler:
        return Named(["1"], steps=10, step_s=self.fill_s / 10, name=model)
