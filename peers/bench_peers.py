"""Measures bakeoff beside other libraries and writes docs/peers.md.

    make bench-peers                     the table, on a machine that does nothing else
    make bench-peers ARGS=--quick        whether everything runs, in a minute or two
    make bench-peers ARGS=--resume       go on where a stopped run was
    make bench-peers ARGS="--only knn cnn --rounds 5"

Every contestant runs in a process of its own, pinned to the same processors, one at a
time. Contestants alternate within a round, and their order turns from round to round.
"""

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from contestants.bakeoff import PROGRAM, ROOT, write_png
from harness import jobs, machine, process, table
from harness.mnist import Mnist
from harness.store import Store

HERE = Path(__file__).resolve().parent
RESULTS = ROOT / "target" / "bench-peers"
PAGE = ROOT / "docs" / "peers.md"
# Of training pictures in a quick run: enough for every step to happen.
QUICK_LIMIT = 2000
# The longest that one process of a peer may take.
LIMIT_SECONDS = 900
# A load average below which nothing else is at work.
QUIET_LOAD = 0.5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="little data, one round, no page")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--only", nargs="+", metavar="GROUP", help="knn, logistic, ann, ...")
    parser.add_argument("--resume", action="store_true", help="keep what was measured before")
    parser.add_argument("--render", action="store_true", help="only write the page again")
    return parser.parse_args()


class Peers:
    """Starts contestants."""

    def __init__(self, threads: int, limit: int | None):
        self.threads, self.limit = threads, limit
        # Where Python contestants find their model and picture, and leave their charts.
        self._folder = tempfile.TemporaryDirectory(prefix="bakeoff-peers-")
        self._prepared = False

    def measure(self, start: jobs.Start) -> dict[str, dict]:
        """Job to measurement; raises what went wrong."""
        threads = start.threads or self.threads
        if start.ours:
            return start.ours(threads, self.limit)
        (job,) = start.jobs
        if job == "predict-process" and not self._prepared:
            write_png(Mnist(1).test_pictures[0], Path(self._folder.name) / "x.png")
            self._python(start.module, "save-model", threads)
            self._prepared = True
        finished, answer = self._python(start.module, job, threads)
        if "seconds" not in answer:
            # The whole process is the job.
            answer |= {"seconds": finished.seconds, "peak_bytes": finished.peak_bytes}
        return {job: answer}

    def _python(self, module: str, job: str, threads: int):
        command = [sys.executable, "-m", f"contestants.{module}", job]
        command += ["--threads", threads, "--out", self._folder.name]
        command += ["--limit", self.limit] if self.limit else []
        finished = process.run(command, threads, HERE, LIMIT_SECONDS)
        if finished.timed_out:
            raise RuntimeError(f"stopped after {LIMIT_SECONDS} s")
        if finished.code != 0:
            raise RuntimeError(finished.errors.strip() or f"exit code {finished.code}")
        return finished, json.loads(finished.output.strip().splitlines()[-1])


def write_page(store: Store, args: argparse.Namespace, facts: dict, rounds: str) -> Path:
    path = RESULTS / "quick.md" if args.quick else PAGE
    path.write_text(table.page(store, {**facts, "rounds": rounds}))
    return path


def main() -> int:
    args = arguments()
    if not PROGRAM.exists():
        print(f"{PROGRAM} is not there: cargo build --release --bin bakeoff", file=sys.stderr)
        return 1
    rounds = 1 if args.quick else args.rounds
    groups = [g for g in jobs.groups(args.threads) if not args.only or g.name in args.only]
    store = Store(RESULTS / ("quick.jsonl" if args.quick else "results.jsonl"))
    if not (args.resume or args.render):
        # What is measured anew replaces what was measured before.
        store.forget({start.name() for group in groups for start in group.starts})
    facts = {
        "machine": machine.processor(),
        "memory_gib": machine.memory_gib(),
        "versions": machine.versions(PROGRAM),
        "threads": args.threads,
        "load": 0.0 if args.render else machine.settle(QUIET_LOAD),
        "date": datetime.date.today().isoformat(),
    }
    # How the machine was when the stored figures were measured.
    kept = store.path.with_suffix(".facts.json")
    if args.render:
        if kept.exists():
            facts = json.loads(kept.read_text())
        most = max((row["round"] for row in store.rows), default=0)
        print(write_page(store, args, facts, str(most)))
        return 0
    if facts["load"] > QUIET_LOAD:
        facts["note"] = (
            f"The load was above {QUIET_LOAD} when it began, from other work or from building "
            "the program just before: trust a figure as far as its range is narrow"
        )
        print(f"the load is {facts['load']:.2f}: other work will spoil the times", file=sys.stderr)
    kept.write_text(json.dumps(facts))
    peers = Peers(args.threads, QUICK_LIMIT if args.quick else None)
    begun = time.monotonic()
    failures = 0
    for number in range(1, rounds + 1):
        for group in groups:
            turn = (number - 1) % len(group.starts)
            for start in group.starts[turn:] + group.starts[:turn]:
                name = start.name()
                if number > (start.rounds or rounds) or store.done(number, name):
                    continue
                row = {"round": number, "start": name, "who": start.who}
                row["threads"] = start.threads or args.threads
                try:
                    results = peers.measure(start)
                except Exception as error:  # A contestant that fails is a row.
                    failures += 1
                    results = {job: {"error": str(error)} for job in start.jobs}
                for job, values in results.items():
                    store.add({**row, "job": job, **values})
                    shown = values.get("error") or table.duration(values["seconds"])
                    minutes = (time.monotonic() - begun) / 60
                    print(
                        f"[{number}/{rounds} {minutes:4.1f} min] {start.who:34} {job:17} "
                        f"{shown.strip().splitlines()[-1]}",
                        flush=True,
                    )
        state = str(number) if number == rounds else f"{number} of {rounds} so far"
        written = write_page(store, args, facts, state)
    print(f"written: {written}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
