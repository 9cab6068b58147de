from __future__ import annotations

from pathlib import Path

import pytest

from lsp_server.code.languages.table import language_of
from lsp_server.types import Snapshot
from lsp_server.workspace.other_files import listing
from lsp_server.workspace.other_files.listing import FRESH_S, Listings


def snapshot(text: str = "", name: str = "a.py") -> Snapshot:
    return Snapshot(uri=f"file:///{name}", version=1, source=text.encode(), language=language_of(name), tree=None)


def names(listings: Listings, root: Path, text: str = "") -> list[str]:
    return [Path(path).name for path in listings.around(snapshot(text), root / "a.py", root)]


def test_a_listing_holds_for_a_while_unless_the_imports_change(tmp_path: Path) -> None:
    now = [0.0]
    listings = Listings(lambda: now[0])
    (tmp_path / "b.py").write_text("")
    assert names(listings, tmp_path) == ["b.py"]
    (tmp_path / "c.py").write_text("")
    assert names(listings, tmp_path) == ["b.py"]
    assert names(listings, tmp_path, "import c\n") == ["c.py", "b.py"]
    now[0] = FRESH_S
    assert names(listings, tmp_path) == ["b.py", "c.py"]


def test_listings_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(20):
        (tmp_path / f"b{n}.py").write_text("")
    monkeypatch.setattr(listing, "MOST_LISTED", 5)
    listings = Listings(lambda: 0.0)
    for n in range(100):
        assert len(names(listings, tmp_path, f"import b{n}\n")) == 5
    for n in (0, 99):
        (tmp_path / f"b{n}.py").write_text("")
    assert names(listings, tmp_path, "import b99\n")[0] != "b99.py", "the last listing is remembered"
    assert names(listings, tmp_path, "import b0\n")[0] == "b0.py"


def test_imports_do_not_lead_out_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "w"
    root.mkdir()
    (tmp_path / "out.py").write_text("")
    (tmp_path / "w2.py").write_text("")
    assert names(Listings(), root, "from .. import out, w2\nimport out\n") == []


def test_a_file_without_a_language_is_like_those_of_its_ending(tmp_path: Path) -> None:
    for name in ("a.xyz", "b.xyz", "c.py"):
        (tmp_path / name).write_text("")
    found = Listings().around(snapshot(name="a.xyz"), tmp_path / "a.xyz", tmp_path)
    assert [Path(path).name for path in found] == ["b.xyz"]
