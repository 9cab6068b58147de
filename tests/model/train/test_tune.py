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

import pytest
import torch

from lsp_server.cli import run
from model.checkpoints.builtin import load_network
from model.errors import BadRequest
from model.filler import open_filler
from model.train.export import export
from model.train.loop import Trainer, TrainOptions
from model.train.optimiser import fading
from model.train.tune import own_code
from model.train.tune.own_code import source_files, split
from model.train.tune.run import TuneOptions, Tuning, Verdict
from tests.model import toy

SIZES = {"batch": 4, "window": 64, "canvas": 64, "workers": 0}
WORDS = [*(word for name, value in SIZES.items() for word in (f"--{name}", str(value))), "--device", "cpu"]


@pytest.fixture(autouse=True)
def quiet() -> None:
    warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with next to no training, so that any code teaches it something."""
    folder = tmp_path_factory.mktemp("base")
    corpus = toy.corpus(folder / "corpus")
    Trainer(
        TrainOptions(
            corpus=corpus,
            run=folder / "run",
            time_budget_s=1e6,
            batch=2,
            window=64,
            canvas=64,
            stream_share=0,
            workers=0,
        ),
        toy.config(),
    ).train(stopped=lambda: True)
    export(folder / "run", corpus, folder / "model")
    (folder / "model" / "manners.json").write_text('{"min_confidence": 0.3, "rewrite_margin_nats": 2.0}')
    (folder / "model" / "ranking.json").write_text('{"inside": {"copied": -3.0}, "lines": {}}')
    return folder / "model"


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    for n in range(60):
        (folder / f"part_{n}.py").write_text(toy.source(5000 + n))
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def tune(code: Path, base: Path, out: Path, *words: str) -> int:
    return run(["tune", str(code), "--model", str(base), "--out", str(out), "--time-budget", "0.3", *WORDS, *words])


def anything(path: Path) -> bool:
    return path.is_file()


def options(code: Path, base: Path, out: Path) -> TuneOptions:
    return TuneOptions(
        code=code, may_read=anything, source=base, out=out, time_budget_s=0.6, batch=4, window=64, canvas=64, workers=0,
        matrix_rate=0.01, other_rate=0.003,
    )  # fmt: skip


def made(tuning: Tuning) -> Verdict:
    """The verdict after 20 steps, however long they take here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model.train.loop.time", toy.Clock(tick_s=0.03))
        assert tuning.train()
    return tuning.verdict()


