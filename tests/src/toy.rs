//! Small datasets made from a seed, for tests and benchmarks: every class has an image
//! of its own, a sample is that image with noise.
//!
//! The images are smooth and differ everywhere, so that each family finds something:
//! a linear model weighs pixels, neighbours are near, convolutions see slopes.
//! Rejected: class = a bright quadrant (nothing for ten classes), random pixels
//! (nothing for convolutions).

use bakeoff_core::{Dataset, ImageShape, Images, Samples, derive_seed};
use rand::{Rng, RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Points of the coarse random grid along a side, between which a class's image
/// runs smoothly.
const GRID: usize = 4;

/// What a toy dataset is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToySpec {
    /// The shape of one image.
    pub shape: ImageShape,
    /// Number of classes, 2 to 65,536.
    pub classes: usize,
    /// Training samples, shared evenly by the classes, in random order.
    pub train: usize,
    /// Test samples, likewise.
    pub test: usize,
    /// Standard deviation of the noise on each value, in grey levels. 30 is easy for
    /// any model, 100 leaves mistakes. Negative and NaN count as 0.
    pub noise: f32,
    /// The same seed gives the same bytes on every machine.
    pub seed: u64,
}

impl Default for ToySpec {
    /// Four classes of 1×8×8, 200 for training and 80 for testing, easy.
    fn default() -> Self {
        Self {
            shape: ImageShape::new(1, 8, 8),
            classes: 4,
            train: 200,
            test: 80,
            noise: 30.0,
            seed: 0,
        }
    }
}

/// Settings of the family `command` for a program that every Unix can run: nearest class mean, in awk.
pub fn program() -> serde_json::Value {
    serde_json::json!({
        "command": ["sh", "centroid.sh"],
        "files": { "centroid.sh": include_str!("../../integrations/shell/centroid.sh") },
        "format": "text",
    })
}

/// Why there is no such toy dataset.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToyError {
    /// A shape without pixels.
    #[error("toy dataset: {0}")]
    Images(#[from] bakeoff_core::ImagesError),
    /// Too few or too many classes.
    #[error("toy dataset: {0}")]
    Samples(#[from] bakeoff_core::SamplesError),
}

/// A dataset named `toy` of noisy copies of one smooth random image per class.
///
/// Each part has its own random stream: more training samples change no test sample.
///
/// # Errors
/// When the shape has no pixels, or there are fewer than 2 or more than 65,536 classes.
pub fn prototypes(spec: ToySpec) -> Result<Dataset, ToyError> {
    let ToySpec { shape, classes, .. } = spec;
    // Refuses an empty shape and impossible classes before anything is computed.
    let none = Images::new(shape, Vec::new())?;
    if !(2..=usize::from(u16::MAX) + 1).contains(&classes) {
        return Err(bakeoff_core::SamplesError::Classes { classes }.into());
    }
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    Samples::new(none, Vec::new(), names.as_slice())?;

    let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(spec.seed, "toy prototypes"));
    let pictures: Vec<Vec<u8>> = (0..classes).map(|_| smooth(shape, &mut rng)).collect();
    let part = |count: usize, purpose: &str| -> Result<Samples, ToyError> {
        let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(spec.seed, purpose));
        // `classes` is at most 65,536, so that every label fits.
        let mut labels: Vec<u16> = (0..count).map(|index| (index % classes) as u16).collect();
        labels.shuffle(&mut rng);
        let pixels: Vec<u8> = labels
            .iter()
            .flat_map(|&label| &pictures[usize::from(label)])
            .map(|&value| (f32::from(value) + spec.noise.max(0.0) * bell(&mut rng)).round() as u8)
            .collect();
        Ok(Samples::new(
            Images::new(shape, pixels)?,
            labels,
            names.as_slice(),
        )?)
    };
    let train = part(spec.train, "toy train")?;
    let test = part(spec.test, "toy test")?;
    Ok(Dataset::new("toy", train, test)?)
}

/// A smooth random image: a coarse grid of random values, bilinear in between.
fn smooth(shape: ImageShape, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let (height, width) = (shape.height, shape.width);
    let mut pixels = Vec::with_capacity(shape.pixels());
    for _ in 0..shape.channels {
        let grid: [[f32; GRID]; GRID] =
            std::array::from_fn(|_| std::array::from_fn(|_| f32::from(rng.random::<u8>())));
        for y in 0..height {
            let (top, bottom, down) = between(y, height);
            for x in 0..width {
                let (left, right, across) = between(x, width);
                let mix = |row: usize| grid[row][left] * (1.0 - across) + grid[row][right] * across;
                pixels.push((mix(top) * (1.0 - down) + mix(bottom) * down).round() as u8);
            }
        }
    }
    pixels
}

