"""scikit-learn: brute-force neighbours, lbfgs, and its own multi-layer perceptron."""

import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from contestants import common
from harness.mnist import Mnist
from harness.objective import logistic_objective

# lbfgs is stopped by the tolerance that is scikit-learn's default, not by this.
ITERATIONS = 1000


def _neighbours(args):
    data = Mnist(args.limit)
    train, test = data.rows(divide_by=1.0)
    model = KNeighborsClassifier(n_neighbors=3, algorithm="brute", n_jobs=args.threads)
    return data, model.fit(train, data.train_labels), test


def knn_batch(args):
    data, model, test = _neighbours(args)
    model.predict(test[:512])
    seconds, predicted = common.median_of_repeats(lambda: model.predict(test))
    return {"seconds": seconds, "accuracy": float((predicted == data.test_labels).mean())}


def knn_single(args):
    _, model, test = _neighbours(args)
    return {"seconds": common.latency_p50(lambda i: model.predict(test[i : i + 1]), len(test))}


def logistic_fit(args):
    data = Mnist(args.limit)
    train, test = data.rows()
    LogisticRegression(max_iter=2).fit(train[:500], data.train_labels[:500])
    model = LogisticRegression(C=1.0, max_iter=ITERATIONS)
    seconds, _ = common.timed(lambda: model.fit(train, data.train_labels))
    return {
        "seconds": seconds,
        "objective": logistic_objective(model.coef_, model.intercept_, train, data.train_labels),
        "accuracy": float(model.score(test, data.test_labels)),
        "iterations": int(model.n_iter_.max()),
    }


def logistic_single(args):
    # The weights do not change the time of an answer, so a few steps are fit enough.
    data = Mnist(2000)
    train, test = data.rows()
    model = LogisticRegression(max_iter=5).fit(train, data.train_labels)
    return {"seconds": common.latency_p50(lambda i: model.predict_proba(test[i : i + 1]), len(test))}


def ann_epoch(args):
    data = Mnist(args.limit)
    train, test = data.rows()
    model = MLPClassifier((128,), batch_size=128, alpha=0.0, random_state=1)
    classes = np.arange(10)
    # One call of partial_fit is one epoch; the first is the warm-up.
    model.partial_fit(train, data.train_labels, classes=classes)
    times = [
        common.timed(lambda: model.partial_fit(train, data.train_labels))[0] for _ in range(5)
    ]
    return {
        "seconds": float(np.mean(times)),
        "accuracy": float(model.score(test, data.test_labels)),
        "epochs": 6,
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    common.main(
        {
            "knn-batch": knn_batch,
            "knn-single": knn_single,
            "logistic-fit": logistic_fit,
            "logistic-single": logistic_single,
            "ann-epoch": ann_epoch,
        }
    )
