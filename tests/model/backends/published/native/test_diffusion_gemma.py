"""A tiny random DiffusionGemma in transformers' own class: gaps are filled, and nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import torch
from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion

from lsp_server.cli.main import run
from model.backend import Context
from model.backends.published import load_checkpoint
from model.backends.published.native.diffusion_gemma import NoiseBackend, backend_of
from model.canvas import Canvas, Decision
from model.errors import BadRequest, NotEnoughMemory, UnknownModel
from model.filler import open_filler
from model.types import FillRequest, Hole, Template
from tests.model.backends.published.driven import committed
from tests.model.backends.published.tiny import TEXTS

BEFORE, AFTER = "def total(items):\n    ", "\n\n\nclass Shop:\n    name: str\n"
CANVAS = 96


def tiny(vocab: int, *, seed: int = 0) -> Any:
    text = {
        "vocab_size": vocab, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 8, "global_head_dim": 16, "num_global_key_value_heads": 2,
        "sliding_window": 16, "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
        "num_experts": 4, "top_k_experts": 2, "moe_intermediate_size": 16, "max_position_embeddings": 512,
        "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2,
    }  # fmt: skip
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 8,
              "num_key_value_heads": 2}  # fmt: skip
    config = DiffusionGemmaConfig(
        text_config=text, vision_config=vision, canvas_length=CANVAS, boi_token_id=3, eoi_token_id=4, image_token_id=5
    )
    torch.manual_seed(seed)
    model = DiffusionGemmaForBlockDiffusion(config).eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.mul_(4.0)  # so that what is said depends on what stands around
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with a tokenizer as Gemma's: blanks are marked, what it does not know is written in bytes."""
    place = tmp_path_factory.mktemp("gemma") / "tiny-gemma"
    place.mkdir()
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    bpe.normalizer = tokenizers.normalizers.Replace(" ", "▁")
    bpe.decoder = tokenizers.decoders.Sequence(
        [tokenizers.decoders.Replace("▁", " "), tokenizers.decoders.ByteFallback(), tokenizers.decoders.Fuse()]
    )
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=420, special_tokens=[*specials, *(f"<0x{n:02X}>" for n in range(256))], show_progress=False
    )
    bpe.train_from_iterator(TEXTS, trainer)
    data = json.loads(bpe.to_str())
    data["added_tokens"] = [token for token in data["added_tokens"] if token["content"] in specials]
    (place / "tokenizer.json").write_text(json.dumps(data))
    tiny(max(data["model"]["vocab"].values()) + 1).save_pretrained(place)
    return place


def request(*pieces: str, length: int | None = 5, **more: Any) -> FillRequest:
    holes = (Hole(length_tokens=length),) * (len(pieces) - 1)
    return FillRequest(template=Template(pieces=pieces, holes=holes), **more)


def test_it_fills_the_same_for_the_same_seed(folder: Path) -> None:
    filler = open_filler(str(folder), device="cpu")
    assert filler.info.name == "tiny-gemma (experimental)"
    fill = filler.fill(request(BEFORE, AFTER))
    assert fill.stopped == "done"
    assert fill.tokens == 5
    assert fill.candidates[0].texts[0]
    assert open_filler(str(folder), device="cpu").fill(request(BEFORE, AFTER)).candidates == fill.candidates
    several = [filler.fill(request(BEFORE, AFTER, candidates=4, seed=seed)).candidates for seed in (1, 1, 2)]
    assert several[0] == several[1]
    assert several[0] != several[2]


def test_what_stands_after_the_gap_is_seen(folder: Path) -> None:
    filler = open_filler(str(folder), device="cpu")
    found = {filler.fill(request(BEFORE, after, length=8)).candidates[0].texts for after in (AFTER, "import os\n" * 3)}
    assert len(found) == 2


