"""Which way a model is opened, what is wrong with its files, and that the shipped ones belong together."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from model.canvas import Canvas
from model.checkpoints.builtin import load as load_torch
from model.denoiser import Context
from model.errors import BadRequest, MissingExtra, UnknownModel
from model.filler import open_filler
from model.networks.two_streams import Network
from model.runtime.compiled import library
from model.runtime.denoiser import RuntimeDenoiser
from model.runtime.load import load, threads_here
from model.runtime.native import CHOICE
from model.tokenizer import MASK_ID
from tests.e2e.builtin import DEMO, ROOT

BUILTIN = ROOT / "model" / "builtin"

Made = Callable[..., tuple[Network, Path]]


@pytest.fixture
def saved(made: Made, tmp_path: Path) -> Path:
    _, directory = made()
    return Path(shutil.copytree(directory, tmp_path / "saved"))


def denoiser_of(directory: Path, device: str) -> object:
    return open_filler(str(directory), device=device)._denoiser  # type: ignore[attr-defined]


def test_the_cpu_needs_no_torch(saved: Path) -> None:
    assert isinstance(denoiser_of(saved, "auto"), RuntimeDenoiser)
    assert isinstance(denoiser_of(saved, "cpu"), RuntimeDenoiser)


def test_one_can_ask_for_less_than_the_processor_has(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for wanted, named in (("numpy", "NumPy"), ("base", "compiled (base)")):
        if wanted != "numpy" and library() is None:
            continue
        monkeypatch.setenv(CHOICE, wanted)
        denoiser = denoiser_of(saved, "cpu")
        assert isinstance(denoiser, RuntimeDenoiser)
        assert denoiser.computes_by == named


def test_an_instruction_set_that_nobody_has_is_told(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, "sse9")
    with pytest.raises(
        BadRequest, match="DLM_FILL_KERNEL=sse9: name numpy, base, avx2, avx512 or avx512bf16, or leave it out"
    ):
        open_filler(str(saved))


def test_numpy_is_told_to_use_one_thread_before_it_loads() -> None:
    code = (
        "import os, sys\nfrom model.filler import open_filler\n"
        "assert 'numpy' not in sys.modules\nopen_filler()\nprint(os.environ.get('OPENBLAS_NUM_THREADS'))"
    )
    environ = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | {CHOICE: "numpy"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environ
    )
    assert done.stdout == "1\n"


def test_the_kernel_is_there_where_it_must_be() -> None:
    """Tests of it do not quietly become tests of NumPy where it is built for them."""
    assert library() is not None or not os.environ.get("DLM_FILL_REQUIRE_KERNEL")


def test_what_needs_torch_says_how_to_get_it(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    open_filler(str(saved))
    with pytest.raises(MissingExtra, match=r"--device cuda needs torch: pip install 'dlm-fill\[torch\]'"):
        open_filler(str(saved), device="cuda")


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
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_missing_and_damaged_files_are_named_with_their_remedy(saved: Path, damage: str) -> None:
    name, harm, message = DAMAGE[damage]
    harm(saved / name)
    with pytest.raises(UnknownModel, match=message) as raised:
        open_filler(str(saved))
    assert "\n" not in str(raised.value)
    assert "reinstall" in str(raised.value)


def test_threads_are_few_or_as_many_as_somebody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert 1 <= threads_here() <= 2
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads_here() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert 1 <= threads_here() <= 2


def test_the_shipped_model_is_small() -> None:
    assert sum(file.stat().st_size for file in BUILTIN.iterdir()) < 16_000_000


def test_the_shipped_model_says_the_same_on_both_paths() -> None:
    runtime, tokenizer = load(BUILTIN)
    by_torch, _ = load_torch(BUILTIN, device="cpu")
    text = DEMO.read_text()
    pieces = tuple(tokenizer.encode(part, at_line_start=True) for part in (text[:500], text[560:]))
    there_ = Context(pieces=pieces, starts_with=(b"",))
    masks = Canvas.masked((24,), mask_id=MASK_ID)
    draft = Canvas.decided([[tokenizer.encode(text[500:560], at_line_start=True)]], mask_id=MASK_ID)
    atol = 0.05 if "bf16" in runtime.computes_by else 1e-3
    said, expected = (d.prefill(there_).denoise(masks) for d in (runtime, by_torch))
    np.testing.assert_allclose(np.log(said.probs + 1e-9), np.log(expected.probs + 1e-9), atol=atol)
    scored, expected = (d.prefill(there_).score(draft) for d in (runtime, by_torch))
    np.testing.assert_allclose(scored.current, expected.current, atol=atol)


def test_a_fill_imports_no_torch() -> None:
    code = (
        "import sys\nfrom model.filler import open_filler\nfrom model.types import FillRequest, Hole, Template\n"
        "template = Template(pieces=('def f(x):\\n', '\\n'), holes=(Hole(max_lines=1),))\n"
        "assert open_filler().fill(FillRequest(template=template)).candidates\n"
        "print(*(n for n in ('torch', 'transformers', 'matplotlib') if n in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_python_may_end_in_the_middle_of_a_pass() -> None:
    """As when an editor goes while its server fills: what a thread computes with must not be taken from under it."""
    code = """
import threading
import numpy as np
from model.canvas import Canvas
from model.denoiser import Context
from model.filler import open_filler
from model.tokenizer import MASK_ID
prefilled = open_filler()._denoiser.prefill(Context(pieces=(np.arange(20, 620), np.arange(20, 420)), starts_with=(b"",)))
canvas, begun = Canvas.masked((200,), mask_id=MASK_ID, rows=4), threading.Event()
def work():
    while True:
        prefilled.denoise(canvas)
        begun.set()
threading.Thread(target=work, daemon=True).start()
begun.wait()
"""
    for _ in range(3):  # a crash is a matter of luck: it needs the pass to be at the wrong place
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
        assert (done.returncode, done.stderr) == (0, "")
