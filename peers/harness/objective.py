"""The objective of logistic regression, computed apart from every contestant."""

import numpy as np


def logistic_objective(weights, biases, pictures, labels, c: float = 1.0) -> float:
    """Mean cross-entropy plus ½‖W‖² / (c·n), in double precision.

    `weights` is K×P, `biases` K, `pictures` N×P, `labels` N.
    """
    weights = np.asarray(weights, np.float64)
    biases = np.asarray(biases, np.float64)
    loss = 0.0
    for start in range(0, len(pictures), 10_000):
        part = np.asarray(pictures[start : start + 10_000], np.float64)
        scores = part @ weights.T + biases
        scores -= scores.max(axis=1, keepdims=True)
        right = scores[np.arange(len(part)), labels[start : start + 10_000]]
        loss += (np.log(np.exp(scores).sum(axis=1)) - right).sum()
    return float(loss / len(pictures) + 0.5 * (weights**2).sum() / (c * len(pictures)))
