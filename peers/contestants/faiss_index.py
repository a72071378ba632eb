"""FAISS: the flat index, which compares every query with every row."""

import faiss
import numpy as np

from contestants import common
from harness.mnist import Mnist

NEIGHBOURS = 3


def _index(args):
    faiss.omp_set_num_threads(args.threads)
    data = Mnist(args.limit)
    train, test = data.rows(divide_by=1.0)
    index = faiss.IndexFlatL2(train.shape[1])
    index.add(train)
    return data, index, test


def _vote(labels: np.ndarray) -> np.ndarray:
    """The commonest label of each row; the lowest of equally common ones."""
    return np.array([np.bincount(row, minlength=10).argmax() for row in labels])


def batch(args):
    data, index, test = _index(args)
    index.search(test[:512], NEIGHBOURS)
    seconds, (_, neighbours) = common.median_of_repeats(lambda: index.search(test, NEIGHBOURS))
    predicted = _vote(data.train_labels[neighbours])
    return {"seconds": seconds, "accuracy": float((predicted == data.test_labels).mean())}


def single(args):
    _, index, test = _index(args)
    p50 = common.latency_p50(lambda i: index.search(test[i : i + 1], NEIGHBOURS), len(test))
    return {"seconds": p50}


if __name__ == "__main__":
    common.main({"knn-batch": batch, "knn-single": single})
