# SPDX-License-Identifier: Apache-2.0
"""The budgets (design, section 9) and the arithmetic: medians, spreads, differences, verdicts. Knows nothing of how a
figure is measured; a figure comes as samples under a name."""

# Name, unit, budget of the contained task (None: reported only), of a host task.
OPERATIONS = [
    ("spawn_static", "spawn of a 4 KB static ELF", 6000, 900),
    ("spawn_dynamic", "spawn of a dynamic ELF", 14000, 5000),
    ("mmap_exec", "mmap(PROT_EXEC) of a file", 1000, 300),
    ("mprotect_pair", "mprotect to PROT_EXEC and back", 1300, 550),
    ("fork_exit", "fork and exit", 2500, 300),
    ("open_read", "open for reading", 300, 0),
    ("open_write", "open for writing", None, None),
]
# What detection rules look at: name, how it is called. Its cost with all rules on, beside that without any.
RULED = [
    ("open_read", "open for reading"),
    ("open_absolute", "open for reading, absolute path"),
    ("open_missing", "open of what is not there"),
    ("connect", "connect"),
    ("open_write", "open for writing"),
]
LOOP_INSTRUCTIONS = range(2000, 2021)  # what a loop of 2,000 may read: else the clock counts something else
SPREAD_PERCENT = 0.5  # of the operation's own cost, between rounds: above it a row is not to be relied on


def median(values):
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def spread_percent(values):
    """Between the smallest and the largest, in percent of the median."""
    return 100 * (max(values) - min(values)) / median(values) if median(values) else 0.0


def slope(points):
    """Least squares: change of y for one x. Points are (x, y); fewer than two different x have none."""
    n = len(points)
    mean_x = sum(x for x, _ in points) / n if n else 0
    mean_y = sum(y for _, y in points) / n if n else 0
    square = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / square if square else 0.0


TOLERANCE_INSTRUCTIONS = 10  # what repeats of a short operation differ by: a budget of 0 means none that can be seen


def row(name, states, added, unit, budget, spread, how):
    """One line of the table. A row without a budget has no verdict."""
    tolerance = TOLERANCE_INSTRUCTIONS if unit == "instructions" else 0
    verdict = "-" if budget is None else "ok" if added <= budget + tolerance else "OVER"
    return {"name": name, "states": states, "added": added, "unit": unit, "budget": budget, "verdict": verdict,
            "spread_percent": round(spread, 2), "how": how}


def operation_rows(samples, how):
    """samples: {(state, operation): [median of each round]}, states host-bare, host-loaded, container-bare, container-loaded."""
    rows = []
    for operation, title, contained, host in OPERATIONS:
        for place, budget in (("container", contained), ("host", host)):
            bare, loaded = samples[f"{place}-bare", operation], samples[f"{place}-loaded", operation]
            rows.append(row(f"{title}, {'contained' if place == 'container' else 'host'} task",
                            {"bare": median(bare), "loaded": median(loaded)}, median(loaded) - median(bare),
                            "instructions", budget, max(spread_percent(bare), spread_percent(loaded)), how))
    return rows


def ruled_rows(samples, how):
    """The states loaded (no rules) and ruled."""
    rows = []
    for operation, title in RULED:
        for place in ("container", "host"):
            bare, ruled = samples[f"{place}-loaded", operation], samples[f"{place}-ruled", operation]
            rows.append(row(f"{title}, all rules, {'contained' if place == 'container' else 'host'} task",
                            {"bare": median(bare), "loaded": median(ruled)}, median(ruled) - median(bare),
                            "instructions", None, max(spread_percent(bare), spread_percent(ruled)),
                            f"{how}; rules: without is Holdfast without any"))
    return rows


def start_rows(starts, ns_per_instruction, how):
    """starts: {state: [instructions]}, states bare, known, first. Budgets are native milliseconds."""
    rows = []
    for state, title, budget in (("known", "image known", 10), ("first", "image first seen", 150)):
        to_ms = ns_per_instruction / 1e6
        bare, with_us = median(starts["bare"]), median(starts[state])
        rows.append(row(f"container start, {title}", {"bare": round(bare * to_ms, 2), "loaded": round(with_us * to_ms, 2)},
                        round((with_us - bare) * to_ms, 2), "ms", budget,
                        max(spread_percent(starts["bare"]), spread_percent(starts[state])),
                        f"{how}; {with_us - bare:+,.0f} instructions, ratio {with_us / bare:.2f}"))
    return rows


def value_row(name, values, unit, budget, how):
    return row(name, {"measured": median(values)}, median(values), unit, budget, spread_percent(values), how)


def over(rows):
    return [r for r in rows if r["verdict"] == "OVER"]


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.2f}"


def ratio(states):
    """With to without, as text."""
    return f"{states['loaded'] / states['bare']:.2f}" if states.get("bare") else "-"


def table(rows):
    """As text, one line each."""
    lines = [f"{'what':<58} {'without':>12} {'with':>12} {'ratio':>6} {'added':>10} {'budget':>8} {'unit':<13} {'spread':>7}  verdict"]
    for r in rows:
        states = r["states"]
        lines.append(f"{r['name']:<58} {number(states.get('bare')):>12} "
                     f"{number(states.get('loaded', states.get('measured'))):>12} {ratio(states):>6} {number(r['added']):>10} "
                     f"{number(r['budget']):>8} {r['unit']:<13} {r['spread_percent']:>6.2f}%  {r['verdict']}")
    return "\n".join(lines)
