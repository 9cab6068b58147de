"""Checkpoints with something wrong: one line that names the file and what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.backends.published import is_published, load_checkpoint
from model.errors import UnknownDevice, UnknownModel
from model.filler import open_filler
from tests.model.backends.published import oracles, tiny
from tests.model.backends.published.golden import ROOT
from tests.model.backends.published.oracles import CASES
from tests.model.backends.published.tiny import change


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("config.json", "model.safetensors"):
        shutil.copy(ROOT / "dream" / name, tmp_path)
    return tmp_path


def told(directory: Path) -> str:
    with pytest.raises(UnknownModel) as raised:
        load_checkpoint(directory, "cpu", "float32")
    assert "\n" not in str(raised.value)
    return str(raised.value)


def weights(directory: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    path = directory / "model.safetensors"
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path)


def test_no_directory(tmp_path: Path) -> None:
    assert "no directory" in told(tmp_path / "nowhere")


def test_no_config(tmp_path: Path) -> None:
    assert f"no config.json in {tmp_path}: name the directory of a published" in told(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "\x00", "[" * 100_000, '"x"'])
def test_a_config_that_is_no_object(copy: Path, text: str) -> None:
    (copy / "config.json").write_text(text)
    said = told(copy)
    assert str(copy / "config.json") in said
    assert "download it again" in said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model_type": "bert"}, "no diffusion model of the kind 'bert' is known; the kinds known are llada"),
        ({"model_type": None}, "no diffusion model of the kind ''"),
        ({"model_type": "qwen2", "mask_token_id": None}, "a left-to-right Qwen2 cannot fill gaps"),
        ({"model_type": "llama"}, "the kind 'llama'"),
        ({"hidden_size": "big"}, "hidden_size is 'big'"),
        ({"hidden_size": True}, "hidden_size is True"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
        ({"num_hidden_layers": 10**6}, "1000000 layers are more than"),
        ({"num_attention_heads": 5}, "does not divide into 5 heads"),
        ({"num_attention_heads": 64, "num_key_value_heads": 64}, "1 rotated channels"),
        ({"num_key_value_heads": 3}, "4 heads do not divide by 3"),
        ({"hidden_act": "swish7"}, "hidden_act 'swish7' is not supported"),
        ({"rms_norm_eps": -1}, "rms_norm_eps is -1"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings is 'yes'"),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 4}}, "RoPE of the kind 'yarn' is not supported"),
        ({"rope_parameters": [1]}, "RoPE parameters are"),
        ({"rope_parameters": {"rope_theta": "x"}}, "rope_theta is 'x'"),
        ({"mask_token_id": 256}, "the mask is token 256, of 256"),
    ],
)
def test_a_config_that_makes_no_sense(copy: Path, values: dict[str, object], said: str) -> None:
    change(copy / "config.json", **values)
    message = told(copy)
    assert str(copy / "config.json") in message
    assert said in message


def test_a_mask_that_nothing_names(tmp_path: Path) -> None:
    CASES["a2d-qwen3, tied"].write(tmp_path)
    change(tmp_path / "config.json", mask_token_id=None)
    assert "nothing says which token is the mask: add mask_token_id" in told(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"mask_token": {"content": "<|m|>"}}))
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": [{"id": 9, "content": "<|m|>"}]}))
    assert load_checkpoint(tmp_path, "cpu", "float32").spec.mask_id == 9
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": [9]}))
    assert "tokenizer's files" in told(tmp_path)


LLADA_REFUSED = {"block_type": "sequential", "layer_norm_type": "default", "alibi": True, "rope": False}


@pytest.mark.parametrize("key", LLADA_REFUSED)
def test_kinds_of_llada_that_were_never_published(tmp_path: Path, key: str) -> None:
    shutil.copytree(ROOT / "llada", tmp_path, dirs_exist_ok=True)
    change(tmp_path / "config.json", **{key: LLADA_REFUSED[key]})
    assert f"{key} {LLADA_REFUSED[key]!r} is not supported, only" in told(tmp_path)


def test_experts_that_do_not_fit(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "llada2", tmp_path, dirs_exist_ok=True)
    for values, said in (
        ({"n_group": 3}, "8 experts in 3 groups"),
        ({"n_group": 2, "num_experts_per_tok": 5}, "5 experts per token are more"),
        ({"num_experts_per_tok": 2, "score_function": "softmax"}, "score_function 'softmax' is not supported"),
    ):
        change(tmp_path / "config.json", **values)
        assert said in told(tmp_path)


def test_a_missing_tensor(copy: Path) -> None:
    weights(copy, lambda t: t.pop("model.layers.1.self_attn.q_proj.bias"))
    assert f"{copy / 'model.safetensors'} lacks model.layers.1.self_attn.q_proj.bias" in told(copy)


def test_a_missing_expert(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "llada2", tmp_path, dirs_exist_ok=True)
    weights(tmp_path, lambda t: t.pop("model.layers.1.mlp.experts.3.up_proj.weight"))
    assert "lacks model.layers.1.mlp.experts.3.up_proj.weight" in told(tmp_path)


def test_several_missing_tensors(copy: Path) -> None:
    change(copy / "config.json", num_hidden_layers=3)
    assert "lacks 12 tensors, first model.layers.2.input_layernorm.weight" in told(copy)


def test_a_tensor_of_another_shape(copy: Path) -> None:
    weights(copy, lambda t: t.update({"model.norm.weight": torch.ones(63)}))
    said = told(copy)
    assert f"{copy / 'model.safetensors'} holds model.norm.weight of shape [63], config.json asks for [64]" in said
    assert "download the checkpoint again" in said


def test_a_tensor_too_many(copy: Path) -> None:
    weights(copy, lambda t: t.update({"model.layers.0.self_attn.o_proj.bias": torch.ones(64)}))
    assert "holds model.layers.0.self_attn.o_proj.bias, which config.json leaves no place for" in told(copy)


def test_what_is_spare_is_left_out(copy: Path) -> None:
    weights(copy, lambda t: t.update({"model.layers.0.self_attn.rotary_emb.inv_freq": torch.full((8,), torch.nan)}))
    assert load_checkpoint(copy, "cpu", "float32").full_logits([[1, 2]]).isfinite().all()


def test_quantised_weights(copy: Path) -> None:
    weights(copy, lambda t: t.update({"lm_head.weight": torch.zeros(256, 64, dtype=torch.int8)}))
    assert "lm_head.weight as int8: quantised checkpoints are not read" in told(copy)


@pytest.mark.parametrize("keep", [0, 4, 100, 5000])
def test_a_truncated_file(copy: Path, keep: int) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    assert f"{path} is truncated or damaged" in told(copy)


def test_no_weights(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    assert f"no weights (*.safetensors) in {copy}: download the checkpoint again" in told(copy)


def test_pickles_only(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    said = told(copy)
    assert "pickles only (pytorch_model.bin)" in said
    assert "take a revision that has model.safetensors" in said


def sharded(folder: Path) -> Path:
    CASES["Dream"].write(folder, shards=3)
    return folder / "model.safetensors.index.json"


def test_a_missing_shard(tmp_path: Path) -> None:
    sharded(tmp_path)
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    assert f"{tmp_path} lacks model-00002-of-00003.safetensors, which model.safetensors.index.json names" in told(
        tmp_path
    )


def test_a_truncated_shard(tmp_path: Path) -> None:
    sharded(tmp_path)
    path = tmp_path / "model-00003-of-00003.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    assert f"{path} is truncated or damaged" in told(tmp_path)


@pytest.mark.parametrize("name", ["../elsewhere.safetensors", "/etc/passwd", "weights.bin"])
def test_an_index_that_points_elsewhere(tmp_path: Path, name: str) -> None:
    sharded(tmp_path).write_text(json.dumps({"weight_map": {"lm_head.weight": name}}))
    assert "which is no safetensors file beside it" in told(tmp_path)


def test_an_index_of_nothing(tmp_path: Path) -> None:
    index = sharded(tmp_path)
    for text in ("{}", "{"):
        index.write_text(text)
        assert str(index) in told(tmp_path)


def test_formats_and_devices(copy: Path) -> None:
    with pytest.raises(UnknownModel, match="unknown number format 'int4': choose auto, float32"):
        load_checkpoint(copy, "cpu", "int4")
    with pytest.raises(UnknownDevice, match="choose auto, cpu, cuda or mps"):
        load_checkpoint(copy, "tpu")


def test_a_tokenizer_of_another_checkpoint(tmp_path: Path) -> None:
    tiny.write(tmp_path)
    oracles.CASES["Dream"].write(tmp_path)
    with pytest.raises(UnknownModel, match="download the checkpoint again, both belong together"):
        open_filler(str(tmp_path), device="cpu")


def test_what_is_published_and_what_is_ours(tmp_path: Path) -> None:
    assert is_published(ROOT / "llada")
    assert not is_published(Path(__file__).parents[4] / "tests")
    assert not is_published(tmp_path)
    (tmp_path / "pytorch_model.bin").touch()
    assert is_published(tmp_path)
    with pytest.raises(UnknownModel, match="no tokenizer"):
        open_filler(str(tmp_path), device="cpu")
