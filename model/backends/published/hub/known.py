"""The published models that dlm-fill knows, as of November 2026. Licences change: a model's own page decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Known:
    """`parameters` in billions. `licence`: "" where it is not stated. `free`: commercial use is allowed.

    variable: it chooses the length of a gap itself. blocks: attention is causal from block to block, so it appends
    text, and knows what stands after a gap only by a fill-in-the-middle prompt, if at all. experimental: it was not
    made to fill gaps.
    """

    repo: str
    family: str
    parameters: float
    licence: str
    attention: str
    free: bool = True
    variable: bool = False
    instruct: bool = False
    blocks: bool = False
    experimental: bool = False


def _model(
    repo: str, family: str, parameters: float, licence: str, attention: str = "bidirectional", **more: bool
) -> Known:
    return Known(repo=repo, family=family, parameters=parameters, licence=licence, attention=attention, **more)


def _blocks(size: int) -> str:
    return f"causal in blocks of {size}"


KNOWN: Final = (
    _model("Dream-org/DreamOn-v0-7B", "Dream", 7.6, "Apache-2.0", variable=True),
    _model("Dream-org/Dream-Coder-v0-Base-7B", "Dream", 7.6, "Apache-2.0"),
    _model("Dream-org/Dream-Coder-v0-Instruct-7B", "Dream", 7.6, "Apache-2.0", instruct=True),
    _model("Dream-org/Dream-v0-Base-7B", "Dream", 7.6, "Apache-2.0"),
    _model("Dream-org/Dream-v0-Instruct-7B", "Dream", 7.6, "Apache-2.0", instruct=True),
    _model("apple/DiffuCoder-7B-Base", "Dream", 7.6, "apple-amlr", free=False),
    _model("apple/DiffuCoder-7B-Instruct", "Dream", 7.6, "apple-amlr", free=False, instruct=True),
    _model("fredzzp/open-dcoder-0.5B", "Open-dCoder", 0.5, "Apache-2.0"),
    _model("GSAI-ML/LLaDA-8B-Base", "LLaDA", 8.0, "MIT"),
    _model("GSAI-ML/LLaDA-8B-Instruct", "LLaDA", 8.0, "MIT", instruct=True),
    _model("GSAI-ML/LLaDA-1.5", "LLaDA", 8.0, "MIT", instruct=True),
    _model("inclusionAI/LLaDA-MoE-7B-A1B-Base", "LLaDA-MoE", 7.4, "Apache-2.0"),
    _model("inclusionAI/LLaDA-MoE-7B-A1B-Instruct", "LLaDA-MoE", 7.4, "Apache-2.0", instruct=True),
    _model("inclusionAI/LLaDA2.0-mini", "LLaDA2", 16.3, "Apache-2.0", _blocks(32), instruct=True, blocks=True),
    _model("inclusionAI/LLaDA2.1-mini", "LLaDA2", 16.3, "Apache-2.0", _blocks(32), instruct=True, blocks=True),
    _model("Salesforce/CoDA-v0-Base", "CoDA", 1.7, "CC-BY-NC-4.0", free=False),
    _model("Salesforce/CoDA-v0-Instruct", "CoDA", 1.7, "CC-BY-NC-4.0", free=False, instruct=True),
    _model("dllm-hub/Qwen3-0.6B-diffusion-mdlm-v0.1", "A2D", 0.6, "Apache-2.0", instruct=True),
    _model(
        "dllm-hub/Qwen3-0.6B-diffusion-bd3lm-v0.1", "A2D", 0.6, "Apache-2.0", _blocks(32), instruct=True, blocks=True
    ),
    _model("dllm-hub/Qwen2.5-Coder-0.5B-Instruct-diffusion-mdlm-v0.1", "A2D", 0.5, "Apache-2.0", instruct=True),
    _model(
        "dllm-hub/Qwen2.5-Coder-0.5B-Instruct-diffusion-bd3lm-v0.1",
        "A2D",
        0.5,
        "Apache-2.0",
        _blocks(32),
        instruct=True,
        blocks=True,
    ),
    _model("JetLM/SDAR-1.7B-Chat", "SDAR", 1.7, "MIT", _blocks(4), instruct=True, blocks=True),
    _model("JetLM/SDAR-4B-Chat", "SDAR", 4.0, "MIT", _blocks(4), instruct=True, blocks=True),
    _model("JetLM/SDAR-8B-Chat", "SDAR", 8.2, "MIT", _blocks(4), instruct=True, blocks=True),
    _model("ByteDance-Seed/Stable-DiffCoder-8B-Base", "Stable-DiffCoder", 8.3, "MIT", _blocks(4), blocks=True),
    _model(
        "ByteDance-Seed/Stable-DiffCoder-8B-Instruct",
        "Stable-DiffCoder",
        8.3,
        "MIT",
        _blocks(4),
        instruct=True,
        blocks=True,
    ),
    _model(
        "google/diffusiongemma-26B-A4B-it",
        "DiffusionGemma",
        26.0,
        "Apache-2.0",
        "uniform noise in a canvas",
        instruct=True,
        experimental=True,
    ),
)
