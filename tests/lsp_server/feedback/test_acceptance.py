"""What counts as shown and as accepted, whoever tells it, in whatever order, and however often."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.documents.store import Documents
from lsp_server.feedback.acceptance import Acceptance
from lsp_server.feedback.kept import Kept
from lsp_server.feedback.metrics import Metrics
from lsp_server.types import Region

URI = "file:///a.py"


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


class Typist:
    """An editor with one document and its cursor at the end of it, or before a closer; `tells`: its plugin says what it does.

    `was_shown`, `took`: what a reader over the shoulder counts.
    """

    def __init__(self, *, tells: bool) -> None:
        self.metrics = Metrics()
        self.acceptance = Acceptance(self.metrics, Kept(self.metrics, Documents, lambda seconds, call: None))
        self.tells, self.text, self.behind = tells, "x = ", ")"
        self.texts: list[str] = []
        self.number = self.item = self.kept = 0
        self.taken: dict[int, int] = {}  # by suggestion: how many characters
        self.replaced = 0  # of what was accepted in part, the next edit says it once more

    def _edit(self, new: str, *, again: int = 0, closers: int = 0) -> None:
        start = len(self.text[: len(self.text) - again].encode())
        region = Region(start, len(self.text.encode()) + closers)
        written = self.text[len(self.text) - again :] + new
        self.acceptance.edited(URI, region, written)
        self.text, self.behind = self.text + new, self.behind[closers:]

    def above(self, line: str) -> None:
        self.acceptance.edited(URI, Region(0, 0), line)
        self.text = line + self.text

    def ask(self) -> None:
        """The texts that are left come again, as from the cache; others, if nothing is left."""
        goes_on = bool(self.texts)
        if not goes_on:
            name = f"n{len(self.taken) + self.kept}"
            self.kept += 1
            self.texts, self.item = [f"{name}😀.word(1)", f"{name}.other_one()"], 0
        source = (self.text + self.behind).encode()
        number = self.acceptance.offered(URI, self.texts, len(self.text.encode()), source)
        assert (number == self.number) is goes_on, "what is left is the same suggestion"
        self.number = number
        self.replaced = 0

    def show(self) -> None:
        if self.texts and self.tells:
            self.acceptance.shown(URI)

    def type(self, count: int) -> None:
        """As is suggested, key by key."""
        for _ in range(count):
            left = self.texts[0] if self.texts else "y"
            self._edit(left[0])
            self.texts = [text[1:] for text in self.texts if text[0] == left[0] and text[1:]]
            self.replaced += 1

    def otherwise(self) -> None:
        self._edit("q")
        self.texts = []

    def part(self, count: int, tell: str) -> None:
        if not self.texts:
            return
        before, part, rest = self.number, self.texts[0][:count], self.texts[0][count:]
        self._edit(part)
        if not rest:
            self.acceptance.seen(URI, 0)
        if rest or self.tells or len(part) > 1:
            self._took(part)
        self.texts = [text.removeprefix(part) for text in self.texts if text.startswith(part) and text != part]
        self.replaced += len(part)
        if "asks" in tell:
            self.ask()
        told: list[tuple[int | None, int | None]] = [(utf16(part), None)]
        if not rest:  # VS Code runs the command of what was accepted as a whole by its parts
            told.append((None, before))
        for length, number in reversed(told) if "backwards" in tell else told:
            if self.tells or rest:
                self.acceptance.accepted(URI, length, number=number)

    def whole(self, item: int, tell: str) -> None:
        if not self.texts:
            return
        item %= len(self.texts)
        number, text = self.number, self.texts[item]
        as_well_typed = self.replaced + len(text) == 1
        self._edit(text, again=self.replaced, closers=len(self.behind) if "closers" in tell else 0)
        self.acceptance.seen(URI, item)
        if not as_well_typed or self.tells:
            self._took(text)
        self.texts = []
        if "asks" in tell:
            self.ask()
        if "late" in tell and not as_well_typed:
            self.otherwise()
        if self.tells:
            for _ in range(2 if "twice" in tell else 1):
                self.acceptance.accepted(URI, None, item=item, number=number)

    def _took(self, text: str) -> None:
        self.taken[self.number] = self.taken.get(self.number, 0) + len(text)


TELLINGS = st.sets(st.sampled_from(["asks", "backwards", "closers", "late", "twice"])).map(
    lambda words: " ".join(sorted(words))
)
STEPS = st.one_of(
    st.tuples(st.just("ask")),
    st.tuples(st.just("show")),
    st.tuples(st.just("type"), st.integers(1, 4)),
    st.tuples(st.just("otherwise")),
    st.tuples(st.just("above"), st.sampled_from(["# é\n", "import os\n"])),
    st.tuples(st.just("part"), st.integers(1, 12), TELLINGS),
    st.tuples(st.just("whole"), st.integers(0, 1), TELLINGS),
)


@settings(max_examples=300, deadline=None)
@given(st.booleans(), st.lists(STEPS, max_size=30))
def test_nothing_counts_twice_and_nothing_is_accepted_that_was_not_shown(
    tells: bool, steps: list[tuple[object, ...]]
) -> None:
    typist = Typist(tells=tells)
    for name, *arguments in steps:
        getattr(typist, str(name))(*arguments)
        counts = typist.metrics.counted()
        assert counts.get("accepted", 0) <= counts.get("shown", 0)
        assert counts.get("accepted characters", 0) <= counts.get("shown characters", 0)
    counts = typist.metrics.counted()
    assert counts.get("accepted", 0) == len(typist.taken)
    assert counts.get("accepted characters", 0) == sum(typist.taken.values())
