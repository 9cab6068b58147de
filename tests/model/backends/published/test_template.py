"""Checkpoints tuned on chats: the text with its gaps is the assistant's message, in the checkpoint's own template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers

from model.backend import ModelSpec
from model.backends.published import load_checkpoint
from model.backends.published.blockwise import BlockPrefilled
from model.backends.published.codec import read_codec
from model.backends.published.template import REQUEST
from model.canvas import Canvas
from model.errors import UnknownModel
from model.filler import open_filler
from model.infill.encoding import encode_prompt
from model.types import FillRequest, Hole, Template
from tests.model.backends.published.oracles import Case, sizes
from tests.model.backends.published.tiny import write_tokenizer

SPECIALS = (
    "<|endoftext|>",
    "<|mask|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
)
CHATML = (
    "{%- for message in messages %}\n<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WITH_START = (
    "{% set loop_messages = messages %}{{ bos_token }}{% for message in loop_messages %}"
    "[{{ message['role'] }}]{{ message['content'] | trim }}<|im_end|>{% endfor %}"
)
SHOUTING = (
    "{% for m in messages %}<|im_start|>{{ m.content | upper | replace('\ue000', '') }}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>now{% endif %}"
)


def checkpoint(
    directory: Path, name: str, template: str | list[dict[str, str]] | None, *, model_type: str = "Dream", **config: Any
) -> tokenizers.Tokenizer:
    """A random checkpoint called `name`, its template in tokenizer_config.json."""
    directory.mkdir(parents=True, exist_ok=True)
    bpe = write_tokenizer(directory, specials=SPECIALS)
    kind = "Qwen3" if model_type == "sdar" else "Qwen2"
    case = Case(
        kind=kind,
        options=sizes(32, 2, 4, 2, 48) | {"vocab_size": bpe.get_vocab_size() + 6},
        config={
            "model_type": model_type,
            "_name_or_path": name,
            "mask_token_id": bpe.token_to_id("<|mask|>"),
            "eos_token_id": bpe.token_to_id("<|endoftext|>"),
            **config,
        },
    )
    case.write(directory)
    (directory / "config.json").write_text(
        json.dumps(json.loads((directory / "config.json").read_text()) | {"_name_or_path": name})
    )
    more = {"bos_token": {"content": "<|endoftext|>"}, "chat_template": template}
    (directory / "tokenizer_config.json").write_text(json.dumps(more))
    return bpe


def framing(directory: Path, bpe: tokenizers.Tokenizer) -> tuple[ModelSpec, str, str]:
    """The spec, and the text that texts begin and end with."""
    spec = load_checkpoint(directory, "cpu", "float32").spec
    start, end = (bpe.decode(list(ids), skip_special_tokens=False) for ids in (spec.start_ids, spec.end_ids))
    return spec, start, end


def test_the_text_is_what_the_assistant_says(tmp_path: Path) -> None:
    bpe = checkpoint(tmp_path, "Dream-org/Dream-v0-Instruct-7B", CHATML, bos_token_id=3)
    spec, start, end = framing(tmp_path, bpe)
    assert start == f"<|im_start|>user\n{REQUEST}<|im_end|>\n<|im_start|>assistant\n"
    assert end == "<|im_end|>\n"
    assert spec.start_ids[0] == bpe.token_to_id("<|im_start|>"), "special tokens, not their letters"
    plain = tmp_path / "plain"
    checkpoint(plain, "Dream-org/Dream-v0-Base-7B", CHATML, bos_token_id=3)
    base = load_checkpoint(plain, "cpu", "float32").spec
    assert (base.start_ids, base.end_ids) == ((3,), ())
    length = len(spec.start_ids) + len(spec.end_ids)
    assert spec.context_tokens + length == base.context_tokens + 1, "what the template takes is no context"


@pytest.mark.parametrize(
    ("template", "start", "end"),
    [
        (WITH_START, f"<|endoftext|>[user]{REQUEST}<|im_end|>[assistant]", "<|im_end|>"),
        (SHOUTING, f"<|im_start|>{REQUEST.upper()}<|im_start|>now", ""),
        ([{"name": "other", "template": "x"}, {"name": "default", "template": CHATML}], None, "<|im_end|>\n"),
    ],
)
def test_templates_of_other_kinds(tmp_path: Path, template: Any, start: str | None, end: str) -> None:
    bpe = checkpoint(tmp_path, "my-instruct", template)
    _, begins, ends = framing(tmp_path, bpe)
    assert ends == end
    assert start is None or begins == start


def test_a_template_of_its_own_file(tmp_path: Path) -> None:
    bpe = checkpoint(tmp_path, "GSAI-ML/instruct", "never read")
    (tmp_path / "chat_template.jinja").write_text(CHATML)
    assert framing(tmp_path, bpe)[2] == "<|im_end|>\n"


ASKED = {
    "Dream-Coder-v0-Instruct-7B": "Dream",
    "CoDA-v0-Instruct": "CoDA",
    "Qwen3-0.6B-diffusion-mdlm-v0.1": "a2d-qwen2",
}
NOT_ASKED = {"Dream-Coder-v0-Base-7B": "Dream", "CoDA-v0-Base": "CoDA", "open-dcoder-0.5B": "qwen2"}


@pytest.mark.parametrize(("name", "model_type"), [*ASKED.items(), *NOT_ASKED.items()])
def test_who_is_asked_so(tmp_path: Path, name: str, model_type: str) -> None:
    kind = "qwen3" if model_type == "CoDA" else "qwen2"
    bpe = write_tokenizer(tmp_path, specials=SPECIALS)
    Case(
        kind=kind.capitalize(),
        options=sizes(32, 1, 4, 2, 48, **({"head_dim": 8} if kind == "qwen3" else {}))
        | {"vocab_size": bpe.get_vocab_size()},
        config={"model_type": model_type, "mask_token_id": 1},
    ).write(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | {"_name_or_path": name}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "chat_template.jinja").write_text(CHATML)
    spec = load_checkpoint(tmp_path, "cpu", "float32").spec
    assert bool(spec.end_ids) == (name in ASKED)


def test_fill_in_the_middle_tokens_are_asked_alone(tmp_path: Path) -> None:
    checkpoint(tmp_path, "JetLM/SDAR-1.7B-Chat", CHATML, model_type="sdar")
    loaded = load_checkpoint(tmp_path, "cpu", "float32")
    assert loaded.family.fim is not None
    assert loaded.spec.start_ids == ()


def test_blocks_get_the_beginning_of_the_message_alone(tmp_path: Path) -> None:
    """It appends: what closes the message would stand before the gap."""
    bpe = checkpoint(tmp_path, "x-bd3lm", CHATML, model_type="a2d-qwen2", block_size=8)
    loaded = load_checkpoint(tmp_path, "cpu", "float32")
    encoded = encode_prompt(
        Template(pieces=("a = ", "\nb\n"), holes=(Hole(),)), read_codec(tmp_path), context_tokens=100,
        start_ids=loaded.spec.start_ids, end_ids=loaded.spec.end_ids,
    )  # fmt: skip
    cached = loaded.backend().prefill(encoded.context)
    assert isinstance(cached, BlockPrefilled)
    prompt = bpe.decode(cached.prompt.tolist(), skip_special_tokens=False)
    assert prompt.endswith("<|im_start|>assistant\na =")
    cached.denoise(Canvas.masked((3,), mask_id=loaded.spec.mask_id))


def test_a_fill_and_what_reads_like_a_template_in_the_users_text(tmp_path: Path) -> None:
    bpe = checkpoint(tmp_path, "some-instruct", CHATML)
    filler = open_filler(str(tmp_path), device="cpu")
    pieces = ("s = '<|im_end|><|mask|>'\n", "\nt = '<|im_start|>'\n")
    fill = filler.fill(FillRequest(template=Template(pieces=pieces, holes=(Hole(length_tokens=4),))))
    assert fill.stopped == "done"
    assert fill.candidates
    spec = load_checkpoint(tmp_path, "cpu", "float32").spec
    context = encode_prompt(
        Template(pieces=pieces, holes=(Hole(),)), read_codec(tmp_path), context_tokens=300,
        start_ids=spec.start_ids, end_ids=spec.end_ids,
    ).context  # fmt: skip
    ids = np.concatenate(context.pieces)
    for token in ("<|im_start|>", "<|im_end|>"):
        wanted = sum((np.array(part) == bpe.token_to_id(token)).sum() for part in (spec.start_ids, spec.end_ids))
        assert (ids == bpe.token_to_id(token)).sum() == wanted
    assert bpe.token_to_id("<|mask|>") not in ids


@pytest.mark.parametrize(
    "template", ["{% for m in messages %}", "{{ raise_exception('no') }}", "{{ messages.nothing.at.all }}", "{{ ''.__class__.mro() }}"]
)  # fmt: skip
def test_templates_that_cannot_be_used(tmp_path: Path, template: str) -> None:
    checkpoint(tmp_path, "some-instruct", template)
    with pytest.raises(
        UnknownModel, match=r"the chat template in .* cannot be used .* or remove the template"
    ) as raised:
        load_checkpoint(tmp_path, "cpu", "float32")
    assert "\n" not in str(raised.value)
