//! The fitted model, and the exact sums that it follows from.

use bakeoff_core::{
    FitError, FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelSpec, ModelWriter,
    PredictError, Probabilities, Samples, SettingKind, StoreError, TensorData,
};
use rayon::prelude::*;

use crate::{NEVER, PIXEL_SCALE, moments::Moments};

bakeoff_core::choices! {
    /// What a pixel is taken for.
    pub(crate) enum Pixels {
        /// A normal value.
        Normal = "normal",
        /// A count.
        Counts = "counts",
        /// On or off.
        OnOff = "on-off",
    }
}

bakeoff_core::settings! {
    pub(crate) struct NaiveBayesSettings {
        pixels: Pixels = "normal", Pixels::KIND,
            "what a pixel is taken for: a normal value, a count (of light), or on-off (at least 128 or not)";
        variance_floor: f64 = 1e-9, SettingKind::Float { min: 0.0, max: 1.0 },
            "pixels normal: share of the largest variance of a pixel that is added to all variances; more of it suits pixels that hardly vary";
        smoothing: f64 = 1.0, SettingKind::Float { min: 1e-9, max: 1e9 },
            "pixels counts and on-off: what every pixel has in every class before an image is counted (1 is Laplace's rule)";
    }
}

/// Levels of a pixel that is on.
pub(crate) const ON: u8 = 128;

/// What a pixel's value becomes before it is weighed.
fn seen(pixels: Pixels, value: u8) -> f64 {
    match pixels {
        Pixels::OnOff => f64::from(u8::from(value >= ON)),
        Pixels::Normal | Pixels::Counts => f64::from(value) * PIXEL_SCALE,
    }
}

/// `bias + Σ weight · x`, or `bias − Σ half · (x − mean)²`, of each class.
pub(crate) struct NaiveBayes {
    pixels: Pixels,
    shape: ImageShape,
    /// Classes × pixels: of counts and on-off the weights, of normal values the means.
    first: Vec<f32>,
    /// Classes × pixels, of normal values: half the inverse variances.
    second: Vec<f32>,
    bias: Vec<f32>,
}

/// What an engine learns of a class.
pub(crate) enum Learned {
    /// Mean and variance of each pixel divided by 255.
    Normal {
        /// The means.
        means: Vec<f64>,
        /// The variances, without a floor.
        variances: Vec<f64>,
    },
    /// The natural logarithm of each pixel's share of the light, or of the images in which it is on.
    LogShares(Vec<f64>),
}

/// What an engine learns of all classes.
pub(crate) struct AllLearned {
    /// Nothing of a class without images.
    pub(crate) classes: Vec<Option<Learned>>,
    /// The largest variance of a pixel over all images, for normal values.
    pub(crate) largest_variance: f64,
}

/// The engine of this crate: exact sums.
pub(crate) fn learn(
    settings: &NaiveBayesSettings,
    train: &Samples,
) -> Result<AllLearned, FitError> {
    let moments = Moments::new(train);
    let pixels = moments.pixels;
    let on = match settings.pixels {
        Pixels::OnOff => counts_on(train),
        Pixels::Normal | Pixels::Counts => Vec::new(),
    };
    let mut classes: Vec<_> = (0..train.classes()).map(|_| None).collect();
    for class in moments.occurring() {
        let count = moments.counts[class] as f64;
        let own = class * pixels..(class + 1) * pixels;
        let sums = moments.sums_of(class);
        classes[class] = Some(match settings.pixels {
            Pixels::Normal => {
                let both = sums.iter().zip(&moments.squares[own]);
                Learned::Normal {
                    means: sums
                        .iter()
                        .map(|&sum| sum as f64 / count * PIXEL_SCALE)
                        .collect(),
                    variances: both
                        .map(|(&sum, &square)| variance(sum, square, count))
                        .collect(),
                }
            }
            Pixels::Counts => {
                let smoothed = |sum: u64| sum as f64 * PIXEL_SCALE + settings.smoothing;
                let all: f64 = sums.iter().map(|&sum| smoothed(sum)).sum();
                let shares = sums.iter().map(|&sum| (smoothed(sum) / all).ln());
                Learned::LogShares(shares.collect())
            }
            Pixels::OnOff => {
                let all = count + 2.0 * settings.smoothing;
                let shares = on[own].iter();
                let shares = shares.map(|&on| ((on as f64 + settings.smoothing) / all).ln());
                Learned::LogShares(shares.collect())
            }
        });
    }
    Ok(AllLearned {
        classes,
        largest_variance: largest_variance(&moments),
    })
}

/// The function of an engine.
pub(crate) type Learn = fn(&NaiveBayesSettings, &Samples) -> Result<AllLearned, FitError>;

