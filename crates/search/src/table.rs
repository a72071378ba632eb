//! The search space of each family: a row to add for a new one.
//!
//! Starts are the defaults, what the families' sources use, and recipes that validation data of MNIST and
//! Fashion-MNIST chose; ranges reach to both sides of them. A start that does not suit the images, such as
//! `deskew` for colour, is a trial that fails at once.

use super::space::{
    Dimension,
    Range::{Choice, Even, Log, Whole},
    Space,
};

const fn to(setting: &'static str, range: super::space::Range) -> Dimension {
    Dimension { setting, range }
}

const PLAIN: &str = "[]";
const HOG: &str = r#"["hog 4"]"#;
const UPRIGHT_HOG: &str = r#"["deskew", "hog 4"]"#;

/// Every family that can be searched, in the order in which they are tried.
pub static SPACES: &[Space] = &[
    Space {
        family: "logistic",
        starts: &[
            "{}",
            r#"{"features": ["hog 4"]}"#,
            r#"{"features": ["deskew", "hog 4"]}"#,
            r#"{"features": ["patches 256 6 3"], "c": 10.0}"#,
        ],
        dimensions: &[
            to("c", Log(1e-3, 1e3)),
            to(
                "features",
                Choice(&[
                    PLAIN,
                    HOG,
                    UPRIGHT_HOG,
                    r#"["patches 256 6 3"]"#,
                    r#"["patches 400 6 3"]"#,
                ]),
            ),
        ],
    },
    Space {
        family: "knn",
        starts: &[
            "{}",
            r#"{"features": ["hog 4"]}"#,
            r#"{"features": ["deskew", "hog 4"]}"#,
            r#"{"features": ["pca 50"]}"#,
        ],
        dimensions: &[
            to("k", Whole(1, 25)),
            to("weights", Choice(&[r#""uniform""#, r#""distance""#])),
            to("ties", Choice(&[r#""nearest""#])),
            to(
                "features",
                Choice(&[
                    PLAIN,
                    HOG,
                    UPRIGHT_HOG,
                    r#"["deskew"]"#,
                    r#"["deskew", "blur 1"]"#,
                    r#"["pca 30"]"#,
                    r#"["pca 50"]"#,
                    r#"["pca 100"]"#,
                ]),
            ),
        ],
    },
    Space {
        family: "svm",
        starts: &[
            "{}",
            r#"{"features": ["hog 4"]}"#,
            r#"{"features": ["deskew", "hog 4"]}"#,
        ],
        dimensions: &[
            to("c", Log(0.5, 100.0)),
            to(
                "features",
                Choice(&[PLAIN, HOG, UPRIGHT_HOG, r#"["deskew"]"#]),
            ),
        ],
    },
    Space {
        family: "lda",
        starts: &["{}", r#"{"features": ["hog 4"]}"#],
        dimensions: &[
            to("shrinkage", Log(1e-4, 0.9)),
            to("features", Choice(&[PLAIN, HOG, UPRIGHT_HOG])),
        ],
    },
    Space {
        family: "random-forest",
        starts: &["{}"],
        dimensions: &[
            to("trees", Whole(100, 400)),
            to("min_leaf", Whole(1, 10)),
            to("features", Choice(&[PLAIN, HOG, UPRIGHT_HOG])),
        ],
    },
    Space {
        family: "extra-trees",
        starts: &["{}", r#"{"features": ["hog 4"]}"#],
        dimensions: &[
            to("trees", Whole(100, 400)),
            to("min_leaf", Whole(1, 10)),
            to("features", Choice(&[PLAIN, HOG, UPRIGHT_HOG])),
        ],
    },
    Space {
        family: "boosted-trees",
        starts: &["{}", r#"{"features": ["hog 4"]}"#],
        dimensions: &[
            to("rounds", Whole(100, 1000)),
            to("learning_rate", Log(0.02, 0.4)),
            to("max_depth", Whole(3, 9)),
            to("l2", Log(0.01, 10.0)),
            to("pixels", Log(0.03, 0.5)),
            to("features", Choice(&[PLAIN, HOG, UPRIGHT_HOG])),
        ],
    },
    Space {
        family: "ann",
        starts: &[
            "{}",
            r#"{"schedule": "one-cycle", "learning_rate": 0.005, "features": ["hog 4"]}"#,
            r#"{"schedule": "one-cycle", "learning_rate": 0.005, "hidden": [512, 256], "dropout": 0.3, "epochs": 20}"#,
        ],
        dimensions: &[
            to("learning_rate", Log(3e-4, 0.03)),
            to("schedule", Choice(&[r#""one-cycle""#])),
            to(
                "hidden",
                Choice(&["[128]", "[256]", "[512]", "[256, 128]", "[512, 256]"]),
            ),
            to("dropout", Even(0.0, 0.5)),
            to("epochs", Whole(5, 40)),
            to("label_smoothing", Even(0.0, 0.15)),
            to("features", Choice(&[PLAIN, HOG, UPRIGHT_HOG])),
        ],
    },
    Space {
        family: "cnn",
        starts: &[
            "{}",
            r#"{"schedule": "one-cycle", "learning_rate": 0.005, "keep": "last", "epochs": 12,
                "batch_norm": true, "norm_place": "after-pool", "label_smoothing": 0.1}"#,
            r#"{"layers": ["conv 32 5", "max-pool 2", "conv 64 3", "max-pool 2", "conv 128 3", "max-pool 2", "dropout 0.3"],
                "padding": "same", "batch_norm": true, "norm_place": "after-pool", "epochs": 18,
                "schedule": "one-cycle", "learning_rate": 0.006, "label_smoothing": 0.1, "keep": "last",
                "shift": 2, "rotate": 12.0, "scale": 0.1, "answer_shift": 1}"#,
            r#"{"layers": ["conv 48 3", "max-pool 2", "conv 96 3", "max-pool 2", "conv 192 3", "max-pool 2", "dropout 0.3"],
                "padding": "same", "batch_norm": true, "norm_place": "after-pool", "epochs": 18,
                "schedule": "one-cycle", "learning_rate": 0.006, "label_smoothing": 0.1, "keep": "last",
                "shift": 1, "weight_decay": 0.02}"#,
        ],
        dimensions: &[
            to("learning_rate", Log(1e-3, 0.02)),
            to("epochs", Whole(8, 36)),
            to("label_smoothing", Even(0.0, 0.15)),
            to("weight_decay", Log(1e-4, 0.1)),
            to("shift", Choice(&["0", "1", "2"])),
            to("rotate", Choice(&["0.0", "6.0", "12.0"])),
            to("scale", Choice(&["0.0", "0.1"])),
        ],
    },
];

/// The space of a family.
pub fn space(family: &str) -> Option<&'static Space> {
    SPACES.iter().find(|space| space.family == family)
}
