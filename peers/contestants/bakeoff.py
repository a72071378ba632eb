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
from harness.boosting import ROUNDS
from harness.deep import DEEP, PICTURES
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

    def __init__(self, models: str, threads: int, limit: int | None, data: Mnist | None = None):
        self._folder = tempfile.TemporaryDirectory(prefix="bakeoff-peers-")
        self.folder = Path(self._folder.name)
        head = HEAD + (f"limit_train = {limit}\n" if limit else "")
        if data is not None:
            np.savez(
                self.folder / "data.npz",
                x_train=data.train_pictures,
                y_train=data.train_labels,
                x_test=data.test_pictures,
                y_test=data.test_labels,
            )
            head += 'datasets = ["data.npz"]\n'
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
            long = run.records[f"{family}-{1 + epochs}"]
            results = {
                f"{family}-epoch": {
                    "seconds": _per_epoch(run, family, epochs),
                    "accuracy": long["scores"]["accuracy"],
                    "epochs": 1 + epochs,
                },
                f"{family}-single": {"seconds": _costs(long)["latency"]["p50_ns"] / 1e9},
            }
            if family == "cnn":
                results["cnn-predict"] = {"seconds": _costs(long)["predict_ns"] / 1e9}
            return results

    return job


def _per_epoch(run: Run, name: str, epochs: int) -> float:
    """Seconds that a fit of so many more epochs than one takes beyond that of one, per epoch."""
    short, long = (_costs(run.records[f"{name}-{n}"])["fit_ns"] for n in (1, 1 + epochs))
    return (long - short) / epochs / 1e9


def deep(job: str):
    """An epoch of a network of harness/deep.py."""

    def measure(threads, limit):
        network = DEEP[job]
        text = ""
        for epochs in (1, 3):
            text += f'[[models]]\nname = "deep-{epochs}"\nfamily = "cnn"\nepochs = {epochs}\n'
            text += f'padding = "same"\nbatch_norm = true\nlayers = {json.dumps(network.layers)}\n'
            text += 'norm_place = "after-pool"\n' if network.after_pool else ""
        with Run(text, threads, None, network.data(limit)) as run:
            accuracy = run.records["deep-3"]["scores"]["accuracy"]
            seconds = _per_epoch(run, "deep", 2)
            return {job: {"seconds": seconds, "accuracy": accuracy, "epochs": 3}}

    return measure


def trees(threads, limit):
    """Forests, and boosted trees until their log loss is no higher than LightGBM's."""
    models = '[[models]]\nfamily = "random-forest"\n[[models]]\nfamily = "extra-trees"\n'
    models += f'[[models]]\nfamily = "boosted-trees"\nrounds = {ROUNDS["bakeoff"]}\n'
    with Run(models, threads, limit) as run:
        forest, extra, boosted = (
            {
                "seconds": _costs(run.records[name])["fit_ns"] / 1e9,
                "accuracy": run.records[name]["scores"]["accuracy"],
            }
            for name in ("random-forest", "extra-trees", "boosted-trees")
        )
        boosted["log_loss"] = run.records["boosted-trees"]["scores"]["log_loss"]
        boosted["iterations"] = ROUNDS["bakeoff"]
        return {"forest-fit": forest, "extra-fit": extra, "boosting-fit": boosted}


def svm(threads, limit):
    """The same kernel and cost as scikit-learn's; ours fits probabilities too."""
    with Run('[[models]]\nfamily = "svm"\nc = 10.0\ngamma = 0.02\n', threads, limit) as run:
        record = run.records["svm"]
        accuracy = record["scores"]["accuracy"]
        return {"svm-fit": {"seconds": _costs(record)["fit_ns"] / 1e9, "accuracy": accuracy}}


_AFFINE = "shift = 2\nrotate = 12\nscale = 0.1\nshear = 0.1\n"
_SETTINGS = {
    "setting-none": "",
    "setting-norm": "batch_norm = true\n",
    "setting-norm-after": 'batch_norm = true\nnorm_place = "after-pool"\n',
    "setting-affine": _AFFINE,
    "setting-elastic": _AFFINE + "elastic = 1\n",
}


def settings(threads, limit):
    """An epoch of the default network with each of these settings."""
    models = [
        f'[[models]]\nname = "{key}-{epochs}"\nfamily = "cnn"\nepochs = {epochs}\n{text}'
        for epochs in (1, 4)
        for key, text in _SETTINGS.items()
    ]
    with Run("".join(models), threads, limit or PICTURES) as run:
        return {key: {"seconds": _per_epoch(run, key, 3)} for key in _SETTINGS}


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
