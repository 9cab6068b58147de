"""Opens the model of a directory on the CPU, without torch."""

from __future__ import annotations

import json
import os
from pathlib import Path

from safetensors import SafetensorError

from model.errors import UnknownModel
from model.runtime.denoiser import RuntimeDenoiser
from model.runtime.session import Session
from model.tokenizer import Tokenizer

MOST_THREADS = 2
"""At these sizes, more threads wait for each other longer than they compute."""


def threads_here() -> int:
    """`OMP_NUM_THREADS` where somebody has set it, as for every other library; else few."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(wanted)) if wanted.isdecimal() else min(MOST_THREADS, os.cpu_count() or 1)


def load(directory: Path) -> tuple[RuntimeDenoiser, Tokenizer]:
    """The model in `directory`. Raises UnknownModel: missing, damaged, not one model."""
    tokenizer = Tokenizer(directory / "tokenizer.json")
    try:
        sizes = json.loads((directory / "config.json").read_text("utf-8"))["network"]
        if sizes["vocab_size"] != tokenizer.vocab_size:
            raise ValueError("its tokenizer belongs to another network")
        session = Session(directory, sizes, threads=threads_here())
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError, MemoryError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        remedy = "name a directory made by `dlm-fill train`, or reinstall dlm-fill"
        raise UnknownModel(f"cannot load the model in {directory} ({reason}): {remedy}") from error
    return RuntimeDenoiser(session, tokenizer), tokenizer
