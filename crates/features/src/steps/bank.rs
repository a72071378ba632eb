//! Filters at every place of an image, and how much each answers in each region of it.
//!
//! Every patch of SIZE × SIZE pixels is brought to mean 0 and, apart from a floor that keeps even patches
//! even, to deviation 1. Then either
//!
//! - `patches` (Coates, Lee and Ng 2011): patches are whitened (ZCA), k-means finds COUNT centres among
//!   up to 100,000 patches of the training images, and a centre answers by how much nearer it is than the
//!   mean of all centres, or 0 ("triangle"); or
//! - `random-conv`: filters with normal weights and a threshold of their own (the size of half a normal value), negative answers being 0.
//!
//! Answers are summed over REGIONS × REGIONS parts of the image, those to even patches apart. The filters
//! are the channels of what comes out, its pixels the regions. The largest sum in up to 2,000 training
//! images comes to 255, for all filters alike.

use bakeoff_core::{ImageShape, Images, ModelReader, ModelWriter, StoreError, TensorData};
use bakeoff_kernels::{Strided, multiply};
use ndarray::Array2;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    k_means::{centres, half_squares},
    pca::eigen,
};
use crate::step::{FittedStep, Step, byte_of_share};

/// Patches that centres are found among.
const PATCHES: usize = 100_000;
/// Training images that the scale is taken from.
const SCALED_BY: usize = 2_000;
/// Added to a patch's variance, in squared levels (Coates, Lee and Ng use 10 of 255).
const FLOOR: f32 = 10.0;
/// Added to the eigenvalues in whitening (theirs).
const WHITENING: f64 = 0.1;

/// The step.
pub(crate) struct Bank {
    pub(crate) count: usize,
    pub(crate) size: usize,
    pub(crate) regions: usize,
    /// Whether the filters are found by k-means.
    pub(crate) learned: bool,
}

struct Fitted {
    input: ImageShape,
    size: usize,
    regions: usize,
    learned: bool,
    /// Filters × values of a patch. Of centres they are of patches that are not whitened yet: whitening is
    /// linear, and so is in the filters.
    filters: Vec<f32>,
    /// Of centres half their squared length, of random filters their threshold.
    halves: Vec<f32>,
    /// The matrix that whitens, symmetric; empty for random filters.
    whitening: Vec<f32>,
    /// What a sum is multiplied by, to be a share of the largest.
    scale: f32,
}

impl Bank {
    fn places(&self, input: ImageShape) -> Option<(usize, usize)> {
        let places = |side: usize| {
            (side + 1)
                .checked_sub(self.size)
                .filter(|&n| n >= self.regions)
        };
        Some((places(input.height)?, places(input.width)?))
    }

    fn width(&self, input: ImageShape) -> usize {
        input.channels * self.size * self.size
    }
}

impl Step for Bank {
    fn shape(&self, input: ImageShape) -> Result<ImageShape, String> {
        match self.places(input) {
            Some(_) => Ok(ImageShape::new(self.count, self.regions, self.regions)),
            None => Err(format!(
                "patches of {0}×{0} pixels have fewer than {1}×{1} places in images of {input}",
                self.size, self.regions
            )),
        }
    }

    fn fit(&self, train: &Images, seed: u64) -> Result<Box<dyn FittedStep>, String> {
        let input = train.shape();
        let width = self.width(input);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let [filters, halves, whitening] = match self.learned {
            true => self.learn(train, &mut random)?,
            false => {
                let filters: Vec<f32> = (0..self.count * width)
                    .map(|_| normal(&mut random) / (width as f32).sqrt())
                    .collect();
                let thresholds = (0..self.count)
                    .map(|_| 0.5 * normal(&mut random).abs())
                    .collect();
                [filters, thresholds, Vec::new()]
            }
        };
        let mut fitted = Fitted {
            input,
            size: self.size,
            regions: self.regions,
            learned: self.learned,
            filters,
            halves,
            whitening,
            scale: 1.0,
        };
        let every = train.len().div_ceil(SCALED_BY);
        let some: Vec<&[u8]> = train.iter().step_by(every.max(1)).collect();
        // A maximum does not depend on the order.
        let largest = some
            .par_iter()
            .map_init(
                || Workspace::new(&fitted),
                |workspace, image| {
                    fitted.sums(image, workspace);
                    workspace.sums.iter().copied().fold(0.0, f32::max)
                },
            )
            .reduce(|| 0.0, f32::max);
        if largest > 0.0 {
            fitted.scale = largest.recip();
        }
        Ok(Box::new(fitted))
    }

