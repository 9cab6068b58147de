"""Fill-in-the-middle prompts as strings, and a tiny random Qwen2 that fills from start to end."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from model.backends.left_to_right.fim_prompts import FORMATS
from model.backends.left_to_right.sequential import SequentialFiller
from model.backends.left_to_right.transformers_model import TransformersWriter
from model.backends.left_to_right.writer import Middle
from model.errors import UnknownModel
from model.filler import open_filler
from model.types import FillEvent, FillRequest, Hole, Template


def write(directory: Path, *specials: str) -> Path:
    """A random Qwen2 over bytes, whose tokenizer has the special tokens."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(specials))
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=specials[-1])
    fast.save_pretrained(directory)
    config = transformers.Qwen2Config(
        vocab_size=len(fast), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, eos_token_id=None,
    )  # fmt: skip
    torch.manual_seed(1)
    model = transformers.Qwen2ForCausalLM(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    model.save_pretrained(directory)
    return directory


def tokenizer_of(directory: Path) -> Tokenizer:
    return Tokenizer.from_file(str(directory / "tokenizer.json"))


QWEN = (*FORMATS[0].ends[1:4], "<|endoftext|>")


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("qwen"), *QWEN)


@pytest.mark.parametrize(
    ("specials", "prompt"),
    [
        (QWEN, "<|fim_prefix|>a = <|fim_suffix|>\nb<|fim_middle|>"),
        (("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>"),
         "<fim_prefix>a = <fim_suffix>\nb<fim_middle>"),
        (("<fim-prefix>", "<fim-suffix>", "<fim-middle>", "<|endoftext|>"),
         "<fim-prefix>a = <fim-suffix>\nb<fim-middle>"),
    ],
)  # fmt: skip
def test_prompts(tmp_path: Path, specials: tuple[str, ...], prompt: str) -> None:
    writer = TransformersWriter(write(tmp_path, *specials), name="tiny", device="cpu")
    ids = writer.prompt(Middle(prefix="a = ", suffix="\nb", max_tokens=1))
    assert tokenizer_of(tmp_path).decode(ids, skip_special_tokens=False) == prompt


def test_special_tokens_in_the_users_text_stay_text(qwen: Path) -> None:
    writer = TransformersWriter(qwen, name="tiny", device="cpu")
    special = tokenizer_of(qwen).token_to_id("<|fim_middle|>")
    ids = writer.prompt(Middle(prefix="x = '<|fim_middle|>'", suffix="", max_tokens=1))
    assert [at for at, token in enumerate(ids) if token == special] == [len(ids) - 1]


def reference(directory: Path, prompt: list[int], count: int) -> list[int]:
    """The likeliest next tokens, each by a whole forward pass."""
    model = transformers.Qwen2ForCausalLM.from_pretrained(directory)
    ids = list(prompt)
    for _ in range(count):
        with torch.no_grad():
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def test_it_fills_with_what_the_model_finds_likeliest(qwen: Path) -> None:
    filler = open_filler(f"fim:{qwen}", device="cpu")
    assert isinstance(filler, SequentialFiller)
    assert (filler.info.sent_to, filler.info.device, filler.info.name) == ("", "cpu", qwen.name)
    request = FillRequest(template=Template(pieces=("a = ", "\nb"), holes=(Hole(length_tokens=12),)))
    events: list[FillEvent] = []
    fill = filler.fill(request, on_event=events.append)
    writer = TransformersWriter(qwen, name="tiny", device="cpu")
    tokenizer = tokenizer_of(qwen)
    expected = reference(qwen, writer.prompt(Middle(prefix="a = ", suffix="\nb", max_tokens=12)), 12)
    ends = [i for i, token in enumerate(expected) if token in map(tokenizer.token_to_id, QWEN)]
    text = tokenizer.decode(expected[: ends[0]] if ends else expected)
    assert text
    assert [c.texts[0].rstrip("\N{REPLACEMENT CHARACTER}") for c in fill.candidates] == [
        text.replace("\r\n", "\n").rstrip("\N{REPLACEMENT CHARACTER}")
    ]
    shown = ["".join(token.text for token in event.holes[0]) for event in events]
    assert shown == sorted(shown, key=len)
    filler.close()


def test_several_candidates_and_the_same_seed(qwen: Path) -> None:
    filler = open_filler(f"fim:{qwen}", device="cpu")
    template = Template(pieces=("a = ", "\nb"), holes=(Hole(length_tokens=6, max_lines=1),))
    once, again = (filler.fill(FillRequest(template=template, candidates=4, seed=3)).candidates for _ in range(2))
    assert [c.texts for c in once] == [c.texts for c in again]
    assert len(once) > 1
    assert not any("\n" in c.texts[0] for c in once)


def test_cancelling_stops_at_the_next_token(qwen: Path) -> None:
    filler = open_filler(f"fim:{qwen}", device="cpu")
    begun = threading.Event()
    request = FillRequest(template=Template(pieces=("a = ", "\nb"), holes=(Hole(length_tokens=400),)))
    fill = filler.fill(request, cancelled=begun.is_set, on_event=lambda _: begun.set())
    assert (fill.stopped, fill.candidates) == ("cancelled", ())


@pytest.mark.parametrize("damage", ["no tokens", "pickles", "own code", "truncated", "nothing"])
def test_what_cannot_be_used_is_told_in_one_line(tmp_path: Path, damage: str) -> None:
    folder = write(tmp_path / "model", *(("<|endoftext|>",) if damage == "no tokens" else QWEN))
    weights, config = folder / "model.safetensors", folder / "config.json"
    if damage == "pickles":
        weights.rename(folder / "pytorch_model.bin")
    elif damage == "own code":
        (folder / "own.py").write_text("raise SystemExit('ran')")
        auto = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
        config.write_text(json.dumps({**json.loads(config.read_text()), "model_type": "own", "auto_map": auto}))
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "nothing":
        config.unlink()
    with pytest.raises(UnknownModel) as caught:
        open_filler(f"fim:{folder}", device="cpu")
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    says = {"no tokens": "no fill-in-the-middle tokens", "pickles": "no *.safetensors"}.get(damage, "cannot load")
    assert says in str(caught.value)
