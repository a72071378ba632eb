//! The fitted model: every support vector once, and the coefficients of all pairs of classes.

use bakeoff_core::{
    FitError, FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelSpec, ModelWriter,
    PredictError, Probabilities, Samples, StoreError, TensorData,
};
use bakeoff_kernels::{ByteRows, KernelFunction, Strided, multiply};
use rayon::prelude::*;

use crate::{
    pair::FittedPair,
    settings::{Decision, SvmSettings},
    sigmoid::{Sigmoid, couple},
};

/// Images that are answered together; always as many, so that an image has the same bits in any batch.
const ROWS: usize = 32;

/// Names of the saved tensors: images, V×D bytes; the class of each, ascending; (K−1)×V coefficients; γ; and for
/// each pair of classes bias, slope and offset.
const VECTORS: &str = "vectors";
const LABELS: &str = "labels";
const COEFFICIENTS: &str = "coefficients";
const GAMMA: &str = "gamma";
const PAIRS: &str = "pairs";

/// What the settings say of answers.
#[derive(Clone, Copy)]
struct Kernel {
    function: KernelFunction,
    gamma: f32,
    decision: Decision,
}

impl Kernel {
    fn new(settings: &SvmSettings, gamma: f32) -> Self {
        Self {
            function: settings.function(gamma),
            gamma,
            decision: settings.decision,
        }
    }
}

/// A support vector machine, fitted.
pub(crate) struct SvmModel {
    shape: ImageShape,
    classes: usize,
    kernel: Kernel,
    /// Row-major bytes, as they are saved.
    vectors: Vec<u8>,
    packed: ByteRows,
    /// Ascending.
    labels: Vec<u16>,
    /// As in LIBSVM: that of a vector of class i against class j is in row j, or j − 1 where j > i.
    coefficients: Vec<f32>,
    /// Bias, slope and offset of classes 0 and 1, 0 and 2 … 1 and 2 …
    pairs: Vec<[f32; 3]>,
    /// Classes that occur, each with the range of its vectors.
    occurring: Vec<(usize, std::ops::Range<usize>)>,
}

fn count_pairs(classes: usize) -> usize {
    classes * (classes - 1) / 2
}

/// The position of a pair of classes, `first < second`, among all.
fn pair_at(classes: usize, first: usize, second: usize) -> usize {
    first * (2 * classes - first - 1) / 2 + second - first - 1
}

/// Each class that occurs with the range of its vectors.
fn ranges(labels: &[u16]) -> Vec<(usize, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    let mut from = 0;
    for run in labels.chunk_by(|a, b| a == b) {
        found.push((usize::from(run[0]), from..from + run.len()));
        from += run.len();
    }
    found
}

impl SvmModel {
    /// The model of all pairs.
    ///
    /// # Errors
    /// [`FitError::Diverged`] where values do not fit single precision.
    pub(crate) fn new(
        train: &Samples,
        settings: &SvmSettings,
        gamma: f32,
        fitted: &[FittedPair],
    ) -> Result<Self, FitError> {
        let classes = train.classes();
        let mut support: Vec<(u16, usize)> = fitted
            .iter()
            .flat_map(|pair| pair.support.iter().map(|&(index, _)| index))
            .map(|index| (train.labels()[index], index))
            .collect();
        support.sort_unstable();
        support.dedup();
        let count = support.len();
        let mut place = vec![0; train.len()];
        for (at, &(_, index)) in support.iter().enumerate() {
            place[index] = at;
        }
        let mut coefficients = vec![0.0; (classes - 1) * count];
        let mut pairs = vec![[0.0; 3]; count_pairs(classes)];
        for pair in fitted {
            let (first, second) = pair.classes;
            let Sigmoid { slope, offset } = pair.sigmoid;
            pairs[pair_at(classes, first, second)] = [pair.bias, slope, offset].map(|v| v as f32);
            for &(index, value) in &pair.support {
                let row = match usize::from(train.labels()[index]) == first {
                    true => second - 1,
                    false => first,
                };
                coefficients[row * count + place[index]] = value as f32;
            }
        }
        if !pairs
            .as_flattened()
            .iter()
            .chain(&coefficients)
            .all(|value| value.is_finite())
        {
            return Err(FitError::Diverged(
                "a value does not fit single precision".into(),
            ));
        }
        let indices: Vec<usize> = support.iter().map(|&(_, index)| index).collect();
        Ok(Self::of_parts(
            train.images().shape(),
            classes,
            Kernel::new(settings, gamma),
            train.images().select(&indices).pixels().to_vec(),
            support.iter().map(|&(label, _)| label).collect(),
            coefficients,
            pairs,
        ))
    }

