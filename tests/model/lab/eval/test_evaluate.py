"""Cases, figures and fitting of the evaluation: nothing here needs a model."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from model.infill.hypothesis import Hypothesis
from model.infill.rerank.ranking import Features, Weights
from model.lab.eval.cases import KINDS, Case, cases_from, cut_cases
from model.lab.eval.evaluate import main
from model.lab.eval.measure import CaseResult, interval, judge, reliability, summary
from model.lab.eval.report import append_result, mcnemar, read_results
from model.lab.eval.systems import longest_match, previous_line, template_of
from model.lab.ranking.choices import NAMES, Choices, append_hole, candidates_of, read_holes
from model.lab.ranking.fit import (
    CONSTANT,
    FOLDS,
    OF_THE_NETWORK,
    RARE_HOLES,
    calibrated,
    calibration_error,
    chosen,
    default_weights,
    fit,
    fit_both,
    fit_unread,
    folds,
    held,
    ranking_of,
    unread,
)
from model.lab.ranking.fit import reliability as reliability_rows

SOURCE = "".join(
    f"def area_{n}(width, height, scale={n}):\n"
    f"    total = width * height * scale\n"
    f"    print('the area is', total, width)\n"
    f"    return round(total, {n})\n\n\n"
    for n in range(12)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "area.py").write_text(SOURCE)
    return tmp_path / "shapes"


def case(middle: str, *, prefix: str = "a = 1\n", suffix: str = "\nb = 2\n", kind: str = "line") -> Case:
    return Case(name=f"x:{kind}", kind=kind, prefix=prefix, middle=middle, suffix=suffix)


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_put_together_is_the_file(folder: Path, kind: str) -> None:
    cases = cut_cases(folder, per_kind={kind: 8}, seed=1)
    assert len(cases) == 8
    for c in cases:
        assert c.prefix + c.middle + c.suffix == SOURCE
        assert c.middle.strip()
    if kind in {"line", "lines"}:
        assert all(c.prefix.endswith("\n") and c.suffix.startswith("\n") for c in cases)
    if kind == "identifier":
        assert all(c.prefix[-1].isidentifier() and c.middle[0].isidentifier() for c in cases)
    if kind != "lines":
        assert all("\n" not in c.middle for c in cases)


def test_cases_depend_on_the_seed_alone(folder: Path) -> None:
    first = cases_from([folder], total=20, kinds=KINDS, seed=3)
    assert first == cases_from([folder], total=20, kinds=KINDS, seed=3)
    assert first != cases_from([folder], total=20, kinds=KINDS, seed=4)


def test_judging() -> None:
    right = judge(case("    x = f(1)", prefix="def f(x):\n"), "    x = f(1)")
    assert (right.exact, right.stripped, right.parses, right.similarity) == (True, True, True, 1.0)
    near = judge(case("x = f(1)"), "x = f(1) ")
    assert (near.exact, near.stripped) == (False, True)
    assert not judge(case("x = f(1)"), "x = f(1").parses


def test_baselines(folder: Path) -> None:
    assert previous_line(case("c = 3", prefix="a = 1\n\n")).text == "a = 1"
    cases = cut_cases(folder, per_kind={"line": 30}, seed=0)
    assert summary([longest_match(c) for c in cases])["stripped"] > 20  # type: ignore[operator]


def test_context_is_whole_lines_near_the_hole() -> None:
    line = "value = compute_something(1)\n"
    template = template_of(case("x", prefix=line * 2000, suffix="\n" + line * 2000))
    before, after = template.pieces
    assert before.startswith("value")
    assert before.endswith("\n")
    assert len(before) < 9_001
    assert after.startswith("\n")
    assert after.endswith("\n")
    assert len(after) < 9_001


def test_interval_holds_the_mean_and_shrinks() -> None:
    few, many = interval([True, False] * 10), interval([True, False] * 1000)
    assert few[0] < 50 < few[1]
    assert many[1] - many[0] < few[1] - few[0]


def result(name: str, *, exact: bool, confidence: float = 0.5) -> CaseResult:
    return CaseResult(
        case=name, kind="line", text="", exact=exact, stripped=exact, similarity=0, parses=True, length_right=exact,
        confidence=confidence,
    )  # fmt: skip


def test_mcnemar_counts_only_where_they_differ() -> None:
    a = [result(str(n), exact=n < 10) for n in range(40)]
    b = [result(str(n), exact=n < 2) for n in range(40)]
    found = mcnemar(a, b)
    assert (found["only_first"], found["only_second"]) == (8, 0)
    assert found["p"] == pytest.approx(2 / 2**8, abs=1e-4)
    assert mcnemar(a, a)["p"] == 1.0


def test_reliability_sorts_by_confidence() -> None:
    rows = [result(str(n), exact=n % 2 == 0, confidence=0.9 if n % 2 == 0 else 0.1) for n in range(10)]
    assert [row["right_percent"] for row in reliability(rows)] == [0.0, 100.0]


def test_results_are_read_back_and_a_torn_line_is_not(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "eval.jsonl"
    append_result(out, "engine", result("a", exact=True))
    with out.open("a") as file:
        file.write('{"system": "engine", "case"')
    assert list(read_results(out)) == [("engine", "a")]


def test_the_command_compares_baselines_and_resumes(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "eval.jsonl"
    arguments = ["--source", str(folder), "--cases", "12", "--kind", "line", "--out", str(out)]
    arguments += ["--system", "previous-line", "--system", "longest-match"]
    first = CliRunner().invoke(main, arguments)
    assert first.exit_code == 0, first.output
    written = out.read_text()
    again = CliRunner().invoke(main, arguments)
    figures = json.loads(again.stdout.splitlines()[-1])
    assert figures == json.loads(first.stdout.splitlines()[-1])
    assert figures["longest-match"]["all"]["cases"] == 12
    assert out.read_text() == written


def test_fitting_finds_the_signal_that_tells_right_from_wrong_and_how_sure_to_be() -> None:
    rng = np.random.default_rng(0)
    telling = NAMES.index("likeness")
    holes = []
    for _ in range(400):
        signals = rng.normal(size=(4, len(NAMES)))
        signals[:, CONSTANT] = 1
        odds = np.exp(np.append(3 * signals[:, telling] - 1, 0.0))  # the last: none is right
        right = np.arange(4) == rng.choice(5, p=odds / odds.sum())
        holes.append(Choices(signals=signals, right=right))
    weights = fit(holes)
    others = np.delete(weights, [telling, CONSTANT])
    assert weights[telling] > 3 * np.abs(others).max()
    results = [chosen(hole, weights) for hole in holes]
    assert np.mean([sure for sure, _ in results]) == pytest.approx(np.mean([ok for _, ok in results]), abs=0.05)
    rows = reliability_rows(results)
    assert sum(row["cases"] for row in rows) == 400
    assert all(abs(row["confidence"] - row["right"]) < 0.15 for row in rows if row["cases"] > 30), rows


def _copies(*, count: int) -> list[Choices]:
    """Holes with one copy each, right as the odds of how much of the left side recurs say; the network likes each."""
    rng = np.random.default_rng(3)
    holes = []
    for n in range(count):
        chars = float(rng.integers(0, 40))
        right = rng.random() < 1 / (1 + np.exp(3 - 1.5 * np.log1p(chars)))
        copy = Features(mean_log_prob=-0.01, sum_log_prob=-0.1 - 3 * (not right), left_chars=chars, kept=1.0, draft_rank=0,
                        sources=2, written_rank=0)  # fmt: skip
        written = Features(mean_log_prob=-0.5, sum_log_prob=-2.0, written_rank=1)
        holes.append(Choices.of([(copy, bool(right)), (written, False)], whole_lines=n % 4 < 2))
    return holes


def test_the_calibration_error_is_how_far_confidence_is_from_the_share_of_right_ones() -> None:
    assert calibration_error([(0.5, n % 2 == 0) for n in range(100)]) == 0
    assert calibration_error([(0.9, n % 2 == 0) for n in range(100)]) == pytest.approx(0.4)
    assert calibration_error([(0.2, False)] * 50 + [(0.8, True)] * 50) == pytest.approx(0.2)


def test_no_hole_is_judged_by_weights_that_were_fitted_on_it() -> None:
    holes = [Choices.of([], whole_lines=False) for _ in range(23)]
    found = folds(holes)
    assert len(found) == FOLDS
    assert [hole for _, part in found for hole in part] == holes
    assert all(
        {*map(id, rest)} | {*map(id, part)} == {*map(id, holes)} and len(rest) + len(part) == 23 for rest, part in found
    )


def test_a_copy_is_judged_without_the_network_by_what_is_known_without_it() -> None:
    holes = _copies(count=800)
    weights = fit_unread(holes)
    assert weights is not None
    for part in weights.values():
        assert all(part[NAMES.index(name)] == 0 for name in OF_THE_NETWORK)
        assert part[NAMES.index("left_match")] == pytest.approx(1.5, abs=0.5)
    results = [chosen(hole, weights[hole.whole_lines]) for hole in unread(holes)]
    assert len(results) == 800
    assert np.mean([sure for sure, _ in results]) == pytest.approx(np.mean([ok for _, ok in results]), abs=0.03)
    assert "unread" in ranking_of(holes)


def test_where_copies_are_too_few_none_is_shown_unread() -> None:
    assert fit_unread(_copies(count=2 * RARE_HOLES - 2)) is None
    assert fit_unread([]) is None


def test_from_few_holes_the_default_weights_are_calibrated_and_keep_their_order() -> None:
    rng = np.random.default_rng(4)
    default, holes = default_weights()[False], []
    for _ in range(150):
        signals = rng.normal(size=(3, len(NAMES))) / 3
        signals[:, CONSTANT] = 1
        odds = np.exp(np.append(0.4 * (signals @ default) + 1.5, 0.0))  # half as sure as the default weights say
        holes.append(Choices(signals=signals, right=np.arange(3) == rng.choice(4, p=odds / odds.sum())))
    weights = calibrated(holes, default)
    ratio = (
        np.delete(weights, CONSTANT)[np.delete(default, CONSTANT) != 0]
        / np.delete(default, CONSTANT)[np.delete(default, CONSTANT) != 0]
    )
    assert ratio == pytest.approx(np.full(len(ratio), ratio[0]))
    assert 0.1 < ratio[0] < 0.8
    results = [chosen(hole, weights) for hole in holes]
    assert np.mean([sure for sure, _ in results]) == pytest.approx(np.mean([ok for _, ok in results]), abs=0.06)
    assert fit_both(holes)[False] == pytest.approx(weights)


def test_a_hole_without_candidates_counts_as_missed() -> None:
    nothing = Choices(signals=np.empty((0, len(NAMES))), right=np.empty(0, dtype=bool))
    assert chosen(nothing, np.zeros(len(NAMES))) == (0.0, False)


def test_a_signal_that_is_too_rare_keeps_its_default_weight() -> None:
    rng = np.random.default_rng(1)
    rare, telling = NAMES.index("repetition"), NAMES.index("likeness")
    holes = []
    for n in range(300):
        signals = rng.normal(size=(3, len(NAMES)))
        signals[:, CONSTANT], signals[:, rare] = 1, 0
        if n < RARE_HOLES - 1:  # where it occurs, it happens to speak for the right one
            signals[0, rare] = 0.5
        right = np.arange(3) == (0 if n < RARE_HOLES - 1 else int(signals[:, telling].argmax()))
        holes.append(Choices(signals=signals, right=right))
    assert held(holes, Weights())["repetition"] == Weights().repetition < 0
    weights = fit(holes, given=held(holes, Weights()))
    assert weights[rare] == pytest.approx(Weights().repetition)
    assert weights[telling] > 0
    assert fit(holes)[rare] > 0, "fitted, it would have the wrong sign"
    assert fit_both(holes)[False][rare] == pytest.approx(Weights().repetition)


def test_what_there_was_to_choose_from_is_read_back_and_a_torn_line_is_not(tmp_path: Path) -> None:
    def hypothesis(text: str) -> Hypothesis:
        ids, nats = np.arange(len(text)), np.full(len(text), -0.1, dtype=np.float32)
        return Hypothesis(ids=(ids,), log_probs=(nats,), texts=(text,), scored=True)

    candidates, whole_lines = candidates_of(case("x = 1"), [hypothesis("x = 1"), hypothesis("x = (")], None)
    assert [(features.parses, right) for features, right in candidates] == [(True, True), (False, False)]
    rows = [{**asdict(features), "right": right} for features, right in candidates]
    path = tmp_path / "deep" / "choices.jsonl"
    append_hole(path, {"case": "a", "whole_lines": whole_lines, "candidates": rows})
    with path.open("a") as file:
        file.write('{"case": "b", "cand')
    read = read_holes(path)
    assert list(read) == ["a"]
    assert read["a"].whole_lines
    assert read["a"].right.tolist() == [True, False]
    assert np.array_equal(read["a"].signals, Choices.of(candidates, whole_lines=True).signals)


def test_far_down_candidates_are_not_parsed() -> None:
    ids, nats = np.arange(3), np.full(3, -0.1, dtype=np.float32)
    hypotheses = [Hypothesis(ids=(ids,), log_probs=(nats - n,), texts=(f"x = {n}",), scored=True) for n in range(20)]
    candidates, _ = candidates_of(case("x = 1"), hypotheses, None)
    assert [features.parses for features, _ in candidates] == [True] * 7 + [None] * 13
