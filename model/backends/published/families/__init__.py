"""Families of published diffusion checkpoints: one small file each, and which of them a directory belongs to."""

from __future__ import annotations

from pathlib import Path

from model.backends.published.config_file import ConfigFile
from model.backends.published.families import (
    a2d,
    coda,
    dream,
    llada,
    llada2,
    llada_moe,
    open_dcoder,
    sdar,
    stable_diffcoder,
)
from model.backends.published.families.family import Family

READERS = (
    llada.read,
    llada_moe.read,
    llada2.read,
    dream.read,
    a2d.read,
    coda.read,
    sdar.read,
    stable_diffcoder.read,
    open_dcoder.read,
)


def family_of(directory: Path) -> Family:
    """The family that the checkpoint in `directory` belongs to.

    Raises UnknownModel if none does, or if its config.json is missing, damaged or not supported.
    """
    config = ConfigFile(directory)
    for read in READERS:
        family = read(config)
        if family is not None:
            return family
    known = "llada, llada2_moe, Dream, a2d-qwen2, a2d-qwen3, a2d-llama, coda, sdar, sdar_moe"
    raise config.refusal(
        f"no diffusion model of the kind {config.text('model_type', '')!r} is known; the kinds known are {known},"
        " Open-dCoder and Stable-DiffCoder"
    )