/// The model of what an engine learns.
pub(crate) fn fit_by(
    spec: &ModelSpec,
    train: &Samples,
    learn: Learn,
) -> Result<Box<dyn FittedModel>, FitError> {
    let settings: NaiveBayesSettings = spec.settings()?;
    let (classes, pixels) = (train.classes(), train.images().shape().pixels());
    let is_normal = settings.pixels == Pixels::Normal;
    let mut model = NaiveBayes {
        pixels: settings.pixels,
        shape: train.images().shape(),
        first: vec![0.0; classes * pixels],
        second: vec![0.0; if is_normal { classes * pixels } else { 0 }],
        bias: vec![NEVER; classes],
    };
    let learned = learn(&settings, train)?;
    let floor = settings.variance_floor * learned.largest_variance;
    let counts = train.class_counts();
    for (class, learned) in learned.classes.into_iter().enumerate() {
        let Some(learned) = learned else {
            continue;
        };
        let own = class * pixels..(class + 1) * pixels;
        let first = &mut model.first[own.clone()];
        let mut bias = (counts[class] as f64 / train.len() as f64).ln();
        match learned {
            Learned::Normal { means, variances } => {
                let kept = first.iter_mut().zip(&mut model.second[own]);
                for ((mean, half), (own_mean, variance)) in kept.zip(means.iter().zip(variances)) {
                    // Never in a class whose training images had another value.
                    let variance = (variance + floor).max(1e-12);
                    *mean = *own_mean as f32;
                    *half = (0.5 / variance) as f32;
                    bias -= 0.5 * (std::f64::consts::TAU * variance).ln();
                }
            }
            Learned::LogShares(shares) => {
                for (weight, share) in first.iter_mut().zip(shares) {
                    *weight = match settings.pixels {
                        Pixels::OnOff => {
                            let off = (-share.exp()).ln_1p();
                            bias += off;
                            (share - off) as f32
                        }
                        Pixels::Normal | Pixels::Counts => share as f32,
                    };
                }
            }
        }
        model.bias[class] = bias as f32;
    }
    Ok(Box::new(model))
}

/// Of pixels divided by 255.
fn variance(sum: u64, square: u64, count: f64) -> f64 {
    // In whole numbers, as long as they are: the difference of two large sums would lose digits.
    let around = i128::from(square) * count as i128 - i128::from(sum) * i128::from(sum);
    around as f64 / (count * count) * PIXEL_SCALE * PIXEL_SCALE
}

/// The largest variance of a pixel over all images.
fn largest_variance(moments: &Moments) -> f64 {
    let squares = |pixel: usize| {
        moments.squares[pixel..]
            .iter()
            .step_by(moments.pixels)
            .sum()
    };
    let all = moments.all();
    let of_all = all.iter().enumerate();
    let variances =
        of_all.map(|(pixel, &sum)| variance(sum, squares(pixel), moments.images() as f64));
    variances.fold(0.0, f64::max)
}

/// How often each pixel is on in each class, classes × pixels.
fn counts_on(train: &Samples) -> Vec<u64> {
    let pixels = train.images().shape().pixels();
    let mut on = vec![0; train.classes() * pixels];
    for (image, &label) in train.images().iter().zip(train.labels()) {
        let row = &mut on[usize::from(label) * pixels..][..pixels];
        for (count, &value) in row.iter_mut().zip(image) {
            *count += u64::from(value >= ON);
        }
    }
    on
}

impl NaiveBayes {
    pub(crate) fn load(
        spec: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedModel>, StoreError> {
        let settings: NaiveBayesSettings = spec
            .settings()
            .map_err(|error| StoreError::Inconsistent(error.to_string()))?;
        let shape = [header.classes, header.input_shape.pixels()];
        let second = match settings.pixels {
            Pixels::Normal => reader.f32("half_inverse_variances", &shape)?,
            Pixels::Counts | Pixels::OnOff => Vec::new(),
        };
        Ok(Box::new(Self {
            pixels: settings.pixels,
            shape: header.input_shape,
            first: reader.f32(first_name(settings.pixels), &shape)?,
            second,
            bias: reader.f32("bias", &[header.classes])?,
        }))
    }

    fn scores(&self, image: &[u8], out: &mut [f32]) {
        let pixels = self.shape.pixels();
        let mut levels = [0.0; 256];
        for (level, value) in levels.iter_mut().zip(0..=u8::MAX) {
            *level = seen(self.pixels, value);
        }
        let score = |class: usize| {
            let own = class * pixels..(class + 1) * pixels;
            let first = self.first[own.clone()].iter();
            let values = image.iter().map(|&value| levels[usize::from(value)]);
            let sum: f64 = match self.pixels {
                Pixels::Normal => {
                    let parts = values.zip(first).zip(&self.second[own]);
                    parts
                        .map(|((x, &mean), &half)| {
                            let away = x - f64::from(mean);
                            -away * away * f64::from(half)
                        })
                        .sum()
                }
                Pixels::Counts | Pixels::OnOff => values
                    .zip(first)
                    .map(|(x, &weight)| x * f64::from(weight))
                    .sum(),
            };
            f64::from(self.bias[class]) + sum
        };
        let scores: Vec<f64> = (0..self.bias.len()).map(score).collect();
        // Scores can be some hundred thousands, of which single precision has no small differences.
        let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (out, score) in out.iter_mut().zip(scores) {
            *out = (score - top) as f32;
        }
    }
}

/// The name of the first tensor.
fn first_name(pixels: Pixels) -> &'static str {
    match pixels {
        Pixels::Normal => "means",
        Pixels::Counts | Pixels::OnOff => "weights",
    }
}

impl FittedModel for NaiveBayes {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.bias.len()
    }

    fn parameters(&self) -> u64 {
        (self.first.len() + self.second.len() + self.bias.len()) as u64
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let (pixels, classes) = (self.shape.pixels(), self.classes());
        let mut scores = vec![0.0; images.len() * classes];
        scores
            .par_chunks_mut(classes)
            .with_min_len(16)
            .zip(images.pixels().par_chunks(pixels))
            .for_each(|(out, image)| self.scores(image, out));
        Ok(Probabilities::from_logits(classes, scores)?)
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let shape = [self.classes(), self.shape.pixels()];
        let first = TensorData::F32(&self.first);
        out.tensor(first_name(self.pixels), &shape, first)?;
        if self.pixels == Pixels::Normal {
            let second = TensorData::F32(&self.second);
            out.tensor("half_inverse_variances", &shape, second)?;
        }
        out.tensor("bias", &[self.classes()], TensorData::F32(&self.bias))
    }
}
