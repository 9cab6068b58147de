"""Left to right with a cache: what `score` says of the whole text, token after token."""

from __future__ import annotations

import numpy as np
import pytest

from model.canvas import Canvas
from model.checkpoints.builtin import BuiltinDenoiser
from model.denoiser import Context
from model.errors import BadRequest
from model.evaluate.left_to_right import LeftToRight
from model.framing import frame
from model.networks.two_streams import Network
from model.tokenizer import MASK_ID, RESERVED_TOKENS, Tokenizer
from model.types import FillRequest, Hole, Template
from tests.model import toy

BEFORE, AFTER = "def area(width, height):\n    total = ", "\n    return total\n"


def request(hole: Hole, before: str = BEFORE) -> FillRequest:
    return FillRequest(template=Template(pieces=(before, AFTER), holes=(hole,)))


def test_token_after_token_gives_what_scoring_the_whole_gives(net: Network, tok: Tokenizer) -> None:
    context = Context(
        pieces=(tok.encode(BEFORE, at_line_start=True), tok.encode(AFTER, at_line_start=False)), starts_with=(b"",)
    )
    text = np.random.default_rng(0).integers(RESERVED_TOKENS, toy.VOCAB, 12)
    prefilled = BuiltinDenoiser(net, tok).prefill(context)
    whole = prefilled.score(Canvas.decided([[text]], mask_id=MASK_ID)).current[0]
    continuation = prefilled.continuation()
    stepwise = []
    for token in text.tolist():
        stepwise.append(float(np.log(continuation.probabilities()[token])))
        continuation.write(token)
    assert stepwise == pytest.approx(whole.tolist(), abs=1e-4)


def test_greedy_fill_is_the_argmax_of_each_position(net: Network, tok: Tokenizer) -> None:
    denoiser = BuiltinDenoiser(net, tok)
    fill = LeftToRight(denoiser, tok, tok).fill(request(Hole(length_tokens=8)))
    assert (fill.forward_passes, fill.tokens) == (8, 8)
    framed = frame(request(Hole()).template, tok, context_tokens=1024)
    prefilled = denoiser.prefill(framed.context)
    ids: list[int] = []
    for _ in range(8):
        canvas = Canvas.decided([[np.asarray([*ids, RESERVED_TOKENS])]], mask_id=MASK_ID)
        best = prefilled.score(canvas).ids[0, -1]
        ids.append(int(next(token for token in best if token != denoiser.spec.end_of_hole_id)))
    assert fill.candidates[0].texts == (framed.text(tok, 0, np.asarray(ids)),)


def test_a_line_ends_and_a_word_is_healed(net: Network, tok: Tokenizer) -> None:
    filler = LeftToRight(BuiltinDenoiser(net, tok), tok, tok)
    (found,) = filler.fill(request(Hole(max_lines=1))).candidates or (None,)
    assert found is None or "\n" not in found.texts[0]
    healed = filler.fill(request(Hole(length_tokens=3), before="def area(width):\n    return wid"))
    assert healed.tokens == 3
    with pytest.raises(BadRequest, match="one hole"):
        filler.fill(FillRequest(template=Template(pieces=("a", "b", "c"), holes=(Hole(), Hole()))))
