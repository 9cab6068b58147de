"""What an arm of the comparison is: a way to lay out text and hole, trained and judged like every other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor, nn
from torch.utils.data import Dataset

from model.errors import BadRequest
from model.train.holes import TokenKinds
from model.train.tokens import Tokens


@dataclass(frozen=True, kw_only=True)
class ArmSpec:
    """What tells one arm from the others.

    `stream_share`: part of the compute that goes to next tokens alone, before holes are cut. `corpus`: which
    of the comparison's corpora it is trained on.
    """

    name: str
    layout: Literal["streams", "canvas"]
    says: str
    stream_share: float = 0.0
    copy: bool = False
    shifted: bool = False
    corpus: str = "python"


ARMS = {
    arm.name: arm
    for arm in (
        ArmSpec(name="d", layout="streams", copy=True, stream_share=0.2, says="two streams, copy head (ships)"),
        ArmSpec(name="b", layout="streams", stream_share=0.2, says="two streams, no copy head"),
        ArmSpec(name="c", layout="canvas", says="one bidirectional canvas, denoising from scratch"),
        ArmSpec(name="a", layout="canvas", shifted=True, stream_share=0.5,
                says="next token first, then one bidirectional canvas, shifted logits"),
        ArmSpec(name="a+copy", layout="canvas", shifted=True, copy=True, stream_share=0.5, says="a with the copy head"),
        ArmSpec(name="c+copy", layout="canvas", copy=True, says="c with the copy head"),
        ArmSpec(name="d-0", layout="streams", copy=True, stream_share=0.0, says="d without a next-token phase"),
        ArmSpec(name="d-50", layout="streams", copy=True, stream_share=0.5, says="d, half of it next-token phase"),
        ArmSpec(name="d-16k", layout="streams", copy=True, stream_share=0.2, corpus="16k", says="d, 16k vocabulary"),
        ArmSpec(name="d-mixed", layout="streams", copy=True, stream_share=0.2, corpus="mixed",
                says="d, 15 % other languages in the corpus"),
    )
}  # fmt: skip


def chosen(names: Sequence[str]) -> list[ArmSpec]:
    """The arms of these names, all if there are none. Raises BadRequest for one that is unknown."""
    unknown = [name for name in names if name not in ARMS]
    if unknown:
        raise BadRequest(f"no arm {unknown[0]!r}: there are {', '.join(ARMS)}")
    return [ARMS[name] for name in names or ARMS]


@dataclass(frozen=True, kw_only=True)
class HoleRows:
    """Held-out holes of one batch, at the same place of equally long windows.

    ids: int64 [B, T], text with the true content at `left` …; length: int64 [B], tokens of content. The canvas
    closes with an end-of-hole token, so its length is given away to every arm alike.
    """

    ids: Tensor
    length: Tensor
    left: int


class Arm(Protocol):
    """One way to lay out text and hole."""

    @property
    def network(self) -> nn.Module:
        """Its parameters."""
        ...

    def windows(self, tokens: Tokens, kinds: TokenKinds, *, streams_alone: bool, seed: int) -> Dataset[Any]:
        """Batches of training, endless: number i is a function of (seed, i) alone."""
        ...

    def loss(self, batch: Any) -> Tensor:
        """What is minimised."""
        ...

    def prefill(self, rows: HoleRows) -> Any:
        """What the steps of these holes share."""
        ...

    def log_probs(self, context: Any, content: Tensor) -> Tensor:
        """Float32 [B, C, V] for canvas contents int64 [B, C], masked where undecided; rows past the length are free."""
        ...