    fn of_parts(
        shape: ImageShape,
        classes: usize,
        kernel: Kernel,
        vectors: Vec<u8>,
        labels: Vec<u16>,
        coefficients: Vec<f32>,
        pairs: Vec<[f32; 3]>,
    ) -> Self {
        Self {
            packed: ByteRows::new(&vectors, shape.pixels()),
            occurring: ranges(&labels),
            shape,
            classes,
            kernel,
            vectors,
            labels,
            coefficients,
            pairs,
        }
    }

    /// Reads back what [`FittedModel::save`] wrote.
    pub(crate) fn load(
        spec: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedModel>, StoreError> {
        let inconsistent = StoreError::Inconsistent;
        let settings = SvmSettings::of(spec).map_err(|error| inconsistent(error.to_string()))?;
        let (shape, classes) = (header.input_shape, header.classes);
        if !(2..=usize::from(u16::MAX) + 1).contains(&classes) {
            return Err(inconsistent(format!("{classes} classes")));
        }
        let count = reader.shape(LABELS)?.first().copied().unwrap_or_default();
        let labels = reader.u16(LABELS, &[count])?;
        let coefficients = reader.f32(COEFFICIENTS, &[classes - 1, count])?;
        let pairs = reader.f32(PAIRS, &[count_pairs(classes), 3])?;
        let gamma = reader.f32(GAMMA, &[1])?[0];
        let vectors = reader.u8(VECTORS, &[count, shape.pixels()])?.into_owned();
        if !labels.is_sorted()
            || labels
                .last()
                .is_none_or(|&last| usize::from(last) >= classes)
        {
            return Err(inconsistent(format!(
                "tensor `{LABELS}` is not the classes of support vectors in ascending order"
            )));
        }
        if labels.first() == labels.last() {
            let reason = "there are support vectors of one class only";
            return Err(inconsistent(reason.into()));
        }
        if gamma <= 0.0 {
            return Err(inconsistent(format!(
                "tensor `{GAMMA}` is {gamma}, not above 0"
            )));
        }
        Ok(Box::new(Self::of_parts(
            shape,
            classes,
            Kernel::new(&settings, gamma),
            vectors,
            labels,
            coefficients,
            pairs.as_chunks().0.to_vec(),
        )))
    }

    /// The values of at most [`ROWS`] images for each pair of classes that occur: in the order of `pairs` of
    /// `occurring`, for one image after the other.
    pub(crate) fn values(&self, images: &[u8]) -> Vec<f32> {
        let count = self.labels.len();
        let rows = images.len() / self.shape.pixels();
        let mut kernel = vec![0.0; ROWS * count];
        self.packed
            .values(self.kernel.function, images, &mut kernel[..rows * count]);
        // For each class that occurs, what its vectors say against each other class.
        let others = self.classes - 1;
        let said: Vec<Vec<f32>> = self
            .occurring
            .iter()
            .map(|(_, range)| {
                let mut said = vec![0.0; ROWS * others];
                multiply(
                    (ROWS, range.len(), others),
                    Strided::rows(&kernel[range.start..], count),
                    Strided::rows(&self.coefficients[range.start..], count).transposed(),
                    1.0,
                    false,
                    &mut said,
                    others,
                );
                said
            })
            .collect();
        let mut values = Vec::with_capacity(rows * count_pairs(self.occurring.len()));
        for row in 0..rows {
            for (at, &(first, _)) in self.occurring.iter().enumerate() {
                for (after, &(second, _)) in self.occurring.iter().enumerate().skip(at + 1) {
                    let first_says = said[at][row * others + second - 1];
                    let second_says = said[after][row * others + first];
                    let [bias, ..] = self.pairs[pair_at(self.classes, first, second)];
                    values.push(first_says + second_says + bias);
                }
            }
        }
        values
    }

    /// Writes the probabilities of an image whose values for all pairs are these.
    fn answer(&self, values: &[f32], out: &mut [f32]) {
        let count = self.occurring.len();
        let mut votes = vec![(0_u32, 0.0); count];
        let mut pairwise = vec![0.0; count * count];
        let mut values = values.iter();
        for (at, &(first, _)) in self.occurring.iter().enumerate() {
            for (after, &(second, _)) in self.occurring.iter().enumerate().skip(at + 1) {
                let value = f64::from(values.next().copied().unwrap_or_default());
                let [_, slope, offset] = self.pairs[pair_at(self.classes, first, second)];
                let sigmoid = Sigmoid {
                    slope: slope.into(),
                    offset: offset.into(),
                };
                pairwise[at * count + after] = sigmoid.probability(value);
                votes[if value > 0.0 { at } else { after }].0 += 1;
                votes[at].1 += value;
                votes[after].1 -= value;
            }
        }
        let found = couple(&mut pairwise, count);
        let sum: f64 = found.iter().sum();
        for ((class, _), p) in self.occurring.iter().zip(&found) {
            out[*class] = (p / sum) as f32;
        }
        if self.kernel.decision == Decision::Votes {
            let better = |a: &usize, b: &usize| {
                let (a, b) = (votes[*a], votes[*b]);
                a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
            };
            let winner = (0..count).rev().max_by(better).unwrap_or_default();
            put_first(self.occurring[winner].0, out);
        }
    }
}

/// Exchanges two probabilities so that the largest is that of `winner`.
fn put_first(winner: usize, out: &mut [f32]) {
    let mut likeliest = 0;
    for class in 1..out.len() {
        if out[class] > out[likeliest] {
            likeliest = class;
        }
    }
    out.swap(winner, likeliest);
    // Of equals the first one is predicted.
    if likeliest < winner && out[likeliest] == out[winner] {
        out[winner] = out[winner].next_up();
    }
}

impl FittedModel for SvmModel {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn parameters(&self) -> u64 {
        (self.vectors.len() + self.coefficients.len() + 3 * self.pairs.len()) as u64
    }