    fn load(
        &self,
        input: ImageShape,
        name: &str,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedStep>, StoreError> {
        let width = self.width(input);
        let whitening = match self.learned {
            true => reader.f32(&format!("{name}.whitening"), &[width, width])?,
            false => Vec::new(),
        };
        let scale = reader.f32(&format!("{name}.scale"), &[1])?;
        Ok(Box::new(Fitted {
            input,
            size: self.size,
            regions: self.regions,
            learned: self.learned,
            filters: reader.f32(&format!("{name}.filters"), &[self.count, width])?,
            halves: reader.f32(&format!("{name}.halves"), &[self.count])?,
            whitening,
            scale: scale.first().copied().unwrap_or_default(),
        }))
    }
}

/// A normal value (Box and Muller 1958).
fn normal(random: &mut impl Rng) -> f32 {
    let (radius, turn): (f64, f64) = (random.random(), random.random());
    let radius = (-2.0 * (1.0 - radius).ln()).sqrt();
    (radius * (std::f64::consts::TAU * turn).cos()) as f32
}

impl Bank {
    /// Centres of whitened patches as filters, half their squares, and the whitening.
    fn learn(&self, train: &Images, random: &mut ChaCha8Rng) -> Result<[Vec<f32>; 3], String> {
        let input = train.shape();
        let width = self.width(input);
        let (down, across) = self.places(input).unwrap_or((1, 1));
        let mut patches: Vec<f32> = Vec::new();
        let mut patch = vec![0.0; width];
        // Even patches teach nothing; where nearly all are, there are fewer.
        for _ in 0..4 * PATCHES {
            let image = random.random_range(0..train.len());
            let (y, x) = (random.random_range(0..down), random.random_range(0..across));
            let image = train.get(image).unwrap_or_default();
            if even_out(image, input, self.size, (y, x), &mut patch) {
                patches.extend_from_slice(&patch);
                if patches.len() == PATCHES * width {
                    break;
                }
            }
        }
        let found = patches.len() / width;
        if found < self.count {
            return Err(format!(
                "{} patches are asked for, but only {found} that are not even were found",
                self.count
            ));
        }
        let whitening = whitening(&patches, width)?;
        let mut whitened = vec![0.0; patches.len()];
        whitened
            .par_chunks_mut(512 * width)
            .zip(patches.par_chunks(512 * width))
            .for_each(|(out, patches)| {
                let sizes = (patches.len() / width, width, width);
                let (left, right) = (
                    Strided::rows(patches, width),
                    Strided::rows(&whitening, width),
                );
                multiply(sizes, left, right, 1.0, false, out, width);
            });
        let centres = centres(&whitened, width, self.count, random.random());
        let halves = half_squares(&centres, width);
        // (W x) · c = x · (W c), because W is symmetric.
        let mut filters = vec![0.0; centres.len()];
        let sizes = (self.count, width, width);
        let (left, right) = (
            Strided::rows(&centres, width),
            Strided::rows(&whitening, width),
        );
        multiply(sizes, left, right, 1.0, false, &mut filters, width);
        Ok([filters, halves, whitening])
    }
}

/// ZCA: the symmetric matrix that makes the patches' values uncorrelated and of about the same variance.
fn whitening(patches: &[f32], width: usize) -> Result<Vec<f32>, String> {
    let count = (patches.len() / width) as f64;
    let mut covariance = Array2::<f64>::zeros((width, width));
    let mut block = vec![0.0; width * width];
    for piece in patches.chunks(4096 * width) {
        let right = Strided::rows(piece, width);
        let sizes = (width, piece.len() / width, width);
        multiply(
            sizes,
            right.transposed(),
            right,
            1.0,
            false,
            &mut block,
            width,
        );
        for (sum, value) in covariance.iter_mut().zip(&block) {
            *sum += f64::from(*value);
        }
    }
    covariance /= count;
    let (values, vectors) = eigen(covariance)?;
    let mut out = vec![0.0; width * width];
    for (at, out) in out.iter_mut().enumerate() {
        let (row, column) = (at / width, at % width);
        let sum: f64 = values
            .iter()
            .enumerate()
            .map(|(of, value)| {
                vectors[[row, of]] * vectors[[column, of]] / (value.max(0.0) + WHITENING).sqrt()
            })
            .sum();
        *out = sum as f32;
    }
    Ok(out)
}

/// Writes the patch at a place with mean 0 and deviation 1; false, and nothing written, if it is even.
fn even_out(
    image: &[u8],
    shape: ImageShape,
    size: usize,
    (y, x): (usize, usize),
    out: &mut [f32],
) -> bool {
    let planes = image.chunks_exact(shape.height * shape.width);
    let lines = planes
        .flat_map(|plane| (y..y + size).map(move |line| &plane[line * shape.width + x..][..size]));
    let (mut sum, mut squares, mut count) = (0_u32, 0_u32, 0_u32);
    for (line, out) in lines.zip(out.chunks_exact_mut(size)) {
        for (&value, out) in line.iter().zip(out) {
            sum += u32::from(value);
            squares += u32::from(value) * u32::from(value);
            *out = f32::from(value);
            count += 1;
        }
    }
    let mean = sum as f32 / count as f32;
    let variance = squares as f32 / count as f32 - mean * mean;
    if squares * count == sum * sum {
        return false;
    }
    let factor = (variance.max(0.0) + FLOOR).sqrt().recip();
    out.iter_mut()
        .for_each(|value| *value = (*value - mean) * factor);
    true
}

/// What one thread needs.
struct Workspace {
    patches: Vec<f32>,
    /// The region of each patch.
    regions: Vec<u16>,
    products: Vec<f32>,
    whitened: Vec<f32>,
    /// Filters × regions.
    sums: Vec<f32>,
}

/// Patches that are multiplied together.
const AT_ONCE: usize = 96;

impl Workspace {
    fn new(fitted: &Fitted) -> Self {
        let (count, width) = (fitted.halves.len(), fitted.width());
        Self {
            patches: vec![0.0; AT_ONCE * width],
            regions: Vec::with_capacity(AT_ONCE),
            products: vec![0.0; AT_ONCE * count],
            whitened: vec![0.0; if fitted.learned { AT_ONCE * width } else { 0 }],
            sums: vec![0.0; count * fitted.regions * fitted.regions],
        }
    }
}

impl Fitted {
    fn width(&self) -> usize {
        self.input.channels * self.size * self.size
    }

