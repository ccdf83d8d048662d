#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unit tests of slopes.py; prints what tests/run-unit reads."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import slopes


def samples(value, minutes=20, life=lambda minute: 0, age=lambda minute: 600):
    return [{"seconds": 60 * m, "life": life(m), "age": age(m), **{name: value(name, m) for name, *_ in slopes.MEASURES}}
            for m in range(minutes)]


def verdicts(*args, **kwargs):
    return {row["name"]: row["verdict"] for row in slopes.judge(samples(*args, **kwargs))}


def test_slope_within_groups_leaves_their_levels_out():
    assert slopes.pooled_slope([[(0, 0), (1, 2)], [(5, 100), (6, 102)]]) == 2
    assert slopes.pooled_slope([[(0, 7)], []]) == 0
    assert slopes.pooled_slope([]) == 0


def test_what_stays_is_no_leak():
    assert set(verdicts(lambda name, m: 1000).values()) == {"ok"}


def test_what_falls_is_no_leak():
    assert set(verdicts(lambda name, m: 10 ** 9 - m * 10 ** 6).values()) == {"ok"}


def test_a_slope_above_its_bound_is_a_leak_and_one_at_it_is_not():
    bounds = {name: bound for name, _, _, bound, _ in slopes.MEASURES}
    assert set(verdicts(lambda name, m: bounds[name] * m).values()) == {"ok"}
    assert set(verdicts(lambda name, m: bounds[name] * m * 1.1).values()) == {"LEAK"}


def test_a_new_daemon_does_not_hide_the_leak_of_each():
    got = verdicts(lambda name, m: 10 ** 6 * (m % 5), life=lambda m: m // 5)
    assert got["rss_bytes"] == "LEAK", got


def test_the_first_minutes_take_no_part():
    got = verdicts(lambda name, m: 10 ** 9 * min(m, 3))
    assert set(got.values()) == {"ok"}, got


def test_a_daemon_that_just_started_takes_no_part_in_its_own_measures():
    got = verdicts(lambda name, m: 10 ** 9 * min(m % 5, 1), life=lambda m: m // 5, age=lambda m: 60 * (m % 5))
    assert got["rss_bytes"] == "ok" and got["catalogue"] == "LEAK", got


def test_too_few_samples_are_no_verdict_and_no_success():
    rows = slopes.judge(samples(lambda name, m: 1, minutes=4))
    assert {row["verdict"] for row in rows} == {"too few samples"}
    assert len(slopes.failed(rows)) == len(rows)


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
