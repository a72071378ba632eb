"""What the tests of all schedulers need: data, runs, and whether two runs gave the same answers."""

import gzip
import json
import os
import random
import struct
import subprocess
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = str(TARGET / "release/bakeoff")

# 30 trials; a network's takes some seconds, so that faults hit it at work.
EXPERIMENT = """
name = "{name}"
datasets = ["{data}"]
seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
[[models]]
family = "ann"
hidden = [128]
epochs = {epochs}
batch_size = 4
[[models]]
family = "logistic"
[[models]]
family = "dummy"
strategy = "stratified"
"""


def bakeoff(*words, **options):
    """Runs the program to its end; an exit code that is not expected is an error."""
    expected = options.pop("expect", (0,))
    words = [PROGRAM, *map(str, words)]
    done = subprocess.run(words, text=True, capture_output=True, check=False, **options)
    if done.returncode not in expected:
        raise AssertionError(f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def mnist(part):
    """Images N×1×28×28 and labels of MNIST, `train` or `t10k`."""
    folder = ROOT / "crates/data/mnist"
    images, labels = (gzip.decompress((folder / f"{part}-{name}-ubyte.gz").read_bytes())
                      for name in ("images-idx3", "labels-idx1"))
    return np.frombuffer(images, np.uint8, offset=16).reshape(-1, 1, 28, 28), np.frombuffer(labels, np.uint8, offset=8)


def write_data(folder, train=400, test=200, seed=7):
    """Images of 12x10 in four classes, as IDX: a grey patch on noise, its place says the class."""
    noise = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", train), ("t10k", test)):
        labels = bytes(place % 4 for place in range(count))
        pixels = bytearray()
        for label in labels:
            image = bytearray(noise.randrange(120) for _ in range(120))
            for place in range(6):
                image[30 * label + 3 * place + noise.randrange(8)] = 130 + noise.randrange(120)
            pixels += image
        images = struct.pack(">4B3I", 0, 0, 8, 3, count, 12, 10) + bytes(pixels)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, count) + labels)


def plan(folder, text, name):
    """Plans an experiment and returns the run's folder."""
    path = folder / f"{name}.toml"
    path.write_text(text)
    out = bakeoff("plan", path, "--out", folder / "runs", "--json")
    return Path(json.loads(out)["run"])


def local(folder, text, name):
    """The same experiment, run here as `bakeoff run` does."""
    path = folder / f"{name}.toml"
    path.write_text(text)
    bakeoff("run", path, "-q", "--threads", "1", "--out", folder / "local", "--models-dir", folder / "local-models")
    return next(path for path in (folder / "local").iterdir() if path.is_dir())


def status(run, expect=(0, 1, 75)):
    """What `bakeoff status` counts."""
    return json.loads(bakeoff("status", run, "--json", expect=expect))


def records(run):
    """Every record by its id."""
    found = [json.loads(path.read_text()) for path in (run / "records").glob("*.json")]
    return {record["id"]: record for record in found}


def planned(run):
    """The lines of the plan."""
    return [json.loads(line) for line in (run / "plan.jsonl").read_text().splitlines()]


def check_once(run):
    """Every trial is done, has one record, and nothing half-written is left."""
    counts = status(run, expect=(0,))
    ids = {trial["id"] for trial in planned(run)}
    assert counts["done"] == len(ids), counts["done"]
    assert set(records(run)) == ids
    named = {record["probabilities"]["file"] for record in records(run).values()}
    there = {path.name for path in (run / "records").glob("*.safetensors")}
    assert named == there, f"probabilities that no record names: {there - named}"


# What a leaderboard says of a machine and an hour, and not of models.
COSTS = ("fit", "load_", "model_load_", "predict_", "latency_", "throughput_", "memory_", "peak_")


def check_same(run, other):
    """Both runs gave the same probabilities, bit for bit, and so the same report, costs aside."""
    for trial in planned(run):
        pair = [records_of[trial["id"]]["probabilities"]["file"] for records_of in (records(run), records(other))]
        first, second = ((folder / "records" / name).read_bytes() for folder, name in zip((run, other), pair))
        assert first == second, f"other probabilities: {trial['id']}"
    boards = []
    for folder in (run, other):
        bakeoff("report", folder, "--no-try-it")
        rows = json.loads((folder / "leaderboard.json").read_text())
        boards.append([{key: row[key] for key in row if not key.startswith(COSTS)} for row in rows])
    assert boards[0] == boards[1], "other leaderboards"


def attempts(run):
    """How many records each machine left."""
    counts = {}
    for record in records(run).values():
        machine = record["attempt"]["machine"]
        counts[machine] = counts.get(machine, 0) + 1
    return counts


def wait_for(what, condition, seconds=180):
    """Looks until it holds; a test that waits for ever tells nothing."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.5)


def done(run):
    """How many records there are."""
    return len(list((run / "records").glob("*.json")))
