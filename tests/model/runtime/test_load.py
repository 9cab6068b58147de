"""Which way a model is opened, what is wrong with its files, and that the shipped ones belong together."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load_file, save_file

from model.canvas import Canvas
from model.checkpoints.builtin import BuiltinDenoiser
from model.checkpoints.builtin import load as load_torch
from model.denoiser import Context
from model.errors import MissingExtra, UnknownModel
from model.filler import open_filler
from model.network import Network
from model.runtime.denoiser import RuntimeDenoiser
from model.runtime.files import GRAPH, graph_in
from model.runtime.load import load, threads_here
from model.tokenizer import MASK_ID
from model.train.graph.__main__ import write
from model.train.graph.network import graph
from tests.e2e.builtin import BUILTIN, DEMO, ROOT, needs_model

Made = Callable[..., tuple[Network, Path]]


@pytest.fixture
def saved(made: Made, tmp_path: Path) -> Path:
    _, directory = made()
    return Path(shutil.copytree(directory, tmp_path / "saved"))


def denoiser_of(directory: Path, device: str) -> object:
    return open_filler(str(directory), device=device)._denoiser  # type: ignore[attr-defined]


def test_the_cpu_takes_the_graph_where_there_is_one(saved: Path) -> None:
    assert isinstance(denoiser_of(saved, "auto"), RuntimeDenoiser)
    assert isinstance(denoiser_of(saved, "cpu"), RuntimeDenoiser)
    (saved / GRAPH).unlink()
    assert isinstance(denoiser_of(saved, "cpu"), BuiltinDenoiser)


def test_a_graph_of_another_format_is_not_taken(saved: Path) -> None:
    (saved / GRAPH).rename(saved / "runtime-0.onnx")
    assert graph_in(saved) is None


def test_what_needs_torch_says_how_to_get_it(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    open_filler(str(saved))
    with pytest.raises(MissingExtra, match=r"--device cuda needs torch: pip install 'dlm-fill\[torch\]'"):
        open_filler(str(saved), device="cuda")
    (saved / GRAPH).unlink()
    with pytest.raises(MissingExtra, match=r"the model in .* needs torch: pip install 'dlm-fill\[torch\]'"):
        open_filler(str(saved))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _reshape(path: Path) -> None:
    state = load_file(path)
    name = next(iter(state))
    save_file({**state, name: torch.zeros(3, dtype=torch.bfloat16)}, path)


def _widen(path: Path) -> None:
    state = load_file(path)
    save_file({name: tensor.float() for name, tensor in state.items()}, path)


WEIGHTS = "weights-1-of-1.safetensors"
DAMAGE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "no tokenizer": ("tokenizer.json", Path.unlink, "no tokenizer"),
    "no config": ("config.json", Path.unlink, "No such file"),
    "config of something else": ("config.json", lambda p: p.write_text("[]"), "name a directory"),
    "config without sizes": ("config.json", lambda p: p.write_text('{"network": {}}'), "vocab_size"),
    "no weights": (WEIGHTS, Path.unlink, "name a directory"),
    "cut weights": (WEIGHTS, _cut, "name a directory"),
    "weights of another shape": (WEIGHTS, _reshape, "name a directory"),
    "weights of another kind": (WEIGHTS, _widen, "not BF16"),
    "cut graph": (GRAPH, _cut, "name a directory"),
    "empty graph": (GRAPH, lambda p: p.write_bytes(b""), "name a directory"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_missing_and_damaged_files_are_named_with_their_remedy(saved: Path, damage: str) -> None:
    name, harm, message = DAMAGE[damage]
    harm(saved / name)
    with pytest.raises(UnknownModel, match=message) as raised:
        open_filler(str(saved))
    assert "\n" not in str(raised.value)
    assert "reinstall" in str(raised.value)


def test_a_graph_of_another_network_is_told(saved: Path, made: Made) -> None:
    _, other = made(kv_heads=1)
    shutil.copy(other / GRAPH, saved)
    with pytest.raises(UnknownModel, match="reinstall"):
        open_filler(str(saved))


def test_the_graph_can_be_written_anew_without_training(saved: Path) -> None:
    before = (saved / GRAPH).read_bytes()
    (saved / GRAPH).rename(saved / "runtime-0.onnx")
    assert write(saved) == saved / GRAPH
    assert [p.name for p in saved.glob("*.onnx")] == [GRAPH]
    assert (saved / GRAPH).read_bytes() == before
    (saved / "config.json").write_text("{}")
    with pytest.raises(KeyError):
        write(saved)
    assert (saved / GRAPH).read_bytes() == before, "what is there stays until there is something better"


def test_threads_are_few_or_as_many_as_somebody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert 1 <= threads_here() <= 2
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads_here() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert 1 <= threads_here() <= 2


@needs_model
def test_the_shipped_graph_is_that_of_the_shipped_sizes() -> None:
    """The weights come from the one safetensors file, so nothing else can be out of date."""
    there = graph_in(BUILTIN)
    assert there is not None
    assert [p.name for p in BUILTIN.glob("*.onnx")] == [there.name]
    sizes = json.loads((BUILTIN / "config.json").read_text("utf-8"))["network"]
    shipped, anew = onnx.load(there, load_external_data=False), onnx.load_from_string(graph(sizes))
    assert list(shipped.graph.node) == list(anew.graph.node)
    assert list(shipped.graph.initializer) == list(anew.graph.initializer)
    assert sum(file.stat().st_size for file in BUILTIN.iterdir()) < 16_000_000


@needs_model
def test_the_shipped_model_says_the_same_on_both_paths() -> None:
    there = graph_in(BUILTIN)
    assert there is not None
    runtime, tokenizer = load(BUILTIN, there)
    by_torch, _ = load_torch(BUILTIN, device="cpu")
    text = DEMO.read_text()
    pieces = tuple(tokenizer.encode(part, at_line_start=True) for part in (text[:500], text[560:]))
    there_ = Context(pieces=pieces, starts_with=(b"",))
    masks = Canvas.masked((24,), mask_id=MASK_ID)
    draft = Canvas.decided([[tokenizer.encode(text[500:560], at_line_start=True)]], mask_id=MASK_ID)
    said, expected = (d.prefill(there_).denoise(masks) for d in (runtime, by_torch))
    np.testing.assert_allclose(np.log(said.probs + 1e-9), np.log(expected.probs + 1e-9), atol=1e-3)
    scored, expected = (d.prefill(there_).score(draft) for d in (runtime, by_torch))
    np.testing.assert_allclose(scored.current, expected.current, atol=1e-3)


@needs_model
def test_a_fill_imports_no_torch() -> None:
    code = (
        "import sys\nfrom model.filler import open_filler\nfrom model.types import FillRequest, Hole, Template\n"
        "template = Template(pieces=('def f(x):\\n', '\\n'), holes=(Hole(max_lines=1),))\n"
        "assert open_filler().fill(FillRequest(template=template)).candidates\n"
        "print(*(n for n in ('torch', 'transformers', 'onnx', 'matplotlib') if n in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []
