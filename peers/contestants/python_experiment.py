"""The default experiment as a Python user writes it: scikit-learn, Keras, matplotlib.

Four models on all of MNIST with the settings of `experiments/default.toml`: 10 % held
out for the networks, the weights of the epoch with the lowest validation loss kept, test
metrics, confusion matrices, ROC curves and learning curves saved as SVG, and a table.
It does less than the program: no intervals, no timing of answers, no saved models.
"""

import json
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    RocCurveDisplay,
    accuracy_score,
    log_loss,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import label_binarize

from contestants import common, keras_models
from harness.mnist import Mnist

BATCH = 128
CLASSES = np.arange(10)


class BestEpoch(keras_models.keras.callbacks.Callback):
    """Keeps the weights of the epoch with the lowest validation loss."""

    def __init__(self):
        super().__init__()
        self.best, self.weights = float("inf"), None

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.best:
            self.best, self.weights = logs["val_loss"], self.model.get_weights()

    def on_train_end(self, logs=None):
        self.model.set_weights(self.weights)


def one_cycle(steps: int, highest: float):
    """PyTorch's one-cycle schedule, as a Keras schedule."""
    tf = keras_models.tf

    class OneCycle(keras_models.keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            start, peak = highest / 25, 0.3 * steps - 1
            step = tf.cast(step, tf.float32)

            def half_cosine(a, b, share):
                return b + (a - b) * 0.5 * (1 + tf.cos(np.pi * share))

            up = half_cosine(start, highest, step / peak)
            down = half_cosine(highest, start / 1e4, (step - peak) / (steps - 1 - peak))
            return tf.where(step < peak, up, down)

        def get_config(self):
            return {}

    return OneCycle()


def network(kind: str, data: Mnist, epochs: int):
    """Test probabilities and learning curves of a Keras network."""
    pictures = keras_models.pictures_of(kind, data.train_pictures)
    train, held_out, labels, held_out_labels = train_test_split(
        pictures, data.train_labels, test_size=0.1, stratify=data.train_labels, random_state=1
    )
    steps = epochs * -(-len(train) // BATCH)
    model = keras_models.compiled(kind, one_cycle(steps, 0.005) if kind == "ann" else 1e-3)
    history = model.fit(
        train,
        labels,
        batch_size=BATCH,
        epochs=epochs,
        verbose=0,
        validation_data=(held_out, held_out_labels),
        callbacks=[BestEpoch()],
    )
    test = keras_models.pictures_of(kind, data.test_pictures)
    scores = model.predict(test, batch_size=500, verbose=0).astype(np.float64)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True), history.history


def pages(answers: dict, curves: dict, labels: np.ndarray, out: Path) -> dict:
    """Charts and the table, into `out`; the accuracies."""
    rows, accuracies = [], {}
    binary = label_binarize(labels, classes=CLASSES)
    for name, probabilities in answers.items():
        predicted = probabilities.argmax(axis=1)
        accuracies[name] = accuracy_score(labels, predicted)
        precision, recall, f1, _ = precision_recall_fscore_support(
            labels, predicted, average="macro", zero_division=0
        )
        rows.append(
            {
                "model": name,
                "accuracy": accuracies[name],
                "precision": precision,
                "recall": recall,
                "f1": f1,
                "auc": roc_auc_score(labels, probabilities, multi_class="ovr"),
                "log_loss": log_loss(labels, probabilities, labels=CLASSES),
            }
        )
        ConfusionMatrixDisplay.from_predictions(labels, predicted)
        plt.savefig(out / f"confusion-{name}.svg")
        plt.close("all")
        _, axes = plt.subplots()
        for digit in CLASSES:
            RocCurveDisplay.from_predictions(
                binary[:, digit], probabilities[:, digit], name=str(digit), ax=axes
            )
        plt.savefig(out / f"roc-{name}.svg")
        plt.close("all")
    for name, history in curves.items():
        _, axes = plt.subplots()
        axes.plot(history["loss"], label="training")
        axes.plot(history["val_loss"], label="validation")
        axes.legend()
        plt.savefig(out / f"curves-{name}.svg")
        plt.close("all")
    (out / "table.json").write_text(json.dumps(rows, indent=2))
    return accuracies


def experiment(args):
    seconds = {}

    def step(name, work):
        seconds[name], result = common.timed(work)
        return result

    keras_models.start(args.threads)
    data = Mnist(args.limit)
    train, test = data.rows()
    logistic = LogisticRegression(C=1.0, max_iter=1000)
    step("logistic", lambda: logistic.fit(train, data.train_labels))
    knn = KNeighborsClassifier(n_neighbors=3, algorithm="brute", n_jobs=args.threads)
    knn.fit(train, data.train_labels)
    answers = {
        "logistic": logistic.predict_proba(test).astype(np.float64),
        "knn": step("knn", lambda: knn.predict_proba(test)),
    }
    curves = {}
    for kind in ("ann", "cnn"):
        answers[kind], curves[kind] = step(kind, lambda: network(kind, data, 10))
    out = Path(args.out)
    accuracies = step("report", lambda: pages(answers, curves, data.test_labels, out))
    return {"accuracies": accuracies, "steps": seconds}


def predict_process(args):
    """Load a saved Keras model and answer one PNG, as a script does."""
    from PIL import Image

    folder = Path(args.out)
    model = keras_models.keras.models.load_model(folder / "cnn.keras", compile=False)
    picture = Image.open(folder / "x.png").convert("L").resize((28, 28), Image.Resampling.BOX)
    scores = model(np.asarray(picture, np.float32)[None, ..., None] / 255).numpy()[0]
    return {"class": int(scores.argmax())}


def save_model(args):
    """What `predict_process` loads."""
    keras_models.network("cnn").save(Path(args.out) / "cnn.keras")
    return {}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    common.main(
        {"experiment": experiment, "predict-process": predict_process, "save-model": save_model}
    )
