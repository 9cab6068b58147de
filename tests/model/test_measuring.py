from __future__ import annotations

import json
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.measuring import about, last_line, percentile, quantile, spread, timed_ms


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_no_more_lie_below_it(values: list[float], share: float) -> None:
    found = percentile(values, share)
    if share == 0.5:
        assert found == statistics.median(values)
    else:
        assert found in values
        assert sum(value < found for value in values) <= share * len(values)


def test_a_spread_is_rounded_and_nothing_has_none() -> None:
    assert spread([1.04, 2.0, 3.0, 10.0]) == {"p50": 2.5, "p95": 10.0, "max": 10.0}
    assert quantile([], 0.5) is None
    assert quantile([1.234], 0.95) == 1.23
    with pytest.raises(statistics.StatisticsError):
        percentile([], 0.5)


def test_a_device_is_waited_for_before_and_behind() -> None:
    order: list[str] = []
    assert timed_ms(lambda: order.append("work"), wait=lambda: order.append("wait")) >= 0
    assert order == ["wait", "work", "wait"]


def test_a_report_is_one_line_that_begins_with_the_bench_and_the_machine() -> None:
    line = last_line(about("fill", device="cpu") | {"fill_ms": spread([1.0])})
    assert "\n" not in line
    report = json.loads(line)
    assert (report["bench"], report["device"], report["fill_ms"]["p50"]) == ("fill", "cpu", 1.0)
    assert report["cores"] >= 1
    assert report["cpu"]
