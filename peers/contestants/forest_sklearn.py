"""Forests of scikit-learn with their default settings."""

from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from contestants import common
from harness.mnist import Mnist


def _fit(kind):
    def job(args):
        data = Mnist(args.limit)
        train, test = data.rows(divide_by=1.0)
        model = kind(n_estimators=100, n_jobs=args.threads, random_state=1)
        seconds, _ = common.timed(lambda: model.fit(train, data.train_labels))
        return {"seconds": seconds, "accuracy": float(model.score(test, data.test_labels))}

    return job


if __name__ == "__main__":
    common.main(
        {"forest-fit": _fit(RandomForestClassifier), "extra-fit": _fit(ExtraTreesClassifier)}
    )
