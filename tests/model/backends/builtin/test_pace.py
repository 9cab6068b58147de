"""How fast a network that reads contexts is here, what is bounded by it, and what the doctor says of both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.backends.builtin import pace as module
from model.backends.builtin.pace import (
    CONTEXT_S,
    LEAST_CONTEXT,
    MOST_CONTEXT,
    Bounds,
    Pace,
    keep_pace,
    key_of,
    measured,
    pace_file,
    read_pace,
)
from model.backends.builtin.storage.config import read_config
from model.errors import UnknownModel
from model.filler import open_filler
from model.machine.pace_report import TOPIC, pace_of
from tests.model.backends.gguf import tiny_gguf

FAST = Pace(token_s=0.0006, row_s=0.007, rows_s=0.0085)
SLOW = Pace(token_s=0.01, row_s=0.1, rows_s=0.2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny model of the kind that reads contexts."""
    monkeypatch.setattr("model.backends.gguf.convert.user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(module, "pace_file", lambda: tmp_path / "pace.json")
    from model.backends.gguf.convert import converted

    return converted(tiny_gguf.write(tmp_path / "tiny.gguf"), say=lambda done, of: None)


@given(token_s=st.floats(1e-6, 1), row_s=st.floats(1e-4, 10), rows_s=st.floats(1e-4, 10), slower=st.floats(1, 10))
def test_a_slower_machine_is_bounded_more_and_reads_what_it_can_in_time(
    token_s: float, row_s: float, rows_s: float, slower: float
) -> None:
    one = Bounds.of(Pace(token_s=token_s, row_s=row_s, rows_s=rows_s))
    other = Bounds.of(Pace(token_s=token_s * slower, row_s=row_s * slower, rows_s=rows_s * slower))
    assert other.context_tokens <= one.context_tokens
    assert other.beam <= one.beam
    assert other.keeps_up <= one.keeps_up
    assert LEAST_CONTEXT <= one.context_tokens <= MOST_CONTEXT
    assert one.context_tokens == LEAST_CONTEXT or one.context_tokens * token_s <= CONTEXT_S + 1e-9


def test_a_fast_machine_and_one_that_was_not_measured_are_not_bounded() -> None:
    assert Bounds.of(FAST) == Bounds.of(None) == Bounds()
    assert Bounds.of(SLOW) == Bounds(context_tokens=256, beam=1, keeps_up=False)


def test_what_was_measured_is_kept_by_machine_and_model_and_a_damaged_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "pace.json"
    keep_pace("a", FAST, path=path)
    keep_pace("b", SLOW, path=path)
    assert (read_pace("a", path=path), read_pace("b", path=path), read_pace("c", path=path)) == (FAST, SLOW, None)
    path.write_text("[1")
    assert read_pace("a", path=path) is None
    keep_pace("a", FAST, path=path)
    assert read_pace("a", path=path) == FAST
    assert [p.name for p in path.parent.iterdir()] == ["pace.json"]


def test_a_model_is_measured_as_it_runs(folder: Path) -> None:
    ticks = iter(range(10_000))
    key, pace = measured(folder, clock=lambda: next(ticks) / 1000)
    assert key.endswith(key_of(read_config(folder), "").rpartition(", ")[2])
    assert (pace.token_s * module.READ_TOKENS, pace.row_s, pace.rows_s) == pytest.approx((0.001, 0.001, 0.001))


def test_the_model_is_opened_within_the_bounds_of_the_machine(folder: Path, tmp_path: Path) -> None:
    free = open_filler(str(folder)).info
    assert (free.context_tokens, free.keeps_up) == (MOST_CONTEXT, True)
    key, _ = measured(folder)
    keep_pace(key, SLOW, path=tmp_path / "pace.json")
    bound = open_filler(str(folder)).info
    assert (bound.context_tokens, bound.keeps_up) == (256, False)
    keep_pace(key, replace(FAST, token_s=CONTEXT_S / 600), path=tmp_path / "pace.json")
    assert open_filler(str(folder)).info.context_tokens == 512


@pytest.mark.parametrize("pace", [FAST, SLOW])
def test_the_doctor_says_how_fast_it_is_and_what_is_bounded(folder: Path, tmp_path: Path, pace: Pace) -> None:
    found = list(pace_of(str(folder), measure=lambda _: ("key", pace), path=tmp_path / "pace.json"))
    assert {finding.topic for finding in found} == {TOPIC}
    assert read_pace("key", path=tmp_path / "pace.json") == pace
    assert "640 tokens are read in" in found[0].text
    if pace is FAST:
        assert len(found) == 1
    else:
        assert found[1].text == (
            "so that editors do not lag here, it reads 256 tokens around a gap instead of 640, it compares 1 texts"
            " instead of 4, who just types gets copies alone; ask for a fill"
        )
        assert "when the machine is idle" in found[1].remedy


def test_a_model_of_another_kind_is_not_measured_and_a_missing_one_is_named(tmp_path: Path) -> None:
    def never(_: Path) -> tuple[str, Pace]:
        raise AssertionError("measured")

    (tmp_path / "config.json").write_text("{}")
    assert list(pace_of(str(tmp_path), measure=never)) == []
    (found,) = pace_of(str(tmp_path / "none.gguf"), measure=never)
    assert "there is no file" in found.remedy


def test_a_damaged_model_is_told(folder: Path) -> None:
    for shard in folder.glob("weights-*"):
        shard.write_bytes(b"torn")
    with pytest.raises(UnknownModel):
        measured(folder)
    (found,) = pace_of(str(folder))
    assert "cannot be measured" in found.text


def test_it_is_kept_in_the_users_cache() -> None:
    assert pace_file().name == "pace.json"
