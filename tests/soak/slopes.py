# SPDX-License-Identifier: Apache-2.0
"""What the soak's samples say: slopes within the lives of daemons, their bounds, the verdict. Knows nothing of how a sample is
taken; one is a dictionary of numbers with "seconds", "life", the number of daemons before,
and "age", the seconds since the daemon started."""

KIB = 1024
# Name, what it is, unit, bound of the slope for each minute of the emulated and busy machine, whether it starts anew with each
# daemon. Bounds are above what allocators and a handful of samples make of a flat line, and below what a leak of one thing
# for each container or event would: some ten containers start in a minute.
MEASURES = [
    ("rss_bytes", "memory of the daemon (RSS)", "bytes", 64 * KIB, True),
    ("anon_bytes", "... its own, without files and tables", "bytes", 64 * KIB, True),
    ("descriptors", "descriptors of the daemon", "", 0.5, True),
    ("catalogue", "entries of hf_catalog", "", 150.0, False),  # whole sets of some 1,000 come and go with their grace time
    ("volumes", "entries of hf_volumes", "", 1.0, False),
    ("written", "entries of hf_written", "", 1.0, False),
    ("roots", "entries of hf_roots", "", 1.0, False),
    ("cgroups", "entries of hf_cgroups", "", 1.0, False),
    ("policies", "slots of hf_policies in use", "", 0.5, False),
    ("containers", "slots of hf_containers in use", "", 0.5, False),
    ("slab_bytes", "kernel memory that cannot be reclaimed", "bytes", 1024 * KIB, False),
    ("percpu_bytes", "kernel memory for each CPU", "bytes", 256 * KIB, False),
]
WARM_UP_SECONDS = 180  # caches fill: what is sampled before is shown, but takes no part
LIFE_WARM_UP_SECONDS = 60  # … and of a new daemon, for what starts anew with it: it takes over, its caches fill
SAMPLES_MIN = 4  # a line through fewer says nothing


def pooled_slope(groups):
    """Least squares with one slope for all groups of (x, y), each with a level of its own."""
    up = down = 0.0
    for points in groups:
        if not points:
            continue
        mean_x = sum(x for x, _ in points) / len(points)
        mean_y = sum(y for _, y in points) / len(points)
        up += sum((x - mean_x) * (y - mean_y) for x, y in points)
        down += sum((x - mean_x) ** 2 for x, _ in points)
    return up / down if down else 0.0


def groups_of(samples, name, by_life):
    groups = {}
    for sample in samples:
        settled = not by_life or sample["age"] >= LIFE_WARM_UP_SECONDS
        if sample["seconds"] >= WARM_UP_SECONDS and settled and name in sample:
            groups.setdefault(sample["life"] if by_life else 0, []).append((sample["seconds"] / 60, sample[name]))
    return list(groups.values())


def judge(samples):
    """One row for each measure: name, title, first, last, slope a minute, bound, verdict (ok, LEAK, or why there is none)."""
    rows = []
    for name, title, unit, bound, by_life in MEASURES:
        values = [sample[name] for sample in samples if name in sample]
        groups = groups_of(samples, name, by_life)
        enough = sum(len(group) for group in groups) >= SAMPLES_MIN
        slope = pooled_slope(groups) if enough else None
        verdict = "too few samples" if slope is None else "ok" if slope <= bound else "LEAK"
        rows.append({"name": name, "title": title, "unit": unit, "first": values[0] if values else None,
                     "last": values[-1] if values else None, "slope": slope, "bound": bound, "verdict": verdict})
    return rows


def failed(rows):
    return [row for row in rows if row["verdict"] != "ok"]


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.2f}"


def table(rows):
    lines = [f"{'what':<42} {'first':>14} {'last':>14} {'a minute':>12} {'bound':>12}  verdict"]
    for row in rows:
        lines.append(f"{row['title']:<42} {number(row['first']):>14} {number(row['last']):>14} {number(row['slope']):>12} "
                     f"{number(row['bound']):>12}  {row['verdict']}")
    return "\n".join(lines)
