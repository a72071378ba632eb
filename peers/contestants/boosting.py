"""What the boosted trees of other libraries share."""

from collections.abc import Callable

import numpy as np

from contestants import common
from harness.mnist import Mnist


def fit(make: Callable, rounds: int, args) -> dict:
    """Fits bytes, which all of them put into bins fastest; `make` takes rounds and threads."""
    data = Mnist(args.limit)
    train, test = (rows.astype(np.uint8) for rows in data.rows(divide_by=1.0))
    make(2, args.threads).fit(train[:2000], data.train_labels[:2000])
    model = make(rounds, args.threads)
    seconds, _ = common.timed(lambda: model.fit(train, data.train_labels))
    answers = model.predict_proba(test)
    own = answers[np.arange(len(test)), data.test_labels]
    return {
        "seconds": seconds,
        "accuracy": float((answers.argmax(axis=1) == data.test_labels).mean()),
        "log_loss": float(-np.log(np.maximum(own, 1e-15)).mean()),
        "iterations": rounds,
    }
