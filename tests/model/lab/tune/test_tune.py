"""The whole of `dlm-fill tune`, on a network of the built-in model's architecture that knows nothing yet."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lsp_server.cli.main import run
from model.backend import Context
from model.backends.builtin.kernel import CHOICE
from model.backends.builtin.load import load
from model.backends.builtin.runtime.network import Network
from model.canvas import Canvas
from model.filler import open_filler
from model.lab.tune import own_code
from model.lab.tune.examples import TuneShape
from model.lab.tune.run import TuneOptions, Tuning, TuningVerdict, fading
from model.types import FillRequest, Hole, Template
from tests.compiler import needs_compiler
from tests.model import toy
from tests.model.lab.train.adapt import toys

SHAPE = TuneShape(tokens=160, rows=128)


@pytest.fixture(autouse=True)
def quiet() -> None:
    warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = toys.model_folder(tmp_path_factory.mktemp("base") / "model", rank=3)
    (folder / "manners.json").write_text('{"min_confidence": 0.3, "rewrite_margin_nats": 2.0}')
    (folder / "ranking.json").write_text('{"inside": {"copied": -3.0}, "lines": {}}')
    return folder


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    for n in range(30):
        (folder / f"part_{n}.py").write_text(toy.source(5000 + n))
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def tune(code: Path, base: Path, out: Path, *words: str) -> int:
    return run(
        ["tune", str(code), "--model", str(base), "--out", str(out), "--time-budget", "0.3", "--device", "cpu", *words]
    )


def anything(path: Path) -> bool:
    return path.is_file()


def tuning(code: Path, base: Path, out: Path, *, steps: int = 30) -> Tuning:
    """It takes so many steps, however long they take here."""
    options = TuneOptions(
        code=code, may_read=anything, source=base, out=out, time_budget_s=steps, shape=SHAPE, rate=0.01
    )
    return Tuning(options, clock=toy.Clock(tick_s=1.0).monotonic)


@pytest.fixture(scope="module")
def tuned(code: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tuning, TuningVerdict]:
    out = tmp_path_factory.mktemp("tuned") / "runs" / "mine"
    made = tuning(code, base, out)
    assert made.train()
    verdict = made.verdict()
    assert verdict.helped, verdict
    made.keep(verdict)
    return out, made, verdict


def test_what_helped_is_written_as_a_model(base: Path, tuned: tuple[Path, Tuning, TuningVerdict]) -> None:
    out, made, verdict = tuned
    assert [path.name for path in out.parent.iterdir()] == ["mine"], "nothing is left beside it"
    config, before = (json.loads((folder / "config.json").read_text()) for folder in (out, base))
    assert config.pop("tuned")["held_out"] == {"before": verdict.before, "after": verdict.after}
    assert config == before
    weights = sorted(path.name for path in base.glob("weights-*"))
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["adapter-tuned.safetensors", "config.json", "manners.json", "ranking.json", "tokenizer.json", *weights]
    )
    for same in ("tokenizer.json", "ranking.json", "manners.json", *weights):
        assert (out / same).read_bytes() == (base / same).read_bytes()
    assert not any(b"part_" in file.read_bytes() for file in out.iterdir()), "no name of one's files"
    assert made.progress.step == 30
    filler = open_filler(str(out), device="cpu")
    assert filler.info.name == "mine"
    fill = filler.fill(FillRequest(template=Template(pieces=("def step_", "(value):\n"), holes=(Hole(),))))
    assert fill.candidates


def test_weights_are_links_where_the_file_system_has_them_and_copies_elsewhere(
    code: Path, base: Path, tuned: tuple[Path, Tuning, TuningVerdict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _, _ = tuned
    shard = next(base.glob("weights-*")).name
    assert (out / shard).stat().st_ino == (base / shard).stat().st_ino
    assert (out / "tokenizer.json").stat().st_ino != (base / "tokenizer.json").stat().st_ino

    def refused(*_: object) -> None:
        raise OSError("another file system")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    again = tuning(code, base, tmp_path / "copied", steps=1)
    again.keep(TuningVerdict(before={}, after={}))
    assert (tmp_path / "copied" / shard).stat().st_ino != (base / shard).stat().st_ino
    assert (tmp_path / "copied" / shard).read_bytes() == (base / shard).read_bytes()


def test_the_runtime_computes_what_was_trained(tuned: tuple[Path, Tuning, TuningVerdict], base: Path) -> None:
    out, made, _ = tuned
    backend, tokenizer = load(out)
    context = Context(
        pieces=(tokenizer.encode("def step_first(value):\n"), tokenizer.encode("\n    return 1\n")),
        starts_with=(b"",),
    )
    hole = tokenizer.encode("    total = [item * 3]")
    text = np.append(hole, toys.SPECIALS.end)
    theirs = backend.prefill(context).score(Canvas.decided([[text]], mask_id=backend.spec.mask_id)).current[0]
    s = toys.SPECIALS
    prompt = [s.prefix, s.suffix, *context.pieces[1].tolist(), s.middle, *context.pieces[0].tolist()]
    ids = torch.tensor([[*prompt, *hole.tolist()]])
    start = len(prompt) - 1
    positions = torch.arange(start, start + len(text))[None]
    _, memory = made.network.read(ids)
    states = made.network.written(
        ids[:, start:], torch.zeros_like(positions), torch.full_like(positions, start), positions, memory
    )
    logits = made.network.decoder.logits(states)[0].float()
    mine = logits.log_softmax(-1).gather(1, torch.from_numpy(text)[:, None])[:, 0].detach().numpy()
    mine[-1] = np.logaddexp.reduce(logits.log_softmax(-1)[-1, 256:].detach().numpy())  # any special token ends a fill
    # The runtime rounds activations to 8 bits: log-probabilities differ by some hundredths.
    assert np.abs(mine - theirs).mean() < 0.05
    plain = load(base)[0].prefill(context).score(Canvas.decided([[text]], mask_id=backend.spec.mask_id)).current[0]
    assert np.abs(mine - plain).mean() > 0.5


def test_it_starts_from_the_weights_of_the_model_and_goes_on_with_its_own_adapter(
    code: Path, base: Path, tuned: tuple[Path, Tuning, TuningVerdict], tmp_path: Path
) -> None:
    out, _, verdict = tuned
    fresh = tuning(code, base, tmp_path / "out")
    assert fresh.held_out() == verdict.before
    assert fresh.network.rank == 16, "an adapter that denoises is no beginning for one that writes"
    further = tuning(code, out, tmp_path / "out")
    assert further.held_out() == pytest.approx(verdict.after, rel=1e-5)
    assert Network.open(out).writes_adapted
    assert not Network.open(base).writes_adapted


def test_context_is_read_without_the_adapter(code: Path, base: Path, tmp_path: Path) -> None:
    made = tuning(code, base, tmp_path / "out")
    batch = made.examples.batch(0)
    made.nats(batch)[batch.counted].mean().backward()
    assert all(p.grad is not None for name, p in made.network.named_parameters() if name.endswith(".up"))
    assert not any(p.requires_grad for p in made.network.decoder.parameters())
    before = made.read(batch.ids).keys[1]
    made.train()
    torch.testing.assert_close(made.read(batch.ids).keys[1], before, rtol=0, atol=0)


@needs_compiler
def test_the_kernel_reads_what_torch_does(
    code: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_kernel = tuning(code, base, tmp_path / "out")
    monkeypatch.setenv(CHOICE, "numpy")
    by_torch = tuning(code, base, tmp_path / "out")
    batch = by_kernel.examples.batch(0)
    mine, theirs = by_kernel.read(batch.ids), by_torch.read(batch.ids)
    for kernels, torchs in ((mine.keys, theirs.keys), (mine.values, theirs.values)):
        for layer, expected in zip(kernels, torchs, strict=True):
            assert layer.shape == expected.shape == (1, 1, SHAPE.tokens, 64)
            # The kernel rounds activations to 8 bits, and keys to 11.
            assert (layer - expected).abs().mean() < 0.03 * expected.abs().mean()
    assert by_kernel.before == pytest.approx(by_torch.before, rel=0.01)
    assert by_kernel.before != by_torch.before


def test_the_command_says_whether_it_helped(
    code: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "tuned"
    better = TuningVerdict(before={"holes": 2.0, "pieces": 3.0}, after={"holes": 1.9, "pieces": 2.6})
    worse = TuningVerdict(before=better.after, after=better.before)
    real = Tuning.verdict

    def says(verdict: TuningVerdict) -> None:
        monkeypatch.setattr(Tuning, "verdict", lambda tuning: (real(tuning), verdict)[1])

    monkeypatch.setattr("model.lab.tune.run.HELD_OUT_BATCHES", 2)
    says(worse)
    assert tune(code, base, out) == 1
    said = told(capsys)
    assert "both 4.500 → 5.000 (+11.1%)" in said
    assert "did not help, so nothing was written" in said
    assert list(tmp_path.iterdir()) == []
    says(better)
    assert tune(code, base, out) == 0
    said = told(capsys)
    assert "holes 2.000 → 1.900 (-5.0%)" in said
    assert "both 5.000 → 4.500 (-10.0%)" in said
    assert f"use it with --model {out}" in said
    first = (out / "config.json").read_bytes()
    says(worse)
    assert tune(code, out, out) == 1
    assert (out / "config.json").read_bytes() == first, "the earlier one stays"
    says(better)
    assert tune(code, out, out, "--seed", "1") == 0, "what tune wrote may be replaced, even by what it started as"
    assert [path.name for path in tmp_path.iterdir()] == ["tuned"]
    assert open_filler(str(out), device="cpu").info.name == "tuned"


@pytest.mark.parametrize("at", ["held_out", "train", "verdict"])
def test_an_interrupt_writes_nothing(
    at: str, code: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(Tuning, at)

    def interrupted(tuning: Tuning, **given: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return real(tuning, **given)

    monkeypatch.setattr("model.lab.tune.run.HELD_OUT_BATCHES", 1)
    monkeypatch.setattr(Tuning, at, interrupted)
    assert tune(code, base, tmp_path / "tuned") == 130
    assert list(tmp_path.iterdir()) == []


def test_luck_broken_numbers_and_worse_holes_are_no_help() -> None:
    def verdict(holes: float, pieces: float = 1.0) -> TuningVerdict:
        return TuningVerdict(before={"holes": 1.0, "pieces": 1.0}, after={"holes": holes, "pieces": pieces})

    assert not verdict(1.0).helped
    assert not verdict(0.999).helped
    assert verdict(0.98).helped
    assert not verdict(float("nan")).helped
    assert not verdict(1.01, 0.9).helped
    assert verdict(1.0, 0.9).helped


def test_errors_are_one_line_with_a_remedy(
    code: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def error(where: Path, model: Path, out: Path) -> str:
        assert tune(where, model, out) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        return said

    assert "name the folder that holds your code" in error(tmp_path / "none", base, tmp_path / "out")
    assert "unknown model" in error(code, tmp_path / "none", tmp_path / "out")
    assert "is no model to tune" in error(code, code, tmp_path / "out")
    assert "cannot read the weights" in error(code, damaged(base, tmp_path / "damaged"), tmp_path / "out")
    assert "was not made by `dlm-fill tune`" in error(code, base, base)
    (tmp_path / "few").mkdir()
    assert "too little code" in error(tmp_path / "few", base, tmp_path / "out")
    for n in range(12):
        (tmp_path / "few" / f"{n}.py").write_text(toy.source(n))
    assert "tokens in 12 files" in (said := error(tmp_path / "few", base, tmp_path / "out"))
    assert "tuning needs 20,000 tokens" in said
    assert not (tmp_path / "out").exists()


def damaged(base: Path, to: Path) -> Path:
    to.mkdir()
    for file in base.iterdir():
        (to / file.name).write_bytes(file.read_bytes() if file.suffix != ".safetensors" else b"no weights")
    return to


def test_what_no_model_gets_to_see_is_not_tuned_on(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["good.py", ".env.py", "own/private.py", "own/brought_back.py", "deep/er/left.py"]
    for name in names:
        (tmp_path / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / name).write_text(toy.source(1))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".dlmignore").write_text("left.py\n")
    (tmp_path / "code" / "own" / ".dlmignore").write_text("*\n!brought_back.py\n")
    read: list[Path] = []

    def sources(root: Path, files: Iterator[Path]) -> list[tuple[Path, str]]:
        read.extend(path.relative_to(root) for path in files)
        return []

    monkeypatch.setattr(own_code, "sources", sources)
    assert tune(tmp_path / "code", base, tmp_path / "out") == 2
    assert "too little code" in told(capsys)
    assert sorted(path.as_posix() for path in read) == ["good.py", "own/brought_back.py"]


def test_rates_rise_shortly_and_fall_to_nothing() -> None:
    rates = [fading(n / 200) for n in range(201)]
    top = rates.index(max(rates))
    assert 0 < top < 20
    assert rates[top] > 0.95
    assert rates[0] > 0
    assert rates[-1] == 0
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[: top + 1] == sorted(rates[: top + 1])


def test_help_needs_no_tensors() -> None:
    program = (
        "import sys; from lsp_server.cli.main import run; run(['tune', '--help']);"
        "print(*(n for n in ('torch', 'numpy', 'pathspec') if n in sys.modules), file=sys.stderr)"
    )
    root = Path(__file__).parents[4]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert "DIR" in done.stdout
    assert done.stderr.split() == []
