"""LightGBM with its default settings."""

import lightgbm

from contestants import boosting, common
from harness.boosting import ROUNDS


def model(rounds, threads):
    return lightgbm.LGBMClassifier(n_estimators=rounds, n_jobs=threads, verbosity=-1)


if __name__ == "__main__":
    common.main({"boosting-fit": lambda args: boosting.fit(model, ROUNDS["light_gbm"], args)})
