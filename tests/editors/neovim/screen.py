"""What a user of Neovim sees: the grid that it would draw on a terminal, kept from its redraw events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


def _pass_over(*_: Any) -> None:
    """For events that change nothing on the grid."""


@dataclass
class Screen:
    """`rows[y][x]` is (text, number of the highlight); `highlights` are their attributes, with the names they have."""

    width: int
    height: int
    rows: list[list[tuple[str, int]]] = field(init=False)
    highlights: dict[int, dict[str, Any]] = field(default_factory=lambda: {0: {}})
    names: dict[int, tuple[str, ...]] = field(default_factory=lambda: {0: ()})
    cursor: tuple[int, int] = (0, 0)
    colors: tuple[int, int] = (0xFFFFFF, 0)
    flushes: int = 0

    def __post_init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.rows = [[(" ", 0)] * self.width for _ in range(self.height)]

    def redraw(self, batches: Sequence[Any]) -> None:
        """Take the events of one notification."""
        for name, *calls in batches:
            take: Callable[..., None] = getattr(self, f"_on_{name}", _pass_over)
            for arguments in calls:
                take(*arguments)

    def lines(self) -> list[str]:
        """The text, row by row."""
        return ["".join(text for text, _ in row).rstrip() for row in self.rows]

    def text_in(self, name: str) -> list[str]:
        """What is drawn in the highlight group `name`, row by row; rows without it are left out."""
        ids = {number for number, names in self.names.items() if name in names}
        found = ("".join(text for text, number in row if number in ids) for row in self.rows)
        return [text for text in found if text.strip()]

    def _on_grid_resize(self, _grid: int, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._clear()

    def _on_grid_clear(self, _grid: int) -> None:
        self._clear()

    def _on_grid_line(self, _grid: int, row: int, column: int, cells: Sequence[Any], *_: Any) -> None:
        number = 0
        for cell in cells:
            number = cell[1] if len(cell) > 1 else number
            for _again in range(cell[2] if len(cell) > 2 else 1):
                self.rows[row][column] = (cell[0], number)
                column += 1

    def _on_grid_scroll(self, _grid: int, top: int, bot: int, left: int, right: int, rows: int, _columns: int) -> None:
        order = range(top, bot - rows) if rows > 0 else range(bot - 1, top - rows - 1, -1)
        for row in order:
            self.rows[row][left:right] = self.rows[row + rows][left:right]

    def _on_grid_cursor_goto(self, _grid: int, row: int, column: int) -> None:
        self.cursor = (row, column)

    def _on_default_colors_set(self, foreground: int, background: int, *_: Any) -> None:
        self.colors = (foreground, background)

    def _on_hl_attr_define(self, number: int, rgb: dict[str, Any], _cterm: Any, info: Sequence[dict[str, Any]]) -> None:
        self.highlights[number] = rgb
        self.names[number] = tuple(entry.get("hi_name", "") for entry in info)

    def _on_flush(self) -> None:
        self.flushes += 1
