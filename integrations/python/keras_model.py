"""A Keras model as a model of bakeoff (docs/command.md).

    [[models]]
    name = "net"
    family = "command"
    command = ["python3", "integrations/python/keras_model.py", "net.py:make"]
    files = ["net.py"]
    settings = { epochs = 5, batch_size = 128 }

`make(height, width, channels, classes)` gives a model that is compiled with a loss of whole-number labels
(sparse_categorical_crossentropy); it takes N×H×W×C numbers from 0 to 1 and gives N×K probabilities. The backend is
that of KERAS_BACKEND.
"""

import json
import os
import runpy
import sys
from pathlib import Path

import keras
import numpy as np


def pixels(path):
    """N×H×W×C numbers from 0 to 1."""
    return np.load(path).transpose(0, 2, 3, 1).astype(np.float32) / 255


def fit(folder, task):
    """Trains and leaves the model."""
    settings = {"epochs": 5, "batch_size": 128}
    unknown = set(task["settings"]) - set(settings)
    if unknown:
        sys.exit(f"unknown settings {sorted(unknown)}; there are {sorted(settings)}")
    settings |= task["settings"]
    keras.utils.set_random_seed(task["seed"] % 2**32)
    file, _, name = sys.argv[1].rpartition(":")
    sys.path.insert(0, os.getcwd())
    make = runpy.run_path(file)[name]
    model = make(task["height"], task["width"], task["channels"], task["classes"])
    labels = np.load(folder / "train-labels.npy").astype(np.int64)
    model.fit(pixels(folder / "train-images.npy"), labels, verbose=0, **settings)
    model.save(folder / "model/model.keras")


def predict(folder, task):
    """Answers requests until there are no more."""
    model = keras.saving.load_model(folder / "model/model.keras")
    for _ in sys.stdin:
        images = pixels(folder / "images.npy")
        # To call it is faster than `predict` for one image.
        blocks = [model(images[at : at + 1000], training=False) for at in range(0, len(images), 1000)]
        answers = np.concatenate([keras.ops.convert_to_numpy(block) for block in blocks])
        np.save(folder / "answers.npy", answers)
        print("done", flush=True)


if __name__ == "__main__":
    verb, folder = sys.argv[-2], Path(sys.argv[-1])
    {"fit": fit, "predict": predict}[verb](folder, json.loads((folder / "task.json").read_text()))
