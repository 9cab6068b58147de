"""What the options of `dlm-fill serve` do to the model."""

from __future__ import annotations

import pytest

from lsp_server.serve.settings import ServeSettings
from model.infill.infiller import Infiller


def test_a_server_keeps_more_documents_read_than_an_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[int]()
    keep = Infiller.keep_contexts

    def noted(self: Infiller, count: int) -> None:
        told.append(count)
        keep(self, count)

    monkeypatch.setattr(Infiller, "keep_contexts", noted)
    ServeSettings(contexts=5).open("builtin")
    assert told == [5]


def test_each_model_of_a_fleet_has_a_name() -> None:
    settings = ServeSettings(model="builtin", also=(("fast", "builtin"),), fillers=3)
    assert settings.model_names == ("builtin", "fast")
    assert settings.desk("fast").models == ()
