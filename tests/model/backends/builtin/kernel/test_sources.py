"""A library is called only if it was made from the sources beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.backends.builtin.kernel import build as native
from model.backends.builtin.kernel.sources import fingerprint
from model.backends.builtin.runtime import compiled
from tests.compiler import needs_compiler


@needs_compiler
def test_a_library_of_other_sources_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernel.c").write_text("")
    (tmp_path / "library.c").write_text('__attribute__((visibility("default"))) const char dlm_sources[] = SOURCES;')
    monkeypatch.setattr(compiled, "LIBRARY", native.up_to_date(tmp_path))
    assert compiled.library() is None
    monkeypatch.setattr(compiled, "fingerprint", lambda: fingerprint(tmp_path))
    with pytest.raises(AttributeError, match="dlm_variant"):
        compiled.library()  # now it is taken for ours


@needs_compiler
def test_a_library_that_does_not_say_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kernel.c", "library.c"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(compiled, "LIBRARY", native.up_to_date(tmp_path))
    assert compiled.library() is None
    monkeypatch.setattr(compiled, "LIBRARY", tmp_path / "absent.so")
    assert compiled.library() is None
