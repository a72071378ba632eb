"""Any classifier of scikit-learn as a model of bakeoff (docs/command.md).

    [[models]]
    name = "forest"
    family = "command"
    command = ["python3", "integrations/python/sklearn_model.py", "RandomForestClassifier(n_estimators=200)"]
    settings = { max_depth = 20 }      # optional: set_params of the estimator

The expression knows every classifier and transformer of scikit-learn by name, make_pipeline and np. The estimator
must have predict_proba (wrap one that has none in CalibratedClassifierCV). Pixels are scaled to 0..1. The seed
and the number of threads are bakeoff's wherever the expression leaves random_state and n_jobs out.
"""

import json
import os
import sys
from pathlib import Path

import joblib
import numpy as np


def estimator_of(expression, settings, seed, threads):
    """The estimator that an expression describes."""
    from sklearn.pipeline import make_pipeline
    from sklearn.utils import all_estimators

    names = dict(all_estimators()) | {"make_pipeline": make_pipeline, "np": np}
    estimator = eval(expression, names)  # the person's own experiment
    if not hasattr(estimator, "predict_proba"):
        sys.exit(f"{expression} has no predict_proba; wrap it in CalibratedClassifierCV(...)")
    estimator.set_params(**settings)
    own = {"random_state": seed, "n_jobs": threads}
    for key, value in estimator.get_params().items():
        if key.rpartition("__")[2] in own and value is None:
            estimator.set_params(**{key: own[key.rpartition("__")[2]]})
    return estimator


def pixels(path):
    """N×C×H×W bytes as N rows of numbers from 0 to 1."""
    images = np.load(path)
    return images.reshape(len(images), -1).astype(np.float32) / 255


def fit(folder, task):
    """Trains and leaves the estimator."""
    threads = int(os.environ["BAKEOFF_THREADS"])
    estimator = estimator_of(sys.argv[1], task["settings"], task["seed"] % 2**32, threads)
    estimator.fit(pixels(folder / "train-images.npy"), np.load(folder / "train-labels.npy"))
    # Threads add up probabilities in the order in which they finish: one of them has one order.
    jobs = [key for key in estimator.get_params() if key.rpartition("__")[2] == "n_jobs"]
    estimator.set_params(**dict.fromkeys(jobs, 1))
    joblib.dump(estimator, folder / "model/estimator.joblib", compress=1)


def predict(folder, task):
    """Answers requests until there are no more."""
    estimator = joblib.load(folder / "model/estimator.joblib")
    for _ in sys.stdin:
        found = estimator.predict_proba(pixels(folder / "images.npy"))
        # A class without training images has no column.
        answers = np.zeros((len(found), task["classes"]))
        answers[:, estimator.classes_.astype(int)] = found
        np.save(folder / "answers.npy", answers)
        print("done", flush=True)


if __name__ == "__main__":
    verb, folder = sys.argv[-2], Path(sys.argv[-1])
    {"fit": fit, "predict": predict}[verb](folder, json.loads((folder / "task.json").read_text()))
