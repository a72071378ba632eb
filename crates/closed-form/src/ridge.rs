//! Ridge classification: for each class least squares to 1 for its images and −1 for all others, with a
//! penalty on the squared weights and none on the bias, as scikit-learn's `RidgeClassifier`.
//!
//! The most probable class is that of the largest score. Scores of least squares are no probabilities: what is
//! given is their softmax, which ranks as they do and is too unsure; `calibration = "temperature"` mends that.

use bakeoff_core::{EngineCode, Family, FitError, FittedModel, ModelSpec, Samples, SettingKind};
use bakeoff_kernels::byte_products;
use ndarray::Array2;

use crate::{
    COMMON, PIXEL_SCALE,
    covariance::{scatter, solve},
    linear::Linear,
    moments::Moments,
    native,
    recipe::recipe,
};

/// Ridge classification, for the registry.
pub static FAMILY: Family = Family {
    name: "ridge",
    title: "Ridge classification",
    summary: "least squares to 1 for an image's class and −1 for the others, in closed form",
    engines: &[native(
        "exact sums, and one system of equations",
        EngineCode {
            build: |spec| recipe(spec, spec.settings::<RidgeSettings>(), fit),
            load: Linear::load,
        },
    )],
    settings: &[RidgeSettings::TABLE],
    ..COMMON
};

bakeoff_core::settings! {
    struct RidgeSettings {
        penalty: f64 = 1.0, SettingKind::Float { min: 1e-9, max: 1e12 },
            "what the sum of the squared weights is multiplied by (scikit-learn's alpha), for pixels from 0 to 1";
    }
}

fn fit(spec: &ModelSpec, train: &Samples) -> Result<Box<dyn FittedModel>, FitError> {
    let settings: RidgeSettings = spec.settings()?;
    let moments = Moments::new(train);
    let (pixels, images) = (moments.pixels, moments.images() as f64);
    let all = moments.all();
    let mut products = scatter(
        &byte_products(train.images().pixels(), pixels),
        &all,
        moments.images(),
    );
    products
        .diag_mut()
        .mapv_inplace(|value| value + settings.penalty);
    let mean: Vec<f64> = all
        .iter()
        .map(|&sum| sum as f64 / images * PIXEL_SCALE)
        .collect();
    let occurring: Vec<usize> = moments.occurring().collect();
    // Targets are −1 and 1: twice the class's own sums, less what their mean gives.
    let targets = Array2::from_shape_fn((pixels, occurring.len()), |(pixel, at)| {
        let class = occurring[at];
        let own = moments.sums_of(class)[pixel] as f64 * PIXEL_SCALE;
        2.0 * (own - moments.counts[class] as f64 * mean[pixel])
    });
    let solved = solve(products, targets)?;
    let mut rows = vec![None; train.classes()];
    for (at, &class) in occurring.iter().enumerate() {
        let weights = solved.column(at).to_vec();
        let of_mean: f64 = weights.iter().zip(&mean).map(|(w, m)| w * m).sum();
        let share = moments.counts[class] as f64 / images;
        rows[class] = Some((weights, 2.0 * share - 1.0 - of_mean));
    }
    Linear::fitted(train.images().shape(), rows)
}
