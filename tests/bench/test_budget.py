#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unit tests of budget.py; prints what tests/run-unit reads."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import budget


def operations(value):
    return {(f"{place}-{state}", name): [value(place, state, name)] * 3 for place in ("host", "container")
            for state in ("bare", "loaded") for name, *_ in budget.OPERATIONS}


def test_median_is_the_middle_of_what_was_measured():
    assert budget.median([9, 1, 5]) == 5
    assert budget.median([4, 1, 3, 2]) == 2.5
    assert budget.median([7]) == 7
    try:
        budget.median([])
    except ValueError:
        return
    assert False, "a median of nothing"


def test_spread_is_in_percent_of_the_median():
    assert budget.spread_percent([100, 99, 101]) == 2
    assert budget.spread_percent([0, 0]) == 0


def test_slope_is_the_least_squares_one():
    assert budget.slope([(0, 1), (1, 3), (2, 5)]) == 2
    assert budget.slope([(0, 5), (60, 5), (120, 5)]) == 0
    assert abs(budget.slope([(0, 0), (1, 2), (2, 1), (3, 3)]) - 0.8) < 1e-9
    assert budget.slope([(3, 4)]) == 0
    assert budget.slope([]) == 0


def test_what_is_within_its_budget_and_tolerance_is_ok_and_more_is_over():
    for added, verdict in ((6000, "ok"), (6010, "ok"), (6011, "OVER"), (-5, "ok")):
        rows = budget.operation_rows(operations(lambda place, state, name: 10000 + added * (state == "loaded")), "x")
        got = {r["name"]: r["verdict"] for r in rows}
        assert got["spawn of a 4 KB static ELF, contained task"] == verdict, got


def test_a_container_is_compared_with_a_container_and_the_host_with_the_host():
    rows = budget.operation_rows(operations(lambda place, state, name: 5000 + 700 * (place == "container")), "x")
    assert {r["added"] for r in rows} == {0}
    assert not budget.over(rows)


def test_a_row_that_is_only_reported_is_never_over():
    rows = budget.operation_rows(operations(lambda place, state, name: 9 ** 9 * (state == "loaded")), "x")
    assert not [r for r in budget.over(rows) if r["name"].startswith("open for writing")]
    assert len(budget.over(rows)) == len(rows) - 2


def test_rules_are_compared_with_holdfast_without_rules():
    cost = {"bare": 1, "loaded": 1000, "ruled": 2500}
    samples = {(f"{place}-{state}", name): [cost[state]] for place in ("host", "container") for state in cost for name, _ in budget.RULED}
    rows = budget.ruled_rows(samples, "x")
    assert len(rows) == 2 * len(budget.RULED)
    assert {r["added"] for r in rows} == {1500}
    assert not budget.over(rows)
    assert {line.split()[-6] for line in budget.table(rows).splitlines()[1:]} == {"2.50"}


def test_a_figure_without_a_counterpart_has_no_ratio():
    assert budget.ratio({"measured": 5}) == "-"
    assert budget.ratio({"bare": 4, "loaded": 5}) == "1.25"


def test_starts_are_native_milliseconds():
    rows = budget.start_rows({"bare": [20e6], "known": [30e6], "first": [400e6]}, 0.5, "x")
    assert [r["added"] for r in rows] == [5, 190]
    assert [r["verdict"] for r in rows] == ["ok", "OVER"]


def main():
    tests = [(name, test) for name, test in sorted(globals().items()) if name.startswith("test_")]
    failed = 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name}")
        except Exception as problem:  # any: it is the test's failure
            failed += 1
            print(f"# {type(problem).__name__}: {problem}")
            print(f"not ok {number} - {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