def test_what_helped_is_written_as_a_model(code: Path, base: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs" / "tuned"
    before = {file.name: file.read_bytes() for file in base.iterdir()}
    tuning = Tuning(options(code, base, out), tmp_path / "work")
    assert tuning.code.files + tuning.code.held_out_files == 60
    verdict = made(tuning)
    assert verdict.helped, verdict
    tuning.keep(verdict)
    assert [path.name for path in out.parent.iterdir()] == ["tuned"], "nothing is left beside it"
    assert open_filler(str(out), device="cpu").info.name == "tuned"
    config = json.loads((out / "config.json").read_text())
    assert config["trained"] == json.loads(before["config.json"])["trained"]
    assert config["tuned"]["held_out"] == {"before": verdict.before, "after": verdict.after}
    for same in ("tokenizer.json", "manifest.json", "ranking.json", "manners.json"):
        assert (out / same).read_bytes() == before[same]
    assert {file.name: file.read_bytes() for file in base.iterdir()} == before, "the source is only read"
    assert not any(b"part_" in file.read_bytes() for file in out.iterdir()), "no name of one's files"


def test_it_starts_from_the_weights_of_the_model_and_measures_what_is_written(
    code: Path, base: Path, tmp_path: Path
) -> None:
    tuning = Tuning(options(code, base, tmp_path / "out"), tmp_path / "work")
    network = load_network(base)[0].state_dict()
    for name, tensor in tuning._trainer.network.state_dict().items():
        torch.testing.assert_close(tensor, network[name], rtol=0, atol=0)
    measured_before = tuning._held_out()
    verdict = made(tuning)
    assert verdict.before == measured_before
    written = load_network(tmp_path / "work" / "model")[0].state_dict()
    assert any(not torch.equal(tensor, network[name]) for name, tensor in written.items())
    tuning._trainer.network.load_state_dict(written)
    assert tuning._held_out() == verdict.after


def test_the_command_says_whether_it_helped(
    code: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "tuned"
    better = Verdict(before={"score": 2.0, "denoise": 3.0}, after={"score": 1.9, "denoise": 2.6})
    worse = Verdict(before=better.after, after=better.before)
    real = Tuning.verdict

    def says(verdict: Verdict) -> None:
        monkeypatch.setattr(Tuning, "verdict", lambda tuning: (real(tuning), verdict)[1])

    says(worse)
    assert tune(code, base, out) == 1
    said = told(capsys)
    assert "both 4.500 → 5.000 (+11.1%)" in said
    assert "did not help, so nothing was written" in said
    assert list(tmp_path.iterdir()) == []
    says(better)
    assert tune(code, base, out) == 0
    said = told(capsys)
    assert "score 2.000 → 1.900 (-5.0%)" in said
    assert "both 5.000 → 4.500 (-10.0%)" in said
    assert f"use it with --model {out}" in said
    first = (out / "config.json").read_bytes()
    says(worse)
    assert tune(code, out, out) == 1
    assert (out / "config.json").read_bytes() == first, "the earlier one stays"
    says(better)
    assert tune(code, out, out, "--seed", "1") == 0, "what tune wrote may be replaced, even by what it started as"
    assert [path.name for path in tmp_path.iterdir()] == ["tuned"]
    open_filler(str(out), device="cpu")


@pytest.mark.parametrize("at", ["train", "verdict"])
def test_an_interrupt_writes_nothing(
    at: str, code: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(Tuning, at)

    def interrupted(tuning: Tuning, **given: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return real(tuning, **given)

    monkeypatch.setattr(Tuning, at, interrupted)
    assert tune(code, base, tmp_path / "tuned") == 130
    assert list(tmp_path.iterdir()) == []


def test_luck_and_broken_numbers_are_no_help() -> None:
    def verdict(score: float) -> Verdict:
        return Verdict(before={"score": 1.0, "denoise": 1.0}, after={"score": score, "denoise": 1.0})

    assert not verdict(1.0).helped
    assert not verdict(0.999).helped
    assert verdict(0.98).helped
    assert not verdict(float("nan")).helped


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
    assert "cannot load the model" in error(code, damaged(base, tmp_path / "damaged"), tmp_path / "out")
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


def test_only_ones_own_source_files_are_read(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    kept = ["here/a.py", "here/deep/b.ts", "here/deep/kept.py", "here/logs.py"]
    left = [
        "above.py",
        "here/notes.txt",
        "here/.hidden/c.py",
        "here/node_modules/d.js",
        "here/third_party/e.py",
        "here/dist/f.py",
        "here/surroundings/pyvenv.cfg",
        "here/surroundings/g.py",
        "here/made.gen.py",
        "here/logs/h.py",
        "here/deep/i.py",
        "here/large.py",
    ]
    for name in kept + left:
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("x" * (1_000_000 if "large" in name else 10))
    (repository / ".git").mkdir()
    (repository / ".gitignore").write_text("*.gen.py\nlogs/\nkept.py\n")
    (repository / "here" / "deep" / ".gitignore").write_text("i.py\n!kept.py\n")
    (repository / "here" / "link.py").symlink_to(repository / "above.py")
    (repository / "here" / "linked").symlink_to(tmp_path)
    found = [path.relative_to(repository).as_posix() for path in source_files(repository / "here", may_read=anything)]
    assert sorted(found) == sorted(kept)


def test_git_agrees_on_what_it_ignores(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("/top.py\na/**/b.py\n!a/x/b.py\nq*/\n\\#odd.py\n")
    names = ["top.py", "s/top.py", "a/b.py", "a/x/b.py", "a/x/y/b.py", "qs/z.py", "s/q.py", "#odd.py"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "*.py"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    found = source_files(tmp_path, may_read=anything)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in found) == sorted(listed)


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


def test_a_files_side_follows_from_its_path() -> None:
    texts = {f"folder/{n}.py": f"{n} " * 500 for n in range(400)}
    train, held_out = split(texts)
    assert sorted(train + held_out) == sorted(texts.values())
    assert 0.10 < len(held_out) / len(texts) < 0.20
    fewer = {path: text + "more" for path, text in texts.items() if not path.endswith("7.py")}
    train_of_fewer, held_out_of_fewer = split(fewer)
    assert {t.removesuffix("more") for t in train_of_fewer} <= set(train)
    assert {t.removesuffix("more") for t in held_out_of_fewer} <= set(held_out)
    few, apart = split({f"{n}.py": "x" * 5000 for n in range(6)})
    assert (len(few), len(apart)) == (4, 2), "of few files enough are held out all the same"


def test_copies_of_held_out_files_are_not_trained_on(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_code, "LEAST_TOKENS", 1)
    (tmp_path / "code").mkdir()
    for n in range(40):
        (tmp_path / "code" / f"{n}.py").write_text(toy.source(n % 20))
    tokenizer = base / "tokenizer.json"
    found = own_code.read(tmp_path / "code", tmp_path / "corpus", may_read=anything, tokenizer=tokenizer)
    assert found.held_out_files >= 4
    assert found.files <= 20
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "all.py").write_text(toy.source(1))
    with pytest.raises(BadRequest, match=r"in 1 files.* in several files"):
        own_code.read(tmp_path / "one", tmp_path / "other", may_read=anything, tokenizer=tokenizer)


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
        "import sys; from lsp_server.cli import run; run(['tune', '--help']);"
        "print(*(n for n in ('torch', 'numpy', 'pathspec') if n in sys.modules), file=sys.stderr)"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert "DIR" in done.stdout
    assert done.stderr.split() == []
