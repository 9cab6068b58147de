"""Several holes, one after the other: what is told meanwhile."""

from __future__ import annotations

from model.infill.holes.one_by_one import one_by_one
from model.types import (
    FEW_MASKS,
    MASK,
    Cancelled,
    Candidate,
    DraftToken,
    Fill,
    FillEvent,
    FillRequest,
    Hole,
    OnEvent,
    Template,
)

MASKS = (MASK,) * FEW_MASKS


def token(text: str, confidence: float = 0.5) -> DraftToken:
    return DraftToken(text=text, confidence=confidence, open=False)


def fill_one(request: FillRequest, *, cancelled: Cancelled, on_event: OnEvent | None) -> Fill:
    """Writes how many characters stand before the hole."""
    text = str(len(request.template.pieces[0]))
    if on_event is not None:
        on_event(FillEvent(step=1, holes=((token(text, 0.25),),)))
    candidate = Candidate(texts=(text,), confidences=(0.5,), confidence=0.5, parses=None)
    return Fill(candidates=(candidate,), forward_passes=1, tokens=1, prefill_ms=0.0, denoise_ms=0.0, stopped="done")


def told(*holes: Hole) -> list[tuple[tuple[DraftToken, ...], ...]]:
    template = Template(pieces=("a = ", *("; b = ",) * (len(holes) - 1), "\n"), holes=holes)
    events: list[FillEvent] = []
    request = FillRequest(template=template, language="python")
    one_by_one(request, fill_one, clock=lambda: 0.0, cancelled=lambda: False, on_event=events.append)
    return [event.holes for event in events]


def test_a_hole_that_is_filled_stays_seen_while_the_next_one_is() -> None:
    assert told(Hole(), Hole(), Hole()) == [
        ((token("4", 0.25),), MASKS, MASKS),
        ((token("4"),), (token("11", 0.25),), MASKS),
        ((token("4"),), (token("11"),), (token("19", 0.25),)),
    ]


def test_a_tied_hole_is_seen_with_the_text_of_the_first_of_its_tie() -> None:
    last = told(Hole(tie="x"), Hole(tie="x"), Hole())[-1]
    assert last[:2] == ((token("4"),), (token("4"),))


def test_old_text_that_is_rewritten_is_seen_until_its_turn() -> None:
    (old,) = told(Hole(), Hole(old_text="old", strength=0.2))[0][1]
    assert (old.text, old.confidence, old.open) == ("old", 0.8, True)
