"""XGBoost with its default settings, on histograms."""

import xgboost

from contestants import boosting, common
from harness.boosting import ROUNDS


def model(rounds, threads):
    return xgboost.XGBClassifier(n_estimators=rounds, n_jobs=threads, tree_method="hist")


if __name__ == "__main__":
    common.main({"boosting-fit": lambda args: boosting.fit(model, ROUNDS["xg_boost"], args)})
