"""What the Python contestants share: arguments, clocks, one line of JSON as the answer."""

import argparse
import json
import statistics
import time
from collections.abc import Callable

# As the program measures latency: so many untimed calls, then so many timed ones.
WARM_UP_CALLS = 50
TIMED_CALLS = 1000
LATENCY_BUDGET_SECONDS = 2.0


def main(jobs: dict[str, Callable[[argparse.Namespace], dict]]) -> None:
    """Runs the job that the command line names and prints what it measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", choices=sorted(jobs))
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--limit", type=int, help="train on so many pictures")
    parser.add_argument("--out", help="a folder for files that the job leaves")
    args = parser.parse_args()
    print(json.dumps(jobs[args.job](args)))


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds that `work` took, and what it gave."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def median_of_repeats(work: Callable[[], object]) -> tuple[float, object]:
    """As the program times a batch: the median of up to five repeats within a second."""
    times = []
    begun = time.perf_counter()
    while len(times) < 5 and (not times or time.perf_counter() - begun < 1.0):
        seconds, result = timed(work)
        times.append(seconds)
    return statistics.median(times), result


def latency_p50(call: Callable[[int], object], pictures: int) -> float:
    """Median seconds of `call(index)`, going round the pictures; warm-up apart."""
    begun = time.perf_counter()
    for index in range(WARM_UP_CALLS):
        call(index % pictures)
        if time.perf_counter() - begun > LATENCY_BUDGET_SECONDS / 4:
            break
    times = []
    begun = time.perf_counter()
    for index in range(TIMED_CALLS):
        seconds, _ = timed(lambda: call(index % pictures))
        times.append(seconds)
        if len(times) >= 20 and time.perf_counter() - begun > LATENCY_BUDGET_SECONDS:
            break
    return statistics.median(times)
