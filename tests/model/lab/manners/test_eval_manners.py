"""When to be silent: what is drawn, what is fitted, and that what is fitted is what the command prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.infill.rerank.manners import Emptiness, Nothing
from model.lab.manners.cursors import CURSORS, NEEDLESS, cursors
from model.lab.manners.fit import (
    KEPT,
    SHOWN,
    Offered,
    append_offered,
    fitted,
    fitted_emptiness,
    fitted_margin,
    fitted_nothing,
    read_offered,
    shares_of,
    sureness,
    table_of,
)

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


def _cursors_where_the_network_says(chances: list[float]) -> list[Offered]:
    """Of a hundred cursors with each of these words for nothing, as many are empty as the odds of its square say."""
    return [
        Offered(kind=NEEDLESS[0] if n < 100 * said**2 / (said**2 + (1 - said) ** 2) else CURSORS[0],
                confidence=0.5, right=False, nothing=said)
        for said in chances for n in range(100)
    ]  # fmt: skip


def test_how_likely_nothing_is_is_calibrated() -> None:
    found = fitted_nothing(_cursors_where_the_network_says([0.1, 0.2, 0.3, 0.5, 0.6, 0.8, 0.9]))
    assert found is not None
    assert found.scale == pytest.approx(2, abs=0.15)
    assert found.shift == pytest.approx(0, abs=0.15)
    assert found.calibrated(0.8) == pytest.approx(0.94, abs=0.02)


@pytest.mark.parametrize("offered", [[], [Offered(kind=CURSORS[0], confidence=0.5, right=True)]])
def test_where_the_network_never_says_it_nothing_is_fitted(offered: list[Offered]) -> None:
    assert fitted_nothing(offered) is None


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-3, 3), st.floats(0, 3))
def test_the_likelier_nothing_is_the_less_sure_is_what_is_offered(
    said: float, more: float, shift: float, scale: float
) -> None:
    nothing = Emptiness(inside=Nothing(shift=shift, scale=scale), lines=Nothing(shift=0, scale=0))
    low, high = sorted((said, more))
    sure = [sureness(Offered(kind=CURSORS[0], confidence=0.9, right=False, nothing=n), nothing) for n in (low, high)]
    assert (sure[1] or 0) <= (sure[0] or 0) + 1e-9 <= 0.9 + 1e-9


def test_lines_and_what_is_inside_them_have_chances_of_their_own() -> None:
    said = {"rest missing": 0.01, "complete line": 0.9, "line missing": 0.001, "new line": 0.002}
    offered = [Offered(kind=k, confidence=0.5, right=False, nothing=p) for k, p in said.items() for _ in range(50)]
    found = fitted_emptiness(offered)
    assert found is not None
    shown = {kind: row["shown"] for kind, row in table_of(offered, 0.1, found).items()}
    assert shown == {"rest missing": 50, "line missing": 50, "complete line": 0, "new line": 0}
    assert fitted_emptiness(offered[:100]) is None


def test_the_shares_are_those_of_the_table() -> None:
    offered = [
        Offered(kind=CURSORS[0], confidence=0.9, right=True),
        Offered(kind=CURSORS[1], confidence=0.1, right=True),
    ]
    offered += [Offered(kind=NEEDLESS[0], confidence=c, right=False) for c in (0.9, 0.1, None, None)]
    assert shares_of(table_of(offered, 0.5)) == {"kept": 0.5, "needless_shown": 0.25}


def test_what_was_offered_is_read_again_but_for_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "manners.jsonl"
    one = Offered(kind=CURSORS[0], confidence=None, right=False, nothing=0.25, cursor="a")
    append_offered(path, one)
    with path.open("a") as file:
        file.write('{"kind": "rest mis')
    assert read_offered(path) == {"a": one}
    assert read_offered(tmp_path / "none") == {}
