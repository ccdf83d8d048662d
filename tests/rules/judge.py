#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: judge.py PLAN ALERTS [--known RULE...]

Judges what was tried: PLAN has a line for each case (number, rule, fires or silent, what was done, then FIELD=VALUE or
FIELD~REGEX, tabs between), ALERTS the JSON alerts of meanwhile, in which those of the rule "Marker" say where each case
begins and ends (.../N-begin, .../N-end). Prints a line for each case, and those that fired besides on lines with "#".
"""
import json
import re
import sys

MARKER = "Marker"
MARK = re.compile(r"/(\d+)-(begin|end)$")


def read_alerts(path):
    """Number of a case -> its alerts; cases without both marks have none."""
    cases, open_cases = {}, {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            alert = json.loads(line)
            if alert["rule"] != MARKER:
                for found in open_cases.values():
                    found.append(alert)
                continue
            mark = MARK.search(next((str(v) for k, v in alert["output_fields"].items() if k.startswith("evt.arg")), ""))
            if mark and mark[2] == "begin":
                open_cases[int(mark[1])] = []
            elif mark and int(mark[1]) in open_cases:
                cases[int(mark[1])] = open_cases.pop(int(mark[1]))
    return cases


def fits(alert, want):
    field, sign, value = re.match(r"([\w.\[\]]+)([=~])(.*)$", want, re.S).groups()
    got = alert["output_fields"].get(field)
    if got is None:
        return False
    return str(got) == value if sign == "=" else re.search(value, str(got)) is not None


def judge(rule, kind, wants, alerts):
    """Why the case failed, or None."""
    if alerts is None:
        return ["its marks did not come"]
    own = [alert for alert in alerts if alert["rule"] == rule]
    if kind == "silent":
        return [json.dumps(own[0])] if own else None
    if not own:
        return ["no alert; there were: " + (", ".join(sorted({a["rule"] for a in alerts})) or "none")]
    if any(all(fits(alert, want) for want in wants) for alert in own):
        return None
    return ["no alert with " + " ".join(wants)] + [json.dumps(alert["output_fields"]) for alert in own[:3]]


def main():
    plan, alerts = sys.argv[1:3]
    cases = read_alerts(alerts)
    passed = failed = 0
    with open(plan, encoding="utf-8") as lines:
        for line in lines:
            number, rule, kind, does, *wants = line.rstrip("\n").split("\t")
            why = judge(rule, kind, wants, cases.get(int(number)))
            name = f"{rule}: {kind}: {does}"
            passed, failed = passed + (not why), failed + bool(why)
            print(f"not ok - {name}" if why else f"ok - {name}")
            for reason in why or []:
                print("#", reason)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