/// The two grid points around position `at` of `len`, and how far it is to the second.
fn between(at: usize, len: usize) -> (usize, usize, f32) {
    let place = at as f32 * (GRID - 1) as f32 / (len.max(2) - 1) as f32;
    let first = (place as usize).min(GRID - 1);
    (first, (first + 1).min(GRID - 1), place - first as f32)
}

/// A bell-shaped random number of mean 0 and standard deviation 1: the sum of four
/// uniform ones. Unlike logarithms and cosines it is the same on every machine.
fn bell(rng: &mut ChaCha8Rng) -> f32 {
    let bits = rng.next_u64();
    let sum: u32 = (0..4).map(|part| (bits >> (16 * part)) as u16 as u32).sum();
    // Four uniform numbers on 0..65535 have mean 131070 and variance 4 × 65536² / 12.
    (sum as f32 - 131_070.0) * (3.0_f32.sqrt() / 65_536.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let spec = ToySpec::default();
        let toy = prototypes(spec).unwrap();
        assert_eq!(toy, prototypes(spec).unwrap());
        let other = prototypes(ToySpec { seed: 1, ..spec }).unwrap();
        assert_ne!(toy.fingerprint(), other.fingerprint());
        let more = prototypes(ToySpec { train: 300, ..spec }).unwrap();
        assert_eq!(toy.test(), more.test());
    }

    #[test]
    fn the_bytes_stay_what_they_are() {
        // Golden: tests elsewhere state figures measured on this data.
        let toy = prototypes(ToySpec::default()).unwrap();
        assert_eq!(&toy.fingerprint()[..16], "a216603e20d61b60");
    }

    #[test]
    fn classes_share_evenly_and_lie_apart() {
        for shape in [
            ImageShape::new(1, 8, 8),
            ImageShape::new(3, 5, 9),
            ImageShape::new(1, 28, 28),
        ] {
            let spec = ToySpec {
                shape,
                classes: 10,
                train: 205,
                test: 100,
                ..ToySpec::default()
            };
            let toy = prototypes(spec).unwrap();
            let counts = toy.train().class_counts();
            assert!(
                counts.iter().all(|count| (20..=21).contains(count)),
                "{counts:?}"
            );
            assert_eq!(nearest_mean_errors(&toy), 0, "{shape}");
        }
    }

    #[test]
    fn noise_has_the_deviation_asked_for() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let draws: Vec<f64> = (0..100_000).map(|_| f64::from(bell(&mut rng))).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }

    #[test]
    fn impossible_toys_are_refused() {
        let spec = ToySpec::default();
        let empty = ImageShape::new(1, 0, 8);
        assert!(matches!(
            prototypes(ToySpec {
                shape: empty,
                ..spec
            }),
            Err(ToyError::Images(_))
        ));
        for classes in [0, 1, 65_537] {
            assert!(matches!(
                prototypes(ToySpec { classes, ..spec }),
                Err(ToyError::Samples(_))
            ));
        }
        let one = ToySpec {
            shape: ImageShape::new(1, 1, 1),
            train: 0,
            noise: f32::NAN,
            ..spec
        };
        assert!(prototypes(one).unwrap().train().is_empty());
    }

    /// Mistakes on the test part of the simplest model there is.
    fn nearest_mean_errors(toy: &Dataset) -> usize {
        let each = toy.train().images().shape().pixels();
        let mut means = vec![vec![0.0; each]; toy.train().classes()];
        let counts = toy.train().class_counts();
        for (image, &label) in toy.train().images().iter().zip(toy.train().labels()) {
            for (mean, &value) in means[usize::from(label)].iter_mut().zip(image) {
                *mean += f64::from(value) / counts[usize::from(label)] as f64;
            }
        }
        let distance = |mean: &[f64], image: &[u8]| -> f64 {
            mean.iter()
                .zip(image)
                .map(|(m, &v)| (m - f64::from(v)).powi(2))
                .sum()
        };
        toy.test()
            .images()
            .iter()
            .zip(toy.test().labels())
            .filter(|&(image, &label)| {
                let nearest = (0..means.len()).min_by(|&a, &b| {
                    distance(&means[a], image).total_cmp(&distance(&means[b], image))
                });
                nearest != Some(usize::from(label))
            })
            .count()
    }
}
