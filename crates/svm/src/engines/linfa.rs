//! Engine `linfa-svm`, in double precision.
//!
//! It computes the whole kernel matrix of a pair of classes before it begins.

use bakeoff_core::{DataShape, Engine, EngineCode};
use bakeoff_kernels::KernelFunction;
use linfa::{Dataset, traits::Fit};
use linfa_svm::Svm;
use ndarray::{Array1, Array2};

use super::library;
use crate::{
    model::SvmModel,
    pair::{Pair, Solution},
    recipe::{Solver, build},
};

pub(super) const ENGINE: Engine = Engine {
    name: "linfa-svm",
    summary: "linfa-svm in double precision; a pair's kernel matrix is in memory as a whole",
    deterministic: true,
    code: Some(EngineCode {
        build: |spec| build(spec, SOLVER),
        load: SvmModel::load,
    }),
};

pub(crate) const SOLVER: Solver = Solver {
    name: ENGINE.name,
    refuses: |_, data| refuses(data),
    solve: |pair| library::run(|| solve(pair)),
};

/// Images of two classes of which the kernel matrix takes 2 GiB.
const MOST_IMAGES: usize = 16_384;

fn refuses(data: &DataShape) -> Option<String> {
    let images = 2 * data.train / data.classes.max(2);
    (images > MOST_IMAGES).then(|| {
        format!(
            "linfa-svm keeps the kernel matrix of two classes in memory, which for {images} images is {} GB; \
             use engine native, or limit_train",
            images * images * 8 / 1_000_000_000
        )
    })
}

fn solve(pair: &Pair) -> Result<Solution, String> {
    // Its polynomial has no γ, which the pixels take on instead.
    let (scale, parameters) = match pair.function {
        KernelFunction::Linear => (1.0, Svm::<f64, bool>::params().linear_kernel()),
        KernelFunction::Rbf { gamma } => (1.0, Svm::params().gaussian_kernel(gamma.recip())),
        KernelFunction::Polynomial {
            gamma,
            coef0,
            degree,
        } => {
            let kernel = Svm::params().polynomial_kernel(coef0, degree.into());
            (gamma.sqrt(), kernel)
        }
    };
    let parameters = parameters
        .eps(pair.tolerance)
        .pos_neg_weights(pair.c, pair.c);
    let pixels = pair.pixels.iter();
    let pixels = pixels
        .map(|&byte| f64::from(byte) / 255.0 * scale)
        .collect();
    let records = Array2::from_shape_vec((pair.len(), pair.columns), pixels)
        .map_err(|error| error.to_string())?;
    let targets: Array1<bool> = (0..pair.len()).map(|image| image < pair.firsts).collect();
    let fitted = parameters
        .fit(&Dataset::new(records, targets))
        .map_err(|error| error.to_string())?;
    if fitted.alpha.len() != pair.len() {
        return Err("its model has another number of coefficients than of images".into());
    }
    Ok(Solution::of_library(pair, fitted.alpha, -fitted.rho))
}

#[cfg(test)]
mod tests {
    use bakeoff_core::ImageShape;

    use super::*;

    #[test]
    fn matrices_that_do_not_fit_are_refused_before_training() {
        let data = |train, classes| DataShape {
            image: ImageShape::new(1, 28, 28),
            classes,
            train,
        };
        assert_eq!(refuses(&data(60_000, 10)), None);
        let said = refuses(&data(60_000, 2)).unwrap();
        assert!(said.contains("60000 images is 28 GB"), "{said}");
    }
}
