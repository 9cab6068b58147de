"""A library is called only if it was made from the sources beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.runtime import compiled
from model.runtime import native as place
from model.runtime.native import CHOICE, LIBRARY, will_be_numpy
from model.runtime.native import build as native
from model.runtime.native.sources import FINGERPRINT_LENGTH, fingerprint
from tests.compiler import needs_compiler


def test_every_source_counts(tmp_path: Path) -> None:
    found = {fingerprint(tmp_path)}
    for name, text in (("a.c", "int a;"), ("a.h", ""), ("a.h", "#define A"), ("a.c", "int b;")):
        (tmp_path / name).write_text(text)
        found.add(fingerprint(tmp_path))
    assert len(found) == 4, "an empty file adds nothing"
    (tmp_path / "build.py").write_text("pass")
    assert fingerprint(tmp_path) in found
    assert {len(one) for one in found} == {FINGERPRINT_LENGTH}


@needs_compiler
def test_a_library_of_other_sources_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernel.c").write_text("")
    (tmp_path / "library.c").write_text('__attribute__((visibility("default"))) const char dlm_sources[] = SOURCES;')
    monkeypatch.delenv(CHOICE, raising=False)
    monkeypatch.setattr(compiled, "LIBRARY", native.up_to_date(tmp_path))
    assert compiled.library() is None
    monkeypatch.setattr(compiled, "fingerprint", lambda: fingerprint(tmp_path))
    with pytest.raises(AttributeError, match="dlm_variant"):
        compiled.library()  # now it is taken for ours


@needs_compiler
def test_a_library_that_does_not_say_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kernel.c", "library.c"):
        (tmp_path / name).write_text("")
    monkeypatch.delenv(CHOICE, raising=False)
    monkeypatch.setattr(compiled, "LIBRARY", native.up_to_date(tmp_path))
    assert compiled.library() is None


def test_numpy_is_foreseen_where_the_library_will_not_be_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CHOICE, raising=False)
    assert will_be_numpy() == (compiled.library() is None)
    other = tmp_path / LIBRARY.name
    monkeypatch.setattr(place, "LIBRARY", other)
    assert will_be_numpy(), "there is none"
    other.write_bytes(b"of other sources")
    assert will_be_numpy()
    other.write_bytes(b"..." + fingerprint().encode() + b"...")
    assert not will_be_numpy()
    monkeypatch.setenv(CHOICE, "numpy")
    assert will_be_numpy()
