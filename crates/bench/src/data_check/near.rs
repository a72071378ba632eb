//! Images that are nearly the same: their nearest other image is far nearer than the density
//! of the images around them explains.
//!
//! Images close to one another lie as points of some dimension m, much smaller than the number of pixels.
//! Where they are equally dense up to the k-th nearest, the nearest of k is
//! below a share r of the distance of the k-th with probability 1 − (1 − rᵐ)^(k−1), about
//! (k−1)·rᵐ. m is estimated from the distances themselves (Levina and Bickel, "Maximum Likelihood Estimation
//! of Intrinsic Dimension", 2004, equation 8, as the mean of the inverse over all images
//! of MacKay and Ghahramani), and r is chosen such that one of all N images is expected below
//! it by chance: r = (N·(k−1))^(−1/m).
//!
//! Rejected: one threshold for all distances. A thin "1" has many images as near as no two
//! images of a shoe are. Rejected as well: distances that forgive a shift. They cost a search for each shift,
//! and neighbouring images of one class are as near then.

use bakeoff_core::Samples;
use serde::Serialize;

use super::together::together;
use crate::BenchError;

/// The distance to this neighbour is the scale of each image's surroundings.
const K: usize = 10;
/// Products of pixels that a search may cost: above that it takes minutes.
const MOST_PRODUCTS: f64 = 4e13;

/// The place of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Whether it is in the test part; otherwise in the training part.
    pub in_test: bool,
    /// Its position there, from 0.
    pub index: usize,
}

/// Two images that are nearly, but not to the last pixel, the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearPair {
    /// The one that comes first, training before test.
    pub first: Place,
    /// The other.
    pub second: Place,
    /// The Euclidean distance of their pixels, of 0 to 255.
    pub distance: f64,
    /// The same, divided by the distance to the tenth nearest image.
    pub ratio: f64,
    /// Whether their labels are the same.
    pub same_label: bool,
}

/// What a search for nearly the same images found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearDuplicates {
    /// Every pair once, the nearest ratio first.
    pub pairs: Vec<NearPair>,
    /// The ratio of distances below which two images are a pair.
    pub threshold: f64,
    /// The dimension that the images are estimated to have.
    pub dimension: f64,
}

impl NearDuplicates {
    /// Test images that are nearly training images.
    pub fn test_images_in_train(&self) -> usize {
        let across = self
            .pairs
            .iter()
            .filter(|pair| pair.first.in_test != pair.second.in_test);
        let mut images: Vec<usize> = across.map(|pair| pair.second.index).collect();
        images.sort_unstable();
        images.dedup();
        images.len()
    }

    /// Pairs within the training or the test part.
    pub fn within(&self, in_test: bool) -> usize {
        let inside =
            |pair: &&NearPair| pair.first.in_test == in_test && pair.second.in_test == in_test;
        self.pairs.iter().filter(inside).count()
    }

    /// Pairs with different labels.
    pub fn conflicting(&self) -> usize {
        self.pairs.iter().filter(|pair| !pair.same_label).count()
    }
}

/// Looks for images that are nearly the same, in both parts together, by an exact search. `None`
/// where there are too few images to know how dense they are, or so many and large ones that
/// the search would take minutes.
///
/// Images of which more than eight are nearly the same are not found: they are their own
/// surroundings.
///
/// # Errors
/// Those of the search; none is known.
pub fn near_duplicates(
    train: &Samples,
    test: &Samples,
) -> Result<Option<NearDuplicates>, BenchError> {
    let images = together(train, test)?;
    let count = images.len();
    let products = (count as f64).powi(2) * images.shape().pixels() as f64;
    if count < 2 * K || products > MOST_PRODUCTS {
        return Ok(None);
    }
    // Itself and the K nearest others.
    let found = bakeoff_zoo::nearest(&images, &images, K + 1)
        .map_err(|error| BenchError::Request(error.to_string()))?;
    let mut nearest = Vec::new();
    let (mut logarithms, mut terms) = (0.0, 0.0);
    for (image, near) in found.chunks_exact(K + 1).enumerate() {
        let scale = near[K].distance;
        // Repeats to the last pixel are counted elsewhere; an image itself is one.
        let others: Vec<_> = near[..K]
            .iter()
            .filter(|near| near.distance > 0.0)
            .collect();
        let Some(first) = others.first().filter(|near| near.distance < scale) else {
            continue;
        };
        nearest.push((image, first.index, first.distance, first.distance / scale));
        for other in &others {
            logarithms += (scale / other.distance).ln();
            terms += 1.0;
        }
    }
    if logarithms <= 0.0 {
        return Ok(None);
    }
    let dimension: f64 = terms / logarithms;
    let threshold = ((count * (K - 1)) as f64).powf(-1.0 / dimension);
    let place = |image: usize| Place {
        in_test: image >= train.len(),
        index: image.checked_sub(train.len()).unwrap_or(image),
    };
    let label = |place: Place| match place.in_test {
        true => test.labels()[place.index],
        false => train.labels()[place.index],
    };
    let below = nearest.into_iter().filter(|(.., ratio)| *ratio < threshold);
    let mut pairs: Vec<NearPair> = below
        .map(|(image, other, distance, ratio)| {
            let (first, second) = (place(image.min(other)), place(image.max(other)));
            NearPair {
                first,
                second,
                distance,
                ratio,
                same_label: label(first) == label(second),
            }
        })
        .collect();
    // A pair that was found from both of its images is one.
    pairs.sort_by(|a, b| {
        let images = (a.first, a.second).cmp(&(b.first, b.second));
        images.then(a.ratio.total_cmp(&b.ratio))
    });
    pairs.dedup_by(|later, earlier| (later.first, later.second) == (earlier.first, earlier.second));
    pairs.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
    Ok(Some(NearDuplicates {
        pairs,
        threshold,
        dimension,
    }))
}
