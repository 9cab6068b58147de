from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.documents.notebooks import Cell, Notebooks, with_cells
from lsp_server.types import Cells
from model.text import PlainText
from model.types import Hole, Template

TEXTS = st.lists(st.text(alphabet="ab \n", min_size=1, max_size=20).map(PlainText), max_size=6).map(tuple)


@given(TEXTS, TEXTS, st.integers(0, 120))
def test_cells_fit_into_the_room_and_none_is_lost(
    above: tuple[PlainText, ...], below: tuple[PlainText, ...], budget: int
) -> None:
    template = Template(pieces=("x = ", "\n"), holes=(Hole(),))
    cells = Cells(notebook="file:///w/a.ipynb", above=above, below=below)
    made, left_out = with_cells(template, cells, budget_tokens=budget, count_tokens=len)
    assert sum(map(len, made.pieces)) <= max(budget, 5) + len(above) + 2 * len(below)
    assert made.pieces[0].endswith("x = ")
    kept = [text for text in (*above, *below) if not any(text is one for one in left_out)]
    stripped = [text.rstrip() for text in kept if text.rstrip()]
    assert [piece for piece in stripped if piece in "".join(made.pieces)] == stripped
    assert len(left_out) + len(kept) == len(above) + len(below)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 4), st.integers(0, 3)), max_size=8))
def test_cells_are_spliced_as_a_list_is(changes: list[tuple[int, int, int]]) -> None:
    notebooks, model, made = Notebooks(), list[str](), 0
    notebooks.open("nb:/a", [])
    for wanted, count, new in changes:
        start = min(wanted, len(model))
        uris = [f"cell:/a#{made + k}" for k in range(new)]
        made += new
        model[start : start + count] = uris
        notebooks.splice("nb:/a", start, count, [Cell(uri=uri, code=True) for uri in uris])
        assert all(notebooks.of(uri) == "nb:/a" and notebooks.is_code(uri) for uri in model)
        assert not any(notebooks.of(f"cell:/a#{k}") for k in range(made) if f"cell:/a#{k}" not in model)


def test_a_cell_is_found_however_its_uri_is_escaped() -> None:
    notebooks = Notebooks()
    notebooks.open("file:///w/a%20b.ipynb", [Cell(uri="nb:/w/a%20b.ipynb#x%3D", code=True)])
    assert notebooks.of("nb:/w/a b.ipynb#x=") == "file:///w/a%20b.ipynb"
    assert notebooks.of("nb:/w/a%20b.ipynb#y") is None
    notebooks.turn("file:///w/a b.ipynb", [Cell(uri="nb:/w/a b.ipynb#x=", code=False)])
    assert not notebooks.is_code("nb:/w/a%20b.ipynb#x%3D")
    notebooks.close("file:///w/a b.ipynb")
    assert notebooks.of("nb:/w/a%20b.ipynb#x%3D") is None