    /// The sums of the answers of all filters in all regions, into the workspace.
    fn sums(&self, image: &[u8], workspace: &mut Workspace) {
        let width = self.width();
        let (down, across) = (
            self.input.height + 1 - self.size,
            self.input.width + 1 - self.size,
        );
        workspace.sums.fill(0.0);
        workspace.regions.clear();
        for y in 0..down {
            for x in 0..across {
                let at = workspace.regions.len();
                let patch = &mut workspace.patches[at * width..][..width];
                // An even patch is as far from all: no centre is nearer than the mean in a way that matters,
                // and no random filter answers.
                if even_out(image, self.input, self.size, (y, x), patch) {
                    let region = y * self.regions / down * self.regions + x * self.regions / across;
                    workspace.regions.push(region as u16);
                }
                if workspace.regions.len() == AT_ONCE {
                    self.add(workspace);
                }
            }
        }
        self.add(workspace);
    }

    /// Adds the answers to the patches that were collected.
    fn add(&self, workspace: &mut Workspace) {
        let Workspace {
            patches,
            regions,
            products,
            whitened,
            sums,
        } = workspace;
        let (count, width, cells) = (self.halves.len(), self.width(), self.regions * self.regions);
        let rows = regions.len();
        if rows == 0 {
            return;
        }
        let left = Strided::rows(patches, width);
        let filters = Strided::rows(&self.filters, width).transposed();
        let sizes = (rows, width, count);
        multiply(sizes, left, filters, 1.0, false, products, count);
        if self.learned {
            let right = Strided::rows(&self.whitening, width);
            let sizes = (rows, width, width);
            multiply(sizes, left, right, 1.0, false, whitened, width);
        }
        for (at, &region) in regions.iter().enumerate() {
            let answers = &mut products[at * count..][..count];
            match self.learned {
                true => {
                    let own = whitened[at * width..][..width].iter();
                    triangle(answers, &self.halves, own.map(|value| value * value).sum());
                }
                false => {
                    for (answer, threshold) in answers.iter_mut().zip(&self.halves) {
                        *answer = (*answer - threshold).max(0.0);
                    }
                }
            }
            let sums = &mut sums[usize::from(region) * count..][..count];
            for (sum, answer) in sums.iter_mut().zip(answers.iter()) {
                *sum += *answer;
            }
        }
        debug_assert!(usize::from(regions.iter().copied().max().unwrap_or_default()) < cells);
        regions.clear();
    }
}

/// From products with the centres to how much nearer each is than the mean of all, or 0.
fn triangle(answers: &mut [f32], halves: &[f32], square: f32) {
    let mut sum = 0.0;
    for (answer, half) in answers.iter_mut().zip(halves) {
        *answer = (square + 2.0 * (half - *answer)).max(0.0).sqrt();
        sum += *answer;
    }
    let mean = sum / answers.len() as f32;
    for answer in answers.iter_mut() {
        *answer = (mean - *answer).max(0.0);
    }
}

impl FittedStep for Fitted {
    fn apply(&self, images: &[u8], out: &mut [u8]) {
        let cells = self.regions * self.regions;
        let count = self.halves.len();
        let mut workspace = Workspace::new(self);
        let images = images.chunks_exact(self.input.pixels());
        for (image, out) in images.zip(out.chunks_exact_mut(count * cells)) {
            self.sums(image, &mut workspace);
            for (region, sums) in workspace.sums.chunks_exact(count).enumerate() {
                for (filter, sum) in sums.iter().enumerate() {
                    out[filter * cells + region] = byte_of_share(sum * self.scale);
                }
            }
        }
    }

    fn parameters(&self) -> u64 {
        (self.filters.len() + self.halves.len() + self.whitening.len() + 1) as u64
    }

    fn save(&self, name: &str, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let (count, width) = (self.halves.len(), self.width());
        let mut tensor = |of: &str, shape: &[usize], values: &[f32]| {
            out.tensor(&format!("{name}.{of}"), shape, TensorData::F32(values))
        };
        tensor("filters", &[count, width], &self.filters)?;
        tensor("halves", &[count], &self.halves)?;
        tensor("scale", &[1], &[self.scale])?;
        match self.learned {
            true => tensor("whitening", &[width, width], &self.whitening),
            false => Ok(()),
        }
    }
}
