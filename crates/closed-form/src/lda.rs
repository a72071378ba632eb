//! Linear discriminant analysis: normal classes with one covariance.
//!
//! The covariance is that of the images around the means of their classes, divided by the number of
//! images, and shrunk as scikit-learn's `shrinkage` does; a class's share of the images is its probability
//! before an image is seen.

use bakeoff_core::{EngineCode, Family, FitError, FittedModel, ModelSpec, Samples};
use bakeoff_kernels::byte_products;
use ndarray::Array2;

use crate::{
    COMMON, PIXEL_SCALE,
    covariance::{SHARE, scatter, shrunk, solve},
    linear::Linear,
    moments::Moments,
    native,
    recipe::recipe,
};

/// Linear discriminant analysis, for the registry.
pub static FAMILY: Family = Family {
    name: "lda",
    title: "Linear discriminant analysis",
    summary: "classes are normal clouds of the same shape; between two of them lies a plane",
    engines: &[native(
        "exact sums, and one system of equations",
        EngineCode {
            build: |spec| recipe(spec, spec.settings::<LdaSettings>(), fit),
            load: Linear::load,
        },
    )],
    settings: &[LdaSettings::TABLE],
    ..COMMON
};

bakeoff_core::settings! {
    struct LdaSettings {
        shrinkage: f64 = 0.01, SHARE,
            "share of the covariance that is replaced by the same variance for every pixel; 0 needs pixels that all vary";
    }
}

fn fit(spec: &ModelSpec, train: &Samples) -> Result<Box<dyn FittedModel>, FitError> {
    let settings: LdaSettings = spec.settings()?;
    let moments = Moments::new(train);
    let pixels = moments.pixels;
    // Around one mean, less what the means of the classes spread.
    let all = moments.all();
    let products = byte_products(train.images().pixels(), pixels);
    let mut within = scatter(&products, &all, moments.images());
    let total: Vec<f64> = all
        .iter()
        .map(|&sum| sum as f64 / moments.images() as f64 * PIXEL_SCALE)
        .collect();
    for class in moments.occurring() {
        let mean = moments.mean(class);
        let away: Vec<f64> = mean
            .iter()
            .zip(&total)
            .map(|(m, t)| m * PIXEL_SCALE - t)
            .collect();
        let count = moments.counts[class] as f64;
        for (mut row, &left) in within.outer_iter_mut().zip(&away) {
            for (value, &right) in row.iter_mut().zip(&away) {
                *value -= count * left * right;
            }
        }
    }
    within /= moments.images() as f64;
    let occurring: Vec<usize> = moments.occurring().collect();
    let means = Array2::from_shape_fn((pixels, occurring.len()), |(pixel, at)| {
        let class = occurring[at];
        moments.sums_of(class)[pixel] as f64 / moments.counts[class] as f64 * PIXEL_SCALE
    });
    let solved = solve(shrunk(within, settings.shrinkage), means.clone())?;
    let mut rows = vec![None; train.classes()];
    for (at, &class) in occurring.iter().enumerate() {
        let square = solved.column(at).dot(&means.column(at));
        let bias = moments.log_share(class) - 0.5 * square;
        rows[class] = Some((solved.column(at).to_vec(), bias));
    }
    Linear::fitted(train.images().shape(), rows)
}
