"""Cases, corpora, tokenizers, latency, and the command from the first step to the report, at toy size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from model.errors import BadRequest, ModelError
from model.tokenizer import Tokenizer
from model.train.ab import cases, corpora, report, tokenizers
from model.train.ab.latency import costs
from model.train.command import main
from model.train.corpus import Package
from model.train.tokens import Tokens
from tests.model import toy

SIZES = {"width": 32, "layers": 1, "heads": 2, "feed-forward": 48, "batch": 1, "window": 96, "canvas": 64, "cases": 8}
TINY = [word for name, value in SIZES.items() for word in (f"--{name}", str(value))]


def call(*words: str | int | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus"))


def others() -> list[Package]:
    def script(n: int) -> str:
        return "\n".join(f"const value{n}_{i} = compute({i}, options.{'abc'[i % 3]});" for i in range(20))

    return [
        Package("web", "1", "MIT", [script(n) for n in range(5)]),
        Package("web held out", "1", "MIT", [script(n) for n in range(90, 95)], held_out=True),
    ]


def test_cases_are_lines_and_spans_of_the_held_out_files(corpus: Path) -> None:
    tokenizer = Tokenizer(corpus / "tokenizer.json")
    texts = cases.texts_of(Tokens.load(corpus, "held_out"), tokenizer)
    assert texts[0] == toy.source(1000)
    drawn = cases.draw(texts, 30, tokenizer, seed=0)
    assert drawn == cases.draw(texts, 30, tokenizer, seed=0) != cases.draw(texts, 30, tokenizer, seed=1)
    for case in drawn:
        assert any(case.before + case.content + case.after in text for text in texts)
        if case.kind == "line":
            assert case.before.endswith("\n")
            assert case.after.startswith("\n")
        assert len(cases.pieces(case, tokenizer)[1]) <= cases.DRAWN_TOKENS
    assert {case.kind for case in drawn} == {"line", "span"}


def test_rows_hold_the_three_pieces_each_tokenised_apart(corpus: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer(corpus / "tokenizer.json")
    case = cases.Case(before="def f():\n    return val", content="ue + 1", after="\n\nx = 2\n", kind="span")
    cases.save([case], tmp_path / "cases.jsonl")
    assert cases.load(tmp_path / "cases.jsonl") == [case]
    rows = cases.rows_of([case], tokenizer, window=160)
    length = int(rows.length[0])
    ids = rows.ids[0].numpy()
    assert tokenizer.decode(ids[: rows.left]) == case.before
    assert tokenizer.decode(ids[rows.left : rows.left + length]) == case.content
    assert tokenizer.decode(ids[rows.left + length :]) == case.after


def test_too_few_holes_are_an_error_that_says_so(corpus: Path) -> None:
    with pytest.raises(BadRequest, match="ask for fewer"):
        cases.draw(["x\n"], 3, Tokenizer(corpus / "tokenizer.json"), seed=0)


def test_boundaries_are_where_tokens_meet(corpus: Path) -> None:
    tokenizer = Tokenizer(corpus / "tokenizer.json")
    text = "def f(é):\n    return 12\n".encode()
    marks = tokenizers.boundaries(text, tokenizer)
    assert marks[[0, len(text)]].all()
    assert marks[text.index(b"\n")]
    assert marks[text.index(b"2")], "digits stand alone"
    assert not marks[text.index(b"\xa9")] or len(tokenizer.encode("é", at_line_start=False)) > 1
    figures = tokenizers.figures(["a = f(b)\n"], tokenizer, width=8)
    assert figures.embedding_bytes == 16 * tokenizer.vocab_size
    assert figures.aligned["line end"] == figures.aligned["after an opening bracket"] == 1


def test_a_larger_vocabulary_is_denser_on_the_same_files(corpus: Path, tmp_path: Path) -> None:
    result = call("ab", "tokenizers", "--corpus", corpus, "--out", tmp_path, "--vocab-size", 300,
                  "--vocab-size", 400, "--sample", 60_000)  # fmt: skip
    assert result.exit_code == 0, result.output
    small, large = (float(c) for c in result.output.split("characters per token | ")[1].split(" |\n")[0].split(" | "))
    assert small < large


def test_other_languages_take_their_share(corpus: Path, tmp_path: Path) -> None:
    apart = corpora.mixed(corpus, tmp_path / "mixed", others(), share=0.15)
    manifest = json.loads((tmp_path / "mixed/manifest.json").read_text())
    assert manifest["other_languages"]["share"] == pytest.approx(0.15, abs=0.05)
    train = "".join(cases.texts_of(Tokens.load(tmp_path / "mixed", "train"), Tokenizer(corpus / "tokenizer.json")))
    assert "value1_3" in train
    assert "value91_3" not in train
    assert "value91_3" in "".join(apart)


def test_a_cache_makes_steps_cheap() -> None:
    exact, again, dual = costs(toy.config(), before=70, after=30, hole=8, repeats=1)
    assert again.prefill_gflop == 0
    assert dual.prefill_gflop == pytest.approx(again.step_gflop, rel=0.3)
    assert exact.step_gflop < 0.3 * again.step_gflop
    assert dual.step_gflop < 0.3 * again.step_gflop


def test_arms_run_resume_and_are_reported(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.train.ab.race.time", toy.Clock(tick_s=0.05))
    run: list[str | int | Path] = [
        "ab",
        "run",
        "--corpus",
        corpus,
        "--out",
        tmp_path,
        "--cpu-budget",
        1,
        *TINY,
        "--sample",
        60_000,
    ]
    for arm in ("d", "a+copy"):
        result = call(*run, "--arm", arm)
        assert result.exit_code == 0, (result.output, result.exception)
    folder = tmp_path / "d-seed0"
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert len(rows) == 6
    assert rows[-1]["cpu_s"] >= 0.3
    before = (folder / "result.json").read_text()
    assert call(*run, "--arm", "d").exit_code == 0
    assert (folder / "result.json").read_text() == before, "what is done is kept"
    (folder / "result.json").unlink()
    assert call(*run, "--arm", "d").exit_code == 0
    again = json.loads((folder / "result.json").read_text())
    assert again["steps"] == rows[-1]["step"], "judged anew, not trained anew"
    assert again["python"]["all"] == json.loads(before)["python"]["all"]

    pytest.importorskip("matplotlib")
    result = call("ab", "report", "--out", tmp_path, "--svg", tmp_path / "ab.svg")
    assert result.exit_code == 0, result.output
    assert "| **d** |" in result.output
    assert "| a+copy, seed 0 |" in result.output
    assert "CPU seconds" in (tmp_path / "ab.svg").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "--arm", "z", "--cpu-budget", "1"], "no arm 'z': there are d, b"),
        (["run", "--cpu-budget", "1", "--corpus", "nowhere"], "no corpus in nowhere"),
        (["report", "--out", "nowhere"], "no results in nowhere"),
        (["tokenizers", "--corpus", "nowhere"], "no corpus in nowhere"),
    ],
)
def test_errors_name_the_remedy(words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = call("ab", *words)
    assert result.exit_code
    assert isinstance(result.exception, ModelError)
    assert says in str(result.exception)


def test_a_difference_is_paired_by_hole() -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(1, 50, 200)
    one = {"python": {"each": {"noised": (1.1 * base).tolist()}}}
    other = {"python": {"each": {"noised": base.tolist()}}}
    middle, low, high = report.difference(one, other, source="python")
    assert middle == pytest.approx(10)
    assert low == pytest.approx(10)
    assert high == pytest.approx(10), "holes are paired: what they share cancels"
