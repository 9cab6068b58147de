"""Suspicious words in bytes of a file: what is asked about, where it stands, and what is left alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.errors import Excluded
from lsp_server.transforms.suspicious import suspicions
from lsp_server.transforms.suspicious.suspicions import CannotDoubt, chunks, suspicions_in
from lsp_server.types import Region, Snapshot
from model.types import Doubt, Template
from tests.fakes import FakeFiller

FUNCTION = 'def f(count):\n    """cuont it"""\n    # cuont\n    return cuont + 1\n'


def snapshot_of(text: str, *, uri: str = "file:///nowhere/a.py", language: str = "python") -> Snapshot:
    known = by_name(language)
    return Snapshot(uri=uri, version=3, source=text.encode(), language=known, tree=parse(text.encode(), known))


def found(text: str, improbable: dict[str, str], **options: Any) -> list[tuple[int, str, str]]:
    snapshot = snapshot_of(text, **options)
    filler = FakeFiller([], improbable=improbable)
    every = Region(0, len(snapshot.source))
    told = [suspicions_in(snapshot, c, filler, cancelled=lambda: False) or () for c in chunks(snapshot, every, filler)]
    for one in (one for chunk in told for one in chunk):
        assert snapshot.source[one.region.start : one.region.end].decode() == one.text
    return [(one.region.start, one.text, one.instead) for chunk in told for one in chunk]


def test_words_of_code_and_no_others() -> None:
    assert found(FUNCTION, {"cuont": "count"}) == [(FUNCTION.rindex("cuont"), "cuont", "count")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_places_are_bytes_of_the_file_with_its_line_ends(line_end: str) -> None:
    text = f'a = "é😀"{line_end}b = 1{line_end}c = "😀" + cuont{line_end}'
    assert found(text, {"cuont": "count"}) == [(text.encode().index(b"cuont"), "cuont", "count")]


def test_an_alternative_that_does_not_parse_is_no_suspicion() -> None:
    assert found("x = a + b\n", {"+": "="}) == [(6, "+", "=")], "a = b is an assignment of two targets"
    assert found("x = a + b\n", {"+": ")"}) == []
    assert found("x = a + b\n", {"a": "return"}) == []


def test_what_would_only_be_put_in_is_no_suspicion_of_a_word() -> None:
    class PutsIn(FakeFiller):
        def doubts(self, template: Template, **options: Any) -> tuple[Doubt, ...]:
            del template, options
            return (Doubt(start=1, end=1, instead="_", probability=0.01, nats=20.0),)

    snapshot = snapshot_of("ab = 1\n")
    assert suspicions_in(snapshot, Region(0, 7), PutsIn([]), cancelled=lambda: False) == ()


def test_where_it_does_not_parse_anyway_an_alternative_need_not() -> None:
    assert found("x = (a + \n", {"a": "b"}) == [(5, "a", "b")]


def test_long_regions_are_looked_at_in_parts_of_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspicions, "CHUNK_TOKENS", 12)
    text = "a = 1\n\n\nb = 2\nc = 3\nlong = [" + "1, " * 20 + "]\nd = 4\n"
    snapshot = snapshot_of(text)
    parts = [str(snapshot.text(c)) for c in chunks(snapshot, Region(2, len(text) - 2), FakeFiller([]))]
    assert parts == ["a = 1\n\n\n", "b = 2\nc = 3\n", "d = 4\n"]


def test_a_line_that_is_touched_is_looked_at_as_a_whole() -> None:
    snapshot = snapshot_of(FUNCTION)
    at = FUNCTION.index("return") + 3
    (chunk,) = chunks(snapshot, Region(at, at), FakeFiller([]))
    assert snapshot.text(chunk) == "    return cuont + 1\n"


def test_a_file_that_no_model_may_see_is_not_shown_to_one(tmp_path: Path) -> None:
    filler = FakeFiller([])
    (tmp_path / ".dlmignore").write_text("secret.py\n")
    (tmp_path / "secret.py").write_text(FUNCTION)
    snapshot = snapshot_of(FUNCTION, uri=(tmp_path / "secret.py").as_uri())
    with pytest.raises(Excluded):
        suspicions_in(snapshot, Region(0, len(FUNCTION)), filler, cancelled=lambda: False)
    assert filler.looked_at == []


def test_cancelled_is_told_from_nothing_found() -> None:
    snapshot = snapshot_of(FUNCTION)
    whole = Region(0, len(snapshot.source))
    assert suspicions_in(snapshot, whole, FakeFiller([]), cancelled=lambda: False) == ()
    assert suspicions_in(snapshot, whole, FakeFiller([]), cancelled=lambda: True) is None


def test_prose_and_models_that_do_not_tell_are_refused_with_the_remedy() -> None:
    prose = snapshot_of("# title\n", language="markdown")
    with pytest.raises(CannotDoubt, match="looked for in code, and this is markdown"):
        suspicions_in(prose, Region(0, 8), FakeFiller([]), cancelled=lambda: False)
    remote: Any = SimpleNamespace(info=SimpleNamespace(name="mercury"))
    with pytest.raises(CannotDoubt, match="mercury does not tell how probable a text is: use the built-in model"):
        suspicions_in(snapshot_of(FUNCTION), Region(0, 8), remote, cancelled=lambda: False)