    /// A batch gives the same bits as its images one by one.
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let mut shares = vec![0.0; images.len() * self.classes];
        shares
            .par_chunks_mut(ROWS * self.classes)
            .zip(images.pixels().par_chunks(ROWS * self.shape.pixels()))
            .for_each(|(out, images)| {
                let values = self.values(images);
                let values = values.chunks_exact(count_pairs(self.occurring.len()));
                for (values, out) in values.zip(out.chunks_exact_mut(self.classes)) {
                    self.answer(values, out);
                }
            });
        Ok(Probabilities::new(self.classes, shares)?)
    }

    fn why_no_layers(&self) -> &'static str {
        "it compares an image with its support vectors, and is not made of layers of weights"
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let (count, classes) = (self.labels.len(), self.classes);
        let vectors = TensorData::U8(&self.vectors);
        out.tensor(VECTORS, &[count, self.shape.pixels()], vectors)?;
        out.tensor(LABELS, &[count], TensorData::U16(&self.labels))?;
        let coefficients = TensorData::F32(&self.coefficients);
        out.tensor(COEFFICIENTS, &[classes - 1, count], coefficients)?;
        out.tensor(GAMMA, &[1], TensorData::F32(&[self.kernel.gamma]))?;
        let pairs = TensorData::F32(self.pairs.as_flattened());
        out.tensor(PAIRS, &[count_pairs(classes), 3], pairs)
    }
}
