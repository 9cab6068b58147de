"""Hypotheses that say the same become one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.infill.hypothesis import Hypothesis, merged


def hypothesis(text: str, nats: float, *, scored: bool = True, rank: int | None = None) -> Hypothesis:
    return Hypothesis(
        ids=(np.arange(2),),
        log_probs=(np.array([nats / 2, nats / 2], dtype=np.float32),),
        texts=(text,),
        written_rank=rank,
        scored=scored,
    )


SAME = st.tuples(st.sampled_from(["a", "a\n", " a", "b", "b "]), st.floats(-20, 0), st.none() | st.integers(0, 5))


@given(st.lists(SAME, max_size=8))
def test_each_text_stays_once_with_its_likeliest_tokens_and_counts_who_proposed_it(
    proposed: list[tuple[str, float, int | None]],
) -> None:
    found = merged([hypothesis(text, nats, rank=rank) for text, nats, rank in proposed])
    assert len({a.texts[0].strip() for a in found}) == len(found)
    assert sum(a.sources for a in found) == len(proposed)
    for one in found:
        same = [(nats, rank) for text, nats, rank in proposed if text.strip() == one.texts[0].strip()]
        assert one.nats == pytest.approx(max(nats for nats, _ in same), abs=1e-4)
        assert one.written_rank == min((rank for _, rank in same if rank is not None), default=None)
        assert any(text == one.texts[0] and abs(nats - one.nats) < 1e-4 for text, nats, _ in proposed)


def test_tokens_that_nobody_scored_are_not_taken_for_likelier() -> None:
    (one,) = merged([hypothesis("a", -5.0), hypothesis("a\n", 0.0, scored=False)])
    assert one.texts == ("a",)
