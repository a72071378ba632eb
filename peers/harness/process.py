"""Starting a contestant: pinned to its threads, watched for time and memory."""

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

# Everything that a numerical library may ask for the number of threads.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
# How often the memory of the process tree is looked at.
WATCH_SECONDS = 0.02


@dataclass
class Finished:
    """What a process left behind."""

    code: int
    output: str
    errors: str
    seconds: float
    peak_bytes: int
    timed_out: bool


def environment(threads: int) -> dict[str, str]:
    """The caller's, with every runtime told its number of threads."""
    return {
        **os.environ,
        **{name: str(threads) for name in THREAD_VARIABLES},
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "Agg",
    }


def run(command: list, threads: int, cwd: Path, limit_seconds: float) -> Finished:
    """Runs a command on the first `threads` processors and waits for it.

    The clock runs from before the process is made until it has ended: that is what a
    person at the shell waits for.
    """
    processors = sorted(os.sched_getaffinity(0))[:threads]
    begun = time.monotonic()
    child = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(threads),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, processors),
    )
    watch = _MemoryWatch(child.pid)
    timed_out = False
    try:
        output, errors = child.communicate(timeout=limit_seconds)
    except subprocess.TimeoutExpired:
        timed_out = True
        _stop(child)
        output, errors = child.communicate()
    except BaseException:
        _stop(child)
        raise
    seconds = time.monotonic() - begun
    return Finished(child.returncode, output, errors, seconds, watch.stop(), timed_out)


def _stop(child: subprocess.Popen) -> None:
    """Ends the child and whatever it started: all of them are one session."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class _MemoryWatch(threading.Thread):
    """The largest sum of resident sizes over a process and its descendants."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self._pid = pid
        self._peak = 0
        self._done = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._done.wait(WATCH_SECONDS):
            self._peak = max(self._peak, _tree_bytes(self._pid))

    def stop(self) -> int:
        self._done.set()
        self.join()
        return self._peak


def _tree_bytes(root: int) -> int:
    """Resident bytes of a process and its descendants, from /proc."""
    page = os.sysconf("SC_PAGE_SIZE")
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
            for task in os.listdir(f"/proc/{pid}/task"):
                children = Path(f"/proc/{pid}/task/{task}/children").read_text()
                waiting += [int(child) for child in children.split()]
        except (OSError, ValueError, IndexError):
            continue  # It ended while being looked at.
    return total
