//! The search without a classifier, for looking at the data themselves.

use bakeoff_core::{FitError, Images, PredictError, Settings};

use crate::{FAMILY, engines::KnnEngine, search::Neighbour};

/// The `k` of N images that are nearest to each of Q others by Euclidean distance, exactly:
/// Q×min(`k`, N), nearest first, of equals the first one first. By the default engine, on the threads of
/// the current rayon pool.
///
/// # Errors
/// [`FitError::Data`] where the shapes differ, and those of the engine.
pub fn nearest(images: &Images, others: &Images, k: usize) -> Result<Vec<Neighbour>, FitError> {
    let (shape, other) = (images.shape(), others.shape());
    if shape != other {
        return Err(FitError::Data(format!(
            "images of {shape} and of {other} have no distance"
        )));
    }
    let k = k.min(images.len());
    if k == 0 || others.is_empty() {
        return Ok(Vec::new());
    }
    let spec = FAMILY.resolve(None, &Settings::default())?;
    let (engine, settings) = KnnEngine::of(&spec)?;
    let search = (engine.build)(images.pixels(), shape.pixels(), &settings, &mut |_| Ok(()))?;
    let failed = |error: PredictError| FitError::Engine {
        engine: engine.name,
        reason: error.to_string(),
    };
    search.nearest(others.pixels(), k).map_err(failed)
}
