"""When to be silent: what is drawn, what is fitted, and that what is fitted is what the command prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.evaluate.manners import CURSORS, KEPT, NEEDLESS, SHOWN, Offered, cursors, fitted, fitted_margin, table_of

OFFERED = st.lists(
    st.builds(
        Offered,
        kind=st.sampled_from(CURSORS),
        confidence=st.one_of(st.none(), st.floats(0, 1)),
        right=st.booleans(),
    ).filter(lambda o: not (o.right and (o.kind in NEEDLESS or o.confidence is None))),
    max_size=60,
)


def test_cursors_are_of_the_file_and_say_what_belongs_there(tmp_path: Path) -> None:
    text = "".join(f"def name_{n}(value):\n    result = value + {n}\n    return result\n\n\n" for n in range(40))
    (tmp_path / "a.py").write_text(text)
    found = cursors([tmp_path], each=20, seed=1)
    assert [c.kind for c in found] == [kind for kind in CURSORS for _ in range(20)]
    for cursor in found:
        if cursor.kind != "new line":
            assert cursor.prefix + cursor.right + cursor.suffix == text
        else:
            assert cursor.prefix.rstrip(" ").endswith("\n")
        assert bool(cursor.right) is (cursor.kind not in NEEDLESS)
    assert found == cursors([tmp_path], each=20, seed=1)


@given(OFFERED)
def test_the_bounds_are_met_if_any_threshold_meets_them(offered: list[Offered]) -> None:
    right = [o.confidence or 0 for o in offered if o.right]
    needless = [o.confidence for o in offered if o.kind in NEEDLESS]

    def meets(threshold: float) -> bool:
        kept = sum(c >= threshold for c in right)
        shown = sum(c is not None and c >= threshold for c in needless)
        return kept >= KEPT * len(right) - 1e-9 and shown <= SHOWN * len(needless) + 1e-9

    if right and any(meets(n / 100) for n in range(100)):
        assert meets(fitted(offered))


def test_a_threshold_between_right_and_needless_is_found() -> None:
    offered = [Offered(kind=CURSORS[0], confidence=0.5 + n / 100, right=True) for n in range(20)]
    offered += [Offered(kind=NEEDLESS[0], confidence=n / 100, right=False) for n in range(40)]
    threshold = fitted(offered)
    assert 0.37 < threshold <= 0.5
    rows = table_of(offered, threshold)
    assert rows[CURSORS[0]]["right"] == rows[CURSORS[0]]["shown"] == 20
    assert rows[NEEDLESS[0]]["shown"] <= 2
    assert rows[NEEDLESS[0]]["shown_without"] == 40


@pytest.mark.parametrize(
    ("changed", "margin"),
    [({0.0: 0.5, 2.0: 0.1, 4.0: 0.05}, 2.0), ({0.0: 0.5, 8.0: 0.2}, 8.0), ({0.0: 0.0, 2.0: 0.0}, 0.0)],
)
def test_the_least_margin_that_leaves_sound_lines_alone(changed: dict[float, float], margin: float) -> None:
    assert fitted_margin(changed) == margin
