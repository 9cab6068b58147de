"""Opens a model folder as the engine takes it: back end and tokenizer."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from model.backend import Capabilities, ModelSpec
from model.backends.builtin.backend import TOP, CausalBackend
from model.backends.builtin.pace import MOST_CONTEXT, Bounds, key_of, read_pace
from model.backends.builtin.prompt import FimTokens
from model.backends.builtin.runtime.network import Network
from model.backends.builtin.storage.config import ModelConfig, read_config
from model.backends.builtin.tokenizer import CodeTokenizer
from model.errors import UnknownModel

CONTEXT_TOKENS = MOST_CONTEXT
SCRATCH_TOKENS = 1536
CANVAS_TOKENS = 256
BEAM = 4
MARGIN_NATS = 4.0
_SPECIALS_OF_A_PROMPT = 3


def is_model_folder(folder: Path) -> bool:
    """Whether `folder` holds a network that this back end reads."""
    try:
        return '"qwen2"' in (folder / "config.json").read_text("utf-8") and not (folder / "model.safetensors").exists()
    except OSError:
        return False


def spec_of(config: ModelConfig, bounds: Bounds) -> ModelSpec:
    """What the engine must know of the network, on a machine with these bounds."""
    return ModelSpec(
        mask_id=config.mask_id,
        end_of_hole_id=config.special["endoftext"],
        vocab_size=config.vocab_size + 1,
        context_tokens=min(CONTEXT_TOKENS, config.context_tokens, bounds.context_tokens),
        canvas_tokens=CANVAS_TOKENS,
        top_k=TOP,
        capabilities=Capabilities(
            denoises=False, beam=min(BEAM, bounds.beam), margin_nats=MARGIN_NATS, keeps_up=bounds.keeps_up
        ),
    )


def load(folder: Path) -> tuple[CausalBackend, CodeTokenizer]:
    """The model in `folder`. Raises UnknownModel: missing, damaged, or without the tokens of fill-in-the-middle."""
    tokenizer = CodeTokenizer(folder / "tokenizer.json")
    config = read_config(folder)
    try:
        special = config.special
        fim = FimTokens(prefix=special["fim_prefix"], suffix=special["fim_suffix"], middle=special["fim_middle"])
        if "endoftext" not in special:
            raise LookupError("no token ends a text")
        if tokenizer.vocab_size != config.vocab_size:
            raise LookupError("its tokenizer belongs to another network")
    except LookupError as error:
        remedy = "name a folder made by `dlm-fill train base`, or reinstall dlm-fill"
        raise UnknownModel(f"the model in {folder} cannot fill gaps ({error}): {remedy}") from error
    network = Network.open(folder)
    spec = spec_of(config, Bounds.of(read_pace(key_of(config, network.kernel))))
    longest = spec.context_tokens + spec.canvas_tokens + _SPECIALS_OF_A_PROMPT
    cache = partial(network.cache, context_tokens=longest, scratch_tokens=SCRATCH_TOKENS)
    specials = tuple(sorted(special.values()))
    return CausalBackend(
        cache, tokenizer, spec=spec, fim=fim, specials=specials, adapter=network.writes_adapted
    ), tokenizer
