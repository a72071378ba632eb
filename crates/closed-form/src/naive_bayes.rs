//! Naive Bayes: pixels that are independent of each other within a class.
//!
//! | `pixels` | what a pixel is taken for | as scikit-learn's |
//! |---|---|---|
//! | `normal` | a normal value with a mean and a variance of its own in each class | `GaussianNB` |
//! | `counts` | a count: a class is a distribution of light over the pixels | `MultinomialNB` |
//! | `on-off` | on where it is at least 128, each pixel with a probability of its own | `BernoulliNB(binarize=0.5)` |
//!
//! A class's share of the training images is its probability before an image is seen. Scores are sums of
//! some hundreds of logarithms: they are added in double precision, because their difference decides.

mod model;
mod smartcore;

use bakeoff_core::{EngineCode, Family};

use self::model::{NaiveBayes, NaiveBayesSettings, fit_by, learn};
use crate::{COMMON, native, recipe::recipe};

/// Naive Bayes, for the registry.
pub static FAMILY: Family = Family {
    name: "naive-bayes",
    title: "Naive Bayes",
    summary: "every pixel speaks for itself: a distribution for each pixel and class, multiplied",
    engines: &[
        native(
            "exact sums of bytes",
            EngineCode {
                build: |spec| {
                    recipe(
                        spec,
                        spec.settings::<NaiveBayesSettings>(),
                        |spec, train| fit_by(spec, train, learn),
                    )
                },
                load: NaiveBayes::load,
            },
        ),
        smartcore::ENGINE,
    ],
    settings: &[NaiveBayesSettings::TABLE],
    ..COMMON
};
