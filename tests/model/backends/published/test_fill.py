"""A published checkpoint fills, from text to text and from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsp_server.cli.main import run
from model.backends.published import load_checkpoint
from model.backends.published.codec import read_codec
from model.backends.published.networks.decoder import Decoder
from model.errors import BadRequest
from model.filler import open_filler
from model.infill.encoding import encode_prompt
from model.types import FillRequest, Hole, Template
from tests.model.backends.published import tiny
from tests.model.backends.published.golden import ROOT
from tests.model.backends.published.tiny import MASK_TOKEN

BEFORE, AFTER = "def total(items):\n    ", "\n\n\nclass Shop:\n    name: str\n"


def request(before: str = BEFORE, after: str = AFTER, *, length: int | None = 6, candidates: int = 1) -> FillRequest:
    template = Template(pieces=(before, after), holes=(Hole(length_tokens=length),))
    return FillRequest(template=template, candidates=candidates)


@pytest.mark.parametrize("model_type", ["Dream", "a2d-qwen2", "qwen2"])
def test_a_gap_between_prefix_and_suffix(tmp_path: Path, model_type: str) -> None:
    tiny.write(tmp_path, model_type=model_type)
    filler = open_filler(str(tmp_path), device="cpu")
    assert filler.info.device == "cpu"
    fill = filler.fill(request())
    assert fill.stopped == "done"
    assert fill.forward_passes >= 1
    assert fill.tokens == 6
    assert fill.candidates[0].texts[0]
    assert fill.candidates[0].texts == filler.fill(request()).candidates[0].texts
    other = filler.fill(request(after="\n\nimport os\n" * 20)).candidates[0]
    assert (other.texts, other.confidence) != (fill.candidates[0].texts, fill.candidates[0].confidence), (
        "it sees the suffix"
    )


def test_several_gaps_and_candidates(tmp_path: Path) -> None:
    tiny.write(tmp_path)
    filler = open_filler(str(tmp_path), device="cpu")
    template = Template(pieces=("a = ", "\nb = ", "\n"), holes=(Hole(length_tokens=3), Hole(length_tokens=4)))
    fill = filler.fill(FillRequest(template=template, candidates=3))
    assert len(fill.candidates) >= 2
    assert all(len(candidate.texts) == 2 for candidate in fill.candidates)


def test_a_mask_in_the_users_text_is_not_filled(tmp_path: Path) -> None:
    """It is encoded as text, and no position but the hole's is open."""
    bpe = tiny.write(tmp_path)
    mask = bpe.token_to_id(MASK_TOKEN)
    codec = read_codec(tmp_path)
    template = Template(pieces=(f"x = '{MASK_TOKEN}'\n", f"\ny = '{MASK_TOKEN}'\n"), holes=(Hole(length_tokens=3),))
    context = encode_prompt(template, codec, context_tokens=400).context
    assert all(mask not in piece for piece in context.pieces)
    assert open_filler(str(tmp_path), device="cpu").fill(FillRequest(template=template)).stopped == "done"


def test_texts_begin_and_end_as_the_checkpoint_knows_them(tmp_path: Path) -> None:
    tiny.write(tmp_path)
    codec = read_codec(tmp_path)
    template = request("a" * 50, "b" * 50).template
    encoded = encode_prompt(template, codec, context_tokens=20, start_ids=(7,), end_ids=(8, 9))
    before, after = encoded.context.pieces
    assert before[0] == 7
    assert after[-2:].tolist() == [8, 9]
    assert len(before) + len(after) <= 20 + 3
    plain = encode_prompt(template, codec, context_tokens=20).context.pieces
    np.testing.assert_array_equal(before[1:], plain[0])
    np.testing.assert_array_equal(after[:-2], plain[1])


def test_dreamon_says_what_expands_and_deletes(tmp_path: Path) -> None:
    from model.backends.published import load_checkpoint

    tiny.write(tmp_path, bos_token_id=3, expand_token_id=295)
    spec = load_checkpoint(tmp_path, "cpu").spec
    assert spec.expand_id == 295
    assert spec.delete_id == spec.end_ids[0]
    assert spec.start_ids == (3,)
    fill = open_filler(str(tmp_path), device="cpu").fill(request(length=None))
    assert fill.stopped == "done"


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, file = tmp_path / "tiny-dream", tmp_path / "shop.py"
    tiny.write(model)
    file.write_text("def total(items):\n    return 0\n\n\nx = 1\n")
    code = run([f"{file}:2", "--model", str(model), "--device", "cpu", "--length", "5", "--json"])
    out = json.loads(capsys.readouterr().out)
    assert code in {0, 1}
    assert out["model"] == "tiny-dream"
    assert out["forward_passes"] >= 1


def test_the_command_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.write(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").rename(tmp_path / "model" / "pytorch_model.bin")
    (tmp_path / "shop.py").write_text("x = 1\n")
    capsys.readouterr()  # what saving the checkpoint said
    code = run([f"{tmp_path / 'shop.py'}:1", "--model", str(tmp_path / "model")])
    assert code == 2
    said = capsys.readouterr().err.strip()
    assert "pickles only (pytorch_model.bin)" in said
    assert len(said.splitlines()) == 1


def test_a_context_that_is_kept_over_passes_is_asked_for_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.write(tmp_path / "model")
    read: list[int] = []
    states = Decoder.states

    def counted(self: Decoder, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("at") is None:  # all of the text, and not some places of it
            read.append(1)
        return states(self, *args, **kwargs)

    monkeypatch.setattr(Decoder, "states", counted)
    (tmp_path / "a.py").write_text("x = (1 +\n  2)\ny = 3\n")
    ask = [f"{tmp_path / 'a.py'}:2", "--json", "--model", str(tmp_path / "model"), "--length", "6"]
    ask += ["--sampler", "one_at_a_time"]
    counts = []
    for refresh in ("1", "3"):
        read.clear()
        run([*ask, "--context-refresh", refresh])
        fill = json.loads(capsys.readouterr().out)
        counts.append((len(read), fill["forward_passes"]))
    (exact, passes), (kept, same_passes) = counts
    assert passes == same_passes
    assert kept < exact
    assert run([f"{tmp_path / 'a.py'}:2", "--context-refresh", "3"]) == 2
    assert "leave out --context-refresh" in capsys.readouterr().err


def test_a_model_that_is_causal_in_blocks_keeps_its_context_in_any_case() -> None:
    with pytest.raises(BadRequest, match="exactly in any case; leave out --context-refresh"):
        load_checkpoint(ROOT / "llada2", "cpu", "float32").backend(refresh=2)
