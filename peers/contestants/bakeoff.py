"""Our side: always the program itself, and what its records say.

No bench binary of its own could flatter us: every figure is a cost that `bakeoff run`
writes into its records, or the time of a whole process.
"""

import json
import struct
import tempfile
from pathlib import Path

import numpy as np

from harness import process
from harness.mnist import Mnist
from harness.objective import logistic_objective

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target" / "release" / "bakeoff"
LIMIT_SECONDS = 900

# All of the training data, as the peers have it: nothing is held out.
HEAD = 'name = "peers"\nvalidation_fraction = 0\n'
KNN = '[[models]]\nfamily = "knn"\nk = 3\n'
LOGISTIC = '[[models]]\nfamily = "logistic"\nc = 1.0\n'


def _network(family: str, epochs: int) -> str:
    name = f"{family}-{epochs}"
    return f'[[models]]\nname = "{name}"\nfamily = "{family}"\nepochs = {epochs}\n'


class Run:
    """One `bakeoff run`, in a folder that goes with it."""

    def __init__(self, models: str, threads: int, limit: int | None):
        self._folder = tempfile.TemporaryDirectory(prefix="bakeoff-peers-")
        self.folder = Path(self._folder.name)
        head = HEAD + (f"limit_train = {limit}\n" if limit else "")
        (self.folder / "peers.toml").write_text(head + models)
        command = [PROGRAM, "run", "peers.toml", "--threads", threads, "--quiet"]
        finished = process.run(command, threads, self.folder, LIMIT_SECONDS)
        if finished.code != 0:
            raise RuntimeError(f"bakeoff run: {finished.errors.strip()[-500:]}")
        self.records = {}
        for path in self.folder.glob("reports/*/records/*.json"):
            record = json.loads(path.read_text())
            self.records[record["trial"]["model"]] = record

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def weights(self, model: str) -> dict[str, np.ndarray]:
        """A saved model's f32 tensors (safetensors: a length, a JSON header, the numbers)."""
        (path,) = self.folder.glob(f"models/*/{model}/weights-*.safetensors")
        raw = path.read_bytes()
        (length,) = struct.unpack("<Q", raw[:8])
        tensors = {}
        for name, entry in json.loads(raw[8 : 8 + length]).items():
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(raw[start:end], "<f4").reshape(entry["shape"])
        return tensors


def _costs(record: dict) -> dict:
    return record["costs"]


def knn(threads, limit):
    """Batch and single query, from one run."""
    with Run(KNN, threads, limit) as run:
        record = run.records["knn"]
        accuracy = record["scores"]["accuracy"]
        return {
            "knn-batch": {"seconds": _costs(record)["predict_ns"] / 1e9, "accuracy": accuracy},
            "knn-single": {"seconds": _costs(record)["latency"]["p50_ns"] / 1e9},
        }


def logistic(threads, limit):
    """The fit with its objective, and a single answer."""
    with Run(LOGISTIC, threads, limit) as run:
        record = run.records["logistic"]
        weights = run.weights("logistic")
        data = Mnist(None)
        pictures, _ = data.rows()
        fit = {
            "seconds": _costs(record)["fit_ns"] / 1e9,
            "accuracy": record["scores"]["accuracy"],
            "iterations": record["fit"]["steps"],
        }
        if not limit:
            fit["objective"] = logistic_objective(
                weights["weights"], weights["bias"], pictures, data.train_labels
            )
        single = {"seconds": _costs(record)["latency"]["p50_ns"] / 1e9}
        return {"logistic-fit": fit, "logistic-single": single}


def network(family: str, epochs: int):
    """An epoch is what a longer fit takes beyond a fit of one epoch, per epoch."""

    def job(threads, limit):
        with Run(_network(family, 1) + _network(family, 1 + epochs), threads, limit) as run:
            short, long = run.records[f"{family}-1"], run.records[f"{family}-{1 + epochs}"]
            more = _costs(long)["fit_ns"] - _costs(short)["fit_ns"]
            results = {
                f"{family}-epoch": {
                    "seconds": more / epochs / 1e9,
                    "accuracy": long["scores"]["accuracy"],
                    "epochs": 1 + epochs,
                },
                f"{family}-single": {"seconds": _costs(long)["latency"]["p50_ns"] / 1e9},
            }
            if family == "cnn":
                results["cnn-predict"] = {"seconds": _costs(long)["predict_ns"] / 1e9}
            return results

    return job


def scaling(threads, limit):
    """Every fit at a number of threads; knn, which fits nothing, answers the test part."""
    models = KNN + LOGISTIC + _network("ann", 5) + _network("cnn", 2)
    with Run(models, threads, limit) as run:
        records = run.records
        return {
            "scaling-knn": {"seconds": _costs(records["knn"])["predict_ns"] / 1e9},
            "scaling-logistic": {"seconds": _costs(records["logistic"])["fit_ns"] / 1e9},
            "scaling-ann": {"seconds": _costs(records["ann-5"])["fit_ns"] / 1e9},
            "scaling-cnn": {"seconds": _costs(records["cnn-2"])["fit_ns"] / 1e9},
        }


def experiment(threads, limit):
    """The whole default experiment, report included, as a person types it."""
    with tempfile.TemporaryDirectory(prefix="bakeoff-peers-") as folder:
        command = [PROGRAM, "run", "--threads", threads, "--quiet"]
        command += ["--limit-train", limit] if limit else []
        finished = process.run(command, threads, Path(folder), LIMIT_SECONDS)
        if finished.code != 0:
            raise RuntimeError(f"bakeoff run: {finished.errors.strip()[-500:]}")
        accuracies = {}
        for path in Path(folder).glob("reports/*/records/*.json"):
            record = json.loads(path.read_text())
            accuracies[record["trial"]["model"]] = record["scores"]["accuracy"]
        return {
            "experiment": {
                "seconds": finished.seconds,
                "accuracies": accuracies,
                "peak_bytes": finished.peak_bytes,
            }
        }


class Predict:
    """`bakeoff predict --model cnn x.png` as a process; the model is trained once."""

    REPEATS = 15

    def __init__(self):
        self._folder = None

    def __call__(self, threads, limit):
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="bakeoff-peers-")
            folder = Path(self._folder.name)
            command = [PROGRAM, "run", "quick", "--epochs", 1, "--quiet"]
            finished = process.run(command, threads, folder, LIMIT_SECONDS)
            if finished.code != 0:
                raise RuntimeError(f"bakeoff run: {finished.errors.strip()[-500:]}")
            (cnn,) = folder.glob("models/*/cnn")
            self._name = f"{cnn.parent.name}/cnn"
            write_png(Mnist(1).test_pictures[0], folder / "x.png")
        folder = Path(self._folder.name)
        command = [PROGRAM, "predict", "--model", self._name, "x.png"]
        times = []
        for _ in range(1 + self.REPEATS):
            finished = process.run(command, threads, folder, LIMIT_SECONDS)
            if finished.code != 0:
                raise RuntimeError(f"bakeoff predict: {finished.errors.strip()[-500:]}")
            times.append(finished.seconds)
        return {"predict-process": {"seconds": float(np.median(times[1:]))}}


def write_png(picture: np.ndarray, path: Path) -> None:
    """A grey picture, enlarged as people's pictures are."""
    from PIL import Image

    Image.fromarray(picture).resize((280, 280), Image.Resampling.BICUBIC).save(path)
