"""What is measured, by whom, and how good we mean to be."""

from collections.abc import Callable
from dataclasses import dataclass, field

from contestants import bakeoff
from harness.deep import DEEP

OURS = "bakeoff"


@dataclass(frozen=True)
class Job:
    """A row of the table."""

    key: str
    title: str
    # At most so many times the fastest peer.
    ratio_goal: float | None = None
    # At most so many seconds, whatever the peers take.
    seconds_goal: float | None = None


JOBS = [
    Job("knn-batch", "KNN, k=3, 10,000 images against 60,000, exact", ratio_goal=0.25),
    Job("knn-single", "KNN, one image, p50", ratio_goal=0.2),
    Job("logistic-fit", "Logistic regression, fit to the same objective", ratio_goal=0.25),
    Job("ann-epoch", "ANN 784-128-10, one epoch, batch 128", ratio_goal=0.6),
    Job("cnn-epoch", "CNN of the default experiment, one epoch, batch 128", ratio_goal=0.55),
    Job("five-epoch", "Five convolutions with batch norm, 12,800 images of 28×28", ratio_goal=0.4),
    Job("five-after-epoch", "The same, with batch norm after the pools", ratio_goal=0.4),
    Job("residual-epoch", "Residual network, 12,800 images of 3×32×32", ratio_goal=0.5),
    Job("forest-fit", "Random forest, 100 trees, fit", ratio_goal=0.2),
    Job("extra-fit", "Extremely randomised trees, 100 trees, fit", ratio_goal=0.2),
    Job("boosting-fit", "Boosted trees, fit to the log loss of LightGBM", ratio_goal=0.7),
    Job("svm-fit", "SVM, RBF kernel, C = 10, gamma = 0.02, fit", ratio_goal=0.7),
    Job("cnn-predict", "CNN, predicting 10,000 images", ratio_goal=0.5),
    Job("logistic-single", "Logistic regression, one image, p50", seconds_goal=10e-6),
    Job("ann-single", "ANN, one image, p50", seconds_goal=30e-6),
    Job("cnn-single", "CNN, one image, p50", seconds_goal=300e-6),
    Job("predict-process", "`bakeoff predict --model cnn x.png`, whole process", seconds_goal=0.05),
    Job(
        "experiment",
        "The whole default experiment, report included",
        ratio_goal=0.4,
        seconds_goal=45.0,
    ),
]

# Most memory that the default experiment may take, over the process and its children.
PEAK_BYTES_GOAL = 600e6
# What a second thread must bring to every fit.
SPEED_UP_GOAL = 1.7
SCALING = {
    "scaling-knn": "KNN, 10,000 images",
    "scaling-logistic": "Logistic regression, fit",
    "scaling-ann": "ANN, fit of 5 epochs",
    "scaling-cnn": "CNN, fit of 2 epochs",
}

# What a setting may cost: an epoch with it, against one of the network without.
SETTINGS = {
    "setting-none": ("CNN of the default experiment", None),
    "setting-norm": ("`batch_norm = true`, the common order", None),
    "setting-norm-after": ('`batch_norm = true`, `norm_place = "after-pool"`', 1.3),
    "setting-affine": ("`shift = 2`, `rotate = 12`, `scale = 0.1`, `shear = 0.1`", 1.1),
    "setting-elastic": ("the same and `elastic = 1`", None),
}


@dataclass(frozen=True)
class Start:
    """One process to start (for us: one use of the program), and the jobs it answers."""

    who: str
    jobs: tuple[str, ...]
    # Ours: called here. A peer's: the module that is started.
    ours: Callable | None = None
    module: str | None = None
    # Threads, where they are not those of the command line.
    threads: int | None = None
    # Where a job takes long and varies little.
    rounds: int | None = None

    def name(self) -> str:
        threads = f"@{self.threads}" if self.threads else ""
        return f"{self.who}{threads} {'+'.join(self.jobs)}"


@dataclass
class Group:
    """Starts that are compared with each other: run one right after the other."""

    name: str
    starts: list[Start] = field(default_factory=list)


def groups(threads: int) -> list[Group]:
    """All of it, in the order of a round."""

    def peers(module: str, who: str, *jobs: str, **more) -> list[Start]:
        return [Start(who, (job,), module=module, **more) for job in jobs]

    def ours(call: Callable, *jobs: str, **more) -> Start:
        return Start(OURS, jobs, ours=call, **more)

    faiss, sklearn = ("faiss_index", "FAISS IndexFlatL2"), ("sklearn_models", "scikit-learn")
    torch, keras = ("torch_models", "PyTorch"), ("keras_models", "Keras")
    trees = ("forest_sklearn", "scikit-learn")
    python = "python_experiment"
    return [
        Group(
            "knn",
            [
                ours(bakeoff.knn, "knn-batch", "knn-single"),
                *peers(*faiss, "knn-batch", "knn-single"),
                *peers(*sklearn, "knn-batch", "knn-single", rounds=2),
            ],
        ),
        Group(
            "logistic",
            [
                ours(bakeoff.logistic, "logistic-fit", "logistic-single"),
                *peers(*sklearn, "logistic-fit", "logistic-single", rounds=2),
            ],
        ),
        Group(
            "ann",
            [
                ours(bakeoff.network("ann", 8), "ann-epoch", "ann-single"),
                *peers(*torch, "ann-epoch", "ann-single"),
                *peers(*keras, "ann-epoch", "ann-single"),
                *peers(*sklearn, "ann-epoch"),
            ],
        ),
        Group(
            "cnn",
            [
                ours(bakeoff.network("cnn", 3), "cnn-epoch", "cnn-predict", "cnn-single"),
                *peers(*torch, "cnn-epoch", "cnn-predict", "cnn-single"),
                *peers(*keras, "cnn-epoch", "cnn-predict", "cnn-single"),
            ],
        ),
        Group(
            "deep",
            [
                start
                for job in DEEP
                for start in [
                    ours(bakeoff.deep(job), job),
                    *peers(*torch, job),
                    *peers(*keras, job),
                ]
            ],
        ),
        Group(
            "trees",
            [
                ours(bakeoff.trees, "forest-fit", "extra-fit", "boosting-fit"),
                *peers(*trees, "forest-fit", "extra-fit"),
                *peers("boosting_lightgbm", "LightGBM", "boosting-fit", rounds=1),
                *peers("boosting_xgboost", "XGBoost", "boosting-fit", rounds=1),
            ],
        ),
        Group(
            "svm",
            [ours(bakeoff.svm, "svm-fit"), *peers("svm_sklearn", "scikit-learn", "svm-fit", rounds=1)],
        ),
        Group(
            "settings",
            [ours(bakeoff.settings, *SETTINGS)],
        ),
        Group(
            "predict",
            [
                ours(bakeoff.Predict(), "predict-process"),
                *peers(python, "Keras", "predict-process"),
            ],
        ),
        Group(
            "scaling",
            [
                ours(bakeoff.scaling, *SCALING, threads=1),
                ours(bakeoff.scaling, *SCALING, threads=threads),
            ],
        ),
        Group(
            "experiment",
            [
                ours(bakeoff.experiment, "experiment"),
                *peers(python, "scikit-learn + Keras + matplotlib", "experiment", rounds=1),
            ],
        ),
    ]
