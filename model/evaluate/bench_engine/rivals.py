"""What the engine is compared with: the same weights run as published code does, and a same-shape Llama."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas
from model.checkpoints.builtin import load
from model.denoiser import Context, Denoiser, Prediction, Prefilled, Spec
from model.errors import ModelError
from model.evaluate.left_to_right import LeftToRight
from model.local import LocalFiller


class _Recomputing:
    """Reads the whole context anew in every pass."""

    def __init__(self, denoiser: Denoiser, context: Context) -> None:
        self._denoiser, self._context = denoiser, context

    def denoise(self, canvas: Canvas) -> Prediction:
        return self._denoiser.prefill(self._context).denoise(canvas)

    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        return self._denoiser.prefill(self._context).score(canvas, wanted=wanted)


@dataclass(frozen=True)
class Naive:
    """A network without a cache, and without the engine's scoring pass; the loop and the rules are the engine's.

    Still kinder than published code, which also computes the vocabulary for every position of the context.
    `cached`: with the exact cache all the same, to learn sooner what it would have filled.
    """

    inner: Denoiser
    cached: bool = False

    @property
    def spec(self) -> Spec:
        return replace(self.inner.spec, scores=False)

    def prefill(self, context: Context, *, reuse: Prefilled | None = None) -> Prefilled:  # noqa: ARG002
        return self.inner.prefill(context) if self.cached else _Recomputing(self.inner, context)


@dataclass(frozen=True)
class Rivals:
    """The same weights on torch: published decoding without and (for its fills alone) with a cache, left to right."""

    naive: LocalFiller
    naive_cached: LocalFiller
    left_to_right: LeftToRight
    engine_on_torch: LocalFiller | None


def open_rivals(directory: Path, engine: LocalFiller) -> Rivals:
    """All over one copy of the weights in `directory`, on the CPU. Raises UnknownModel."""
    denoiser, tokenizer = load(directory, device="cpu")
    alone = engine.over(lambda _: denoiser, drafts=0)
    return Rivals(
        naive=alone.over(Naive),
        naive_cached=alone.over(lambda inner: Naive(inner, cached=True)),
        left_to_right=LeftToRight(denoiser, tokenizer, tokenizer),
        engine_on_torch=None if engine.runs_on(type(denoiser)) else engine.over(lambda _: denoiser),
    )


class SameShape:
    """transformers' Llama of the built-in model's shape with random weights, generating greedily with its cache."""

    def __init__(self, sizes: dict[str, int]) -> None:
        try:
            import transformers
        except ImportError as error:
            raise ModelError(
                "transformers is not installed: pip install 'dlm-fill[dev]' for this comparison"
            ) from error
        import torch

        torch.manual_seed(0)
        config = transformers.LlamaConfig(
            vocab_size=sizes["vocab_size"],
            hidden_size=sizes["width"],
            num_hidden_layers=sizes["layers"],
            num_attention_heads=sizes["heads"],
            num_key_value_heads=sizes["kv_heads"],
            intermediate_size=sizes["feed_forward"],
            max_position_embeddings=4096,
            tie_word_embeddings=True,
        )
        self._torch = torch
        self._model: Any = transformers.LlamaForCausalLM(config)
        self._model.train(False)

    def generate(self, *, context_tokens: int, new_tokens: int) -> None:
        """Write `new_tokens` behind a prompt of `context_tokens`; what, is of no interest."""
        torch = self._torch
        prompt = torch.randint(16, self._model.config.vocab_size, (1, context_tokens))
        made = self._model.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=new_tokens, min_new_tokens=new_tokens,
            do_sample=False, pad_token_id=0,
        )  # fmt: skip
        assert made.shape[1] == context_tokens + new_tokens
