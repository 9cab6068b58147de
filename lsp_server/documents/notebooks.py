"""Notebooks: which cells they hold and in which order, and what of them stands around a cell that is filled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from lsp_server.types import Cells, Snapshot
from lsp_server.workspace.uris import Uri
from model.text import PlainText
from model.types import Template

_SHARE_ABOVE = 0.7  # of the room: what a cell uses was mostly defined above it


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook: `uri` of its document; `code`: no prose."""

    uri: str
    code: bool


class Notebooks:
    """The open notebooks of a connection. Their cells' texts are documents like any other."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, ...], tuple[str, tuple[Cell, ...]]] = {}

    def open(self, notebook: str, cells: Iterable[Cell]) -> None:
        """The notebook with that URI holds these cells, in this order, from now on."""
        self._cells[Uri.parse(notebook).key] = notebook, tuple(cells)

    def splice(self, notebook: str, start: int, delete_count: int, cells: Iterable[Cell]) -> None:
        """Put `cells` in the place of `delete_count` of the notebook's cells, from number `start` on."""
        _, now = self._cells.get(Uri.parse(notebook).key, (notebook, ()))
        self.open(notebook, (*now[:start], *cells, *now[start + delete_count :]))

    def turn(self, notebook: str, cells: Iterable[Cell]) -> None:
        """Take it that these cells of the notebook have become code, or prose."""
        _, now = self._cells.get(Uri.parse(notebook).key, (notebook, ()))
        kinds = {Uri.parse(cell.uri).key: cell.code for cell in cells}
        self.open(notebook, (replace(cell, code=kinds.get(Uri.parse(cell.uri).key, cell.code)) for cell in now))

    def close(self, notebook: str) -> None:
        self._cells.pop(Uri.parse(notebook).key, None)

    def of(self, uri: str) -> str | None:
        """The URI of the notebook of which the document at `uri` is a cell; None if it is none."""
        found = self._find(uri)
        return found[0] if found is not None else None

    def is_code(self, uri: str) -> bool:
        """Whether the document at `uri` is a code cell."""
        found = self._find(uri)
        return found is not None and found[1][found[2]].code

    def around(self, snapshot: Snapshot, opened: Iterable[Snapshot]) -> Cells | None:
        """The code cells around `snapshot` of its language, of which `opened` has the texts; None if it is no code cell."""
        found = self._find(snapshot.uri)
        if found is None or not found[1][found[2]].code:
            return None
        notebook, cells, own = found
        languages = {Uri.parse(one.uri).key: one for one in opened if one.language.name == snapshot.language.name}

        def texts(some: Sequence[Cell]) -> tuple[PlainText, ...]:
            known = (languages.get(Uri.parse(cell.uri).key) for cell in some if cell.code)
            return tuple(PlainText.read(one.source) for one in known if one is not None and one.source.strip())

        return Cells(notebook=notebook, above=texts(cells[:own]), below=texts(cells[own + 1 :]))

    def _find(self, uri: str) -> tuple[str, tuple[Cell, ...], int] | None:
        """(notebook, its cells, the number of the cell at `uri` among them)."""
        key = Uri.parse(uri).key
        for notebook, cells in self._cells.values():
            for number, cell in enumerate(cells):
                if cell.uri == uri or Uri.parse(cell.uri).key == key:
                    return notebook, cells, number
        return None


def with_cells(
    template: Template, cells: Cells, *, budget_tokens: int, count_tokens: Callable[[str], int]
) -> tuple[Template, tuple[PlainText, ...]]:
    """(the template with the cells above before it and those below behind it, the cells for which there is no room).

    Whole cells, the nearest first: so what stands at the template's ends changes seldom while one types.
    """
    room = budget_tokens - sum(map(count_tokens, template.pieces))
    above = _fitting(cells.above[::-1], int(room * _SHARE_ABOVE), count_tokens)
    room -= sum(count for _, count in above)
    below = _fitting(cells.below, room, count_tokens)
    before = "".join(f"{text.rstrip()}\n\n" for text, count in reversed(above) if count)
    behind = "".join(f"\n\n{text.rstrip()}" for text, count in below if count)
    first, *rest = template.pieces
    pieces = (before + first, *rest)
    filled = replace(template, pieces=(*pieces[:-1], pieces[-1].rstrip("\n") + behind if behind else pieces[-1]))
    return filled, tuple(text for text, count in (*reversed(above), *below) if not count)


def _fitting(texts: Iterable[PlainText], room: int, count_tokens: Callable[[str], int]) -> list[tuple[PlainText, int]]:
    """Each text with its tokens, 0 for one that does not fit into what is left of `room`."""
    found = []
    for text in texts:
        count = count_tokens(text) + 1
        fits = count <= room
        room -= count * fits
        found.append((text, count * fits))
    return found
