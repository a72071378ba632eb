"""Searches for the best classifier of a dataset: bakeoff's `run auto` and AutoGluon, one after the other.

    make bench-auto                                  MNIST, ten minutes each
    make bench-auto ARGS="--budget 60 --data DIR"    idx files of another dataset

Both get the same training images, the same test images, the same time and the same processors, and nothing else runs
meanwhile. AutoGluon's tables get a column for each pixel: its image models need a GPU to fine-tune a network within
minutes. What they reach is printed as JSON.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "crates" / "data" / "mnist", help="a folder with idx files")
    parser.add_argument("--budget", type=int, default=600, help="seconds")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--only", choices=("bakeoff", "autogluon"))
    return parser.parse_args()


def read(folder: Path) -> list[np.ndarray]:
    """Images, one row each, and labels of both parts."""

    def array(name: str) -> np.ndarray:
        plain = folder / name
        data = plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
        sizes = [int.from_bytes(data[4 + 4 * at : 8 + 4 * at], "big") for at in range(data[3])]
        values = np.frombuffer(data, np.uint8, offset=4 + 4 * len(sizes))
        return values.reshape(sizes[0], -1) if len(sizes) > 1 else values

    return [array(name) for name in FILES]


def autogluon(folder: Path, budget: int, threads: int) -> dict:
    """AutoGluon's default presets, with ensembles of what it trained."""
    import pandas as pd
    from autogluon.tabular import TabularPredictor

    images, labels, test_images, test_labels = read(folder)

    def table(rows: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=[f"p{at}" for at in range(rows.shape[1])])

    train = table(images).assign(label=labels)
    with tempfile.TemporaryDirectory() as out:
        begun = time.monotonic()
        predictor = TabularPredictor(label="label", path=out, verbosity=1, eval_metric="accuracy")
        predictor.fit(train, time_limit=budget, num_cpus=threads)
        searched = time.monotonic() - begun
        begun = time.monotonic()
        predicted = predictor.predict(table(test_images))
        answered = time.monotonic() - begun
        return {
            "accuracy": float((predicted.to_numpy() == test_labels).mean()),
            "seconds": searched,
            "answer_seconds": answered,
            "chosen": predictor.model_best,
            "models": len(predictor.model_names()),
        }


def bakeoff(folder: Path, budget: int, threads: int) -> dict:
    """`bakeoff run auto`: its ensemble where it made one, else its first choice."""
    program = ROOT / "target" / "release" / "bakeoff"
    with tempfile.TemporaryDirectory() as out:
        command = [program, "run", "auto", "--budget", f"{budget}s", "--dataset", folder, "--threads", threads]
        begun = time.monotonic()
        subprocess.run([*map(str, command)], cwd=out, check=True, stdout=subprocess.DEVNULL)
        searched = time.monotonic() - begun
        run = next(path.parent for path in Path(out).glob("reports/*/run.json"))
        search = json.loads((run / "run.json").read_text())["search"]
        ensemble = (search.get("ensemble") or {}).get("model")
        best = search["chosen"][0]
        chosen = ensemble or best["tuned"] or best["default"]
        measured = {}
        for path in run.glob("records/*.json"):
            record = json.loads(path.read_text())
            if record["status"] == "ok":
                measured[record["trial"]["model"]] = record
        own = measured[chosen]
        return {
            "accuracy": own["scores"]["accuracy"],
            "seconds": searched,
            "answer_seconds": own["costs"]["predict_ns"] / 1e9,
            "chosen": chosen,
            "models": len({tried["model"] for tried in search["tried"]}),
            "all": {name: one["scores"]["accuracy"] for name, one in measured.items()},
        }


def main() -> None:
    asked = arguments()
    os.environ |= {"OMP_NUM_THREADS": str(asked.threads), "OPENBLAS_NUM_THREADS": str(asked.threads)}
    found = {}
    for name, search in (("bakeoff", bakeoff), ("autogluon", autogluon)):
        if asked.only in (None, name):
            found[name] = search(asked.data.resolve(), asked.budget, asked.threads)
            print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