def test_lengths_are_searched_and_several_gaps_filled(folder: Path) -> None:
    filler = open_filler(str(folder), device="cpu")
    fill = filler.fill(request("a = ", "\nb = ", "\n", length=None))
    assert fill.stopped == "done"
    assert len(fill.candidates[0].texts) == 2


class Shown:
    """The model of a backend, and what it was shown, pass by pass."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.ids: list[np.ndarray[Any, np.dtype[np.int64]]] = []
        self.told: list[torch.Tensor | None] = []
        model.register_forward_pre_hook(self._saw, with_kwargs=True)

    def _saw(self, module: object, args: object, kwargs: dict[str, Any]) -> None:
        self.ids.append(kwargs["decoder_input_ids"].numpy().copy())
        self.told.append(kwargs.get("self_conditioning_logits"))


def prepared(*, vocab: int = 300) -> tuple[NoiseBackend, Shown]:
    model = tiny(vocab)
    return backend_of(model, None), Shown(model)


def context(before: int = 20, after: int = 30) -> Context:
    rng = np.random.default_rng(before)
    return Context(pieces=(rng.integers(6, 290, before), rng.integers(6, 290, after)), starts_with=(b"",))


def test_the_suffix_is_never_noise_and_the_gap_is_renoised() -> None:
    backend, shown = prepared()
    there = context(after=120)
    canvas = Canvas.masked((6,), mask_id=backend.spec.mask_id)
    order = committed(backend.prefill(there), canvas, backend.spec)
    assert sorted(at for at, _ in order) == list(range(6))
    decided: dict[int, int] = {}
    for n, ids in enumerate(shown.ids):
        assert ids.shape == (1, CANVAS), "as much of the suffix as the model's canvas has room for"
        np.testing.assert_array_equal(ids[0, 6:], there.pieces[1][: CANVAS - 6])
        assert {at: ids[0, at] for at in decided} == decided, "what is decided stays"
        if n + 1 < len(shown.ids):
            still = [at for at, _ in order[n + 1 :]]
            assert (ids[0, still] != shown.ids[n + 1][0, still]).any(), "what is open is drawn anew"
        decided |= dict([order[n]])


def test_the_model_is_told_what_it_said_and_what_is_given() -> None:
    backend, shown = prepared()
    there = context()
    cached = backend.prefill(there)
    canvas = Canvas.masked((4,), mask_id=backend.spec.mask_id)
    cached.denoise(canvas)
    one = np.array([[True, False, False, False]])
    later = canvas.apply(Decision.committing(one, np.full((1, 4), 77), one.astype(np.float32)))
    cached.denoise(later)
    assert shown.told[0] is None
    told = shown.told[1]
    assert told is not None
    sure = told[0].softmax(-1).max(-1)
    assert sure.indices[[0, 4, 5]].tolist() == [77, *there.pieces[1][:2].tolist()]
    assert (sure.values[[0, 4, 5]] > 0.99).all()
    assert (sure.values[1:4] < 0.99).all()
    cached.denoise(Canvas.masked((4,), mask_id=backend.spec.mask_id))
    assert shown.told[2] is None, "another row: what had been decided is open again"


def test_predictions_are_those_of_the_model() -> None:
    backend, shown = prepared()
    there = context()
    canvas = Canvas.stack([Canvas.masked((n,), mask_id=backend.spec.mask_id) for n in (4, 6, 4)])
    said = backend.prefill(there).denoise(canvas)
    model = shown.model
    prompt = torch.from_numpy(there.pieces[0][None])
    rows = {4: [0, 2], 6: [1]}
    for ids in shown.ids[:2]:
        length = ids.shape[1] - 30
        for row, shown_ids in zip(rows[length], ids, strict=True):
            logits = model(input_ids=prompt, decoder_input_ids=torch.from_numpy(shown_ids[None])).logits[0, :length]
            logits[:, backend.spec.mask_id] = -torch.inf
            best = logits.softmax(-1).max(-1)
            np.testing.assert_array_equal(said.ids[row, :length, 0], best.indices)
            np.testing.assert_allclose(said.probs[row, :length, 0], best.values, atol=1e-5)


def test_score_hides_what_it_scores() -> None:
    backend, shown = prepared()
    canvas = Canvas.decided([[np.arange(100, 106)]], mask_id=backend.spec.mask_id)
    scored = backend.prefill(context()).score(canvas)
    assert (scored.current[0] < 0).all()
    assert len(shown.ids) == 2
    assert (shown.ids[0][0, 1:6:2] == canvas.ids[0, 1::2]).all()
    assert (shown.ids[1][0, 0:6:2] == canvas.ids[0, 0::2]).all()


def test_gaps_that_are_too_far_apart() -> None:
    backend, _ = prepared()
    pieces = tuple(np.full(n, 9, dtype=np.int64) for n in (10, CANVAS, 5))
    cached = backend.prefill(Context(pieces=pieces, starts_with=(b"", b"")))
    with pytest.raises(BadRequest, match=f"more than this model's {CANVAS} tokens"):
        cached.denoise(Canvas.masked((2, 2), mask_id=0))


def test_a_mask_in_the_users_text_stays_text(folder: Path) -> None:
    from model.backends.published.codec import read_codec

    codec = read_codec(folder)
    for text in ("s = '<mask>'\n", "<bos><eos>", "naïve = '🙂'\t▁\n"):
        ids = codec.encode(text, at_line_start=True)
        assert codec.specials.isdisjoint(ids.tolist())
        assert codec.decode(ids) == text.replace("▁", " "), "the mark of a blank reads as a blank in such tokenizers"


def test_its_chat_template_stands_around_the_text(folder: Path, tmp_path: Path) -> None:
    from model.backends.published.codec import backend_of
    from model.backends.published.native.diffusion_gemma import open_noise_backend

    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    template = "<bos>{% for m in messages %}[{{ m.role }}]{{ m.content }}<eos>{% endfor %}"
    (tmp_path / "chat_template.jinja").write_text(template)
    spec = open_noise_backend(tmp_path, device="cpu")[0].spec
    bpe = backend_of(tmp_path)
    start = bpe.decode(list(spec.start_ids), skip_special_tokens=False)
    assert start.startswith("<bos>[user]")
    assert start.endswith("<eos>[assistant]")
    assert spec.end_ids == (bpe.token_to_id("<eos>"),)
    assert open_filler(str(tmp_path), device="cpu").fill(request(BEFORE, AFTER)).stopped == "done"


def test_from_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shop.py"
    file.write_text("def total(items):\n    return 0\n\n\nx = 1\n")
    code = run([f"{file}:2", "--model", str(folder), "--device", "cpu", "--length", "4", "--json", "--write"])
    out = json.loads(capsys.readouterr().out)
    assert code in {0, 1}
    assert out["model"] == "tiny-gemma (experimental)"
    text = file.read_text()
    assert text.startswith("def total(items):\n")
    assert text.endswith("\n\n\nx = 1\n")


def test_what_is_wrong_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadRequest, match="leave out --context-refresh"):
        open_filler(str(folder), device="cpu", refresh=4)
    with pytest.raises(UnknownModel, match=r"config\.json: no diffusion model of the kind 'diffusion_gemma'"):
        load_checkpoint(folder, "cpu", "float32")
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UnknownModel, match=r"cannot load the model in .* download the checkpoint again") as raised:
        open_filler(str(tmp_path), device="cpu")
    assert "\n" not in str(raised.value)
    weights.rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(UnknownModel, match="pickles only"):
        open_filler(str(tmp_path), device="cpu")
    monkeypatch.setattr("model.backends.published.passes.room.check_room.__kwdefaults__", {"free": lambda _: 1000})
    with pytest.raises(NotEnoughMemory, match="tiny-gemma takes"):
        open_filler(str(folder), device="cpu")
