"""From measurements to the Markdown page."""

import statistics

from harness.jobs import JOBS, OURS, PEAK_BYTES_GOAL, SCALING, SETTINGS, SPEED_UP_GOAL, Job
from harness.store import Store


def duration(seconds: float) -> str:
    """Three significant digits in the unit that suits."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1.0 or unit == "µs":
            return f"{_digits(seconds * scale)} {unit}"
    raise AssertionError("the last unit always fits")


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _median(rows: list[dict]) -> float | None:
    times = [row["seconds"] for row in rows if "seconds" in row]
    return statistics.median(times) if times else None


def _range(rows: list[dict]) -> str:
    times = [row["seconds"] for row in rows if "seconds" in row]
    return f"{duration(min(times))} to {duration(max(times))}" if len(times) > 1 else "one round"


def _yes(met: bool) -> str:
    return "yes" if met else "**no**"


def _goal_row(job: Job, store: Store) -> list[str]:
    found = store.of(job.key)
    ours = _median(found.get(OURS, []))
    peers = {who: _median(rows) for who, rows in found.items() if who != OURS}
    peers = {who: median for who, median in peers.items() if median is not None}
    fastest = min(peers, key=peers.get) if peers else None
    ratio = ours / peers[fastest] if ours is not None and fastest else None
    goals, met = [], []
    if job.ratio_goal is not None:
        goals.append(f"{job.ratio_goal} ×")
        met.append(ratio is not None and ratio <= job.ratio_goal)
    if job.seconds_goal is not None:
        goals.append(duration(job.seconds_goal))
        met.append(ours is not None and ours <= job.seconds_goal)
    return [
        job.title,
        "failed" if ours is None else duration(ours),
        f"{duration(peers[fastest])} ({fastest})" if fastest else "none",
        "" if ratio is None else f"{ratio:.3f} ×",
        " and ".join(goals),
        _yes(all(met)),
    ]


def _memory_row(store: Store) -> list[str]:
    found = store.of("experiment")
    peaks = {
        who: max((row["peak_bytes"] for row in rows if "peak_bytes" in row), default=None)
        for who, rows in found.items()
    }
    ours = peaks.pop(OURS, None)
    peers = {who: peak for who, peak in peaks.items() if peak}
    least = min(peers, key=peers.get) if peers else None
    return [
        "Most memory of it, the process and its children",
        f"{ours / 1e6:.0f} MB" if ours else "failed",
        f"{peers[least] / 1e6:.0f} MB ({least})" if least else "none",
        f"{ours / peers[least]:.3f} ×" if ours and least else "",
        f"{PEAK_BYTES_GOAL / 1e6:.0f} MB",
        _yes(bool(ours) and ours <= PEAK_BYTES_GOAL),
    ]


def _same_work(row: dict) -> str:
    """What shows that a contestant did the work: accuracy, objective, passes."""
    said = []
    if "accuracies" in row:
        said.append(", ".join(f"{k} {v:.4f}" for k, v in row["accuracies"].items()))
    if "accuracy" in row:
        epochs = row.get("epochs")
        after = f" after {epochs} epoch{'s' * (epochs > 1)}" if epochs else ""
        said.append(f"accuracy {row['accuracy']:.4f}{after}")
    if "objective" in row:
        said.append(f"objective {row['objective']:.9f}")
    if "log_loss" in row:
        said.append(f"log loss {row['log_loss']:.4f}")
    if "iterations" in row:
        said.append(f"{row['iterations']} iterations")
    return "; ".join(said)


def _job_table(job: Job, store: Store) -> list[str]:
    found = store.of(job.key)
    ours = _median(found.get(OURS, []))
    lines = [
        f"### {job.title}",
        "",
        "| who | median | range | against bakeoff | the work done |",
        "|---|---:|---|---:|---|",
    ]
    order = sorted(found, key=lambda who: _median(found[who]) or float("inf"))
    for who in order:
        rows, median = found[who], _median(found[who])
        if median is None:
            reason = rows[-1]["error"].strip().splitlines()[-1][:160].replace("|", "\\|")
            lines.append(f"| {who} | failed | | | {reason} |")
            continue
        factor = f"{median / ours:.2f} ×" if ours else ""
        lines.append(
            f"| {who} | {duration(median)} | {_range(rows)} | {factor} | {_same_work(rows[-1])} |"
        )
    return [*lines, ""]


def _objectives(store: Store) -> list[str]:
    """Whether we went as far down as scikit-learn."""
    found = store.of("logistic-fit")
    values = {
        who: row["objective"] for who, rows in found.items() for row in rows if "objective" in row
    }
    ours, peer = values.get(OURS), values.get("scikit-learn")
    if ours is None or peer is None:
        return []
    reached = ours <= peer * (1 + 1e-6)
    return [
        f"Both objectives are computed by the harness in double precision from the weights: "
        f"bakeoff's is {(ours / peer - 1):+.1e} relative to scikit-learn's; at most 1e-6 above "
        f"it is asked: {_yes(reached)}.",
        "",
    ]


def _scaling(store: Store, threads: int) -> list[str]:
    lines = [
        f"## From 1 to {threads} threads",
        "",
        f"| fit | 1 thread | {threads} threads | faster | at least | met |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for key, title in SCALING.items():
        rows = [row for row in store.of(key).get(OURS, []) if "seconds" in row]
        one = _median([row for row in rows if row["threads"] == 1])
        more = _median([row for row in rows if row["threads"] == threads])
        if one is None or more is None:
            lines.append(f"| {title} | failed | | | | |")
            continue
        times = one / more
        lines.append(
            f"| {title} | {duration(one)} | {duration(more)} | {times:.2f} × "
            f"| {SPEED_UP_GOAL} × | {_yes(times >= SPEED_UP_GOAL)} |"
        )
    return [*lines, ""]


def _settings(store: Store) -> list[str]:
    """What settings cost, against the network without them in the same rounds."""
    lines = [
        "## What settings of the network cost",
        "",
        "| an epoch of 12,800 images | time | against none | at most | met |",
        "|---|---:|---:|---:|---|",
    ]
    plain = _median(store.of("setting-none").get(OURS, []))
    for key, (title, goal) in SETTINGS.items():
        seconds = _median(store.of(key).get(OURS, []))
        if seconds is None or plain is None:
            lines.append(f"| {title} | failed | | | |")
            continue
        times = seconds / plain
        asked = f"{goal} × | {_yes(times <= goal)}" if goal else "|"
        lines.append(f"| {title} | {duration(seconds)} | {times:.2f} × | {asked} |")
    return [*lines, ""]


def page(store: Store, facts: dict) -> str:
    """The whole page. `facts`: machine, memory, versions, date, rounds, threads, load, note."""
    threads = facts["threads"]
    lines = [
        "# Beside other libraries",
        "",
        "Made by `make bench-peers`; not edited by hand. What is compared, and what is not, is",
        'in [METHODOLOGY.md](../METHODOLOGY.md), section "Beside other libraries".',
        "",
        f"- Machine: {facts['machine']}, {facts['memory_gib']:.0f} GiB",
        f"- Threads: {threads}, for every contestant",
        f"- Rounds: {facts['rounds']}; the load before it was {facts['load']:.2f}",
        f"- Date: {facts['date']}",
        f"- Versions: {', '.join(facts['versions'])}",
        *([f"- {facts['note']}"] if facts.get("note") else []),
        "",
        "Times are medians over the rounds. A ratio is bakeoff's time over the fastest other's.",
        "",
        "| job | bakeoff | fastest other | ratio | at most | met |",
        "|---|---:|---:|---:|---:|---|",
    ]
    measured = [job for job in JOBS if store.of(job.key)]
    rows = [_goal_row(job, store) for job in measured]
    if store.of("experiment"):
        rows.append(_memory_row(store))
    lines += [f"| {' | '.join(row)} |" for row in rows]
    lines.append("")
    if any(store.of(key) for key in SCALING):
        lines += _scaling(store, threads)
    if any(store.of(key) for key in SETTINGS):
        lines += _settings(store)
    lines += ["## Every contestant", ""]
    for job in measured:
        lines += _job_table(job, store)
        if job.key == "logistic-fit":
            lines += _objectives(store)
    return "\n".join(lines).rstrip() + "\n"
