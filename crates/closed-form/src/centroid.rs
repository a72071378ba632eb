//! The class whose mean image is nearest.
//!
//! Probabilities are those of normal distributions around the means with one variance for all pixels
//! and classes, that of the training images around the means of their classes, and the same share for
//! every class. So the most probable class is that of the nearest mean, as in scikit-learn's
//! `NearestCentroid`.

use bakeoff_core::{EngineCode, Family, FitError, FittedModel, ModelSpec, Samples};

use crate::{
    COMMON, PIXEL_SCALE, covariance::ROUNDING, linear::Linear, moments::Moments, native,
    recipe::recipe,
};

/// Nearest centroid, for the registry.
pub static FAMILY: Family = Family {
    name: "nearest-centroid",
    title: "Nearest centroid",
    summary: "the class whose mean image is nearest",
    engines: &[native(
        "the mean image of each class",
        EngineCode {
            build: |spec| recipe(spec, Ok(()), fit),
            load: Linear::load,
        },
    )],
    ..COMMON
};

fn fit(_: &ModelSpec, train: &Samples) -> Result<Box<dyn FittedModel>, FitError> {
    let moments = Moments::new(train);
    let mut spread = 0.0;
    for class in moments.occurring() {
        let squares: u64 = moments.squares[class * moments.pixels..][..moments.pixels]
            .iter()
            .sum();
        let means = moments.mean(class);
        let of_means: f64 = means.iter().map(|mean| mean * mean).sum();
        spread += squares as f64 - of_means * moments.counts[class] as f64;
    }
    let variance = spread / (moments.images() * moments.pixels) as f64 * PIXEL_SCALE * PIXEL_SCALE;
    // Images without any spread: whatever is nearest has the whole probability.
    let variance = variance.max(ROUNDING);
    let class = |class: usize| {
        (moments.counts[class] > 0).then(|| {
            let mean = moments
                .mean(class)
                .into_iter()
                .map(|mean| mean * PIXEL_SCALE);
            let square: f64 = mean.clone().map(|mean| mean * mean).sum();
            let weights = mean.map(|mean| mean / variance).collect();
            (weights, -0.5 * square / variance)
        })
    };
    Linear::fitted(
        train.images().shape(),
        (0..train.classes()).map(class).collect(),
    )
}
