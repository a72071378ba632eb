//! The settings of the family.

use bakeoff_core::{DataShape, ModelSpec, Samples, SettingKind, SpecError};
use bakeoff_kernels::KernelFunction;
use serde::{Deserialize, Deserializer, de::Error as _};

bakeoff_core::choices! {
    /// The function of two images that stands for their product.
    pub(crate) enum KernelName {
        /// exp(−gamma |x − y|²)
        Rbf = "rbf",
        /// x·y
        Linear = "linear",
        /// (gamma x·y + coef0)^degree
        Poly = "poly",
    }
}

bakeoff_core::choices! {
    /// What decides the predicted class.
    pub(crate) enum Decision {
        /// The distribution that agrees best with all pairs.
        Probabilities = "probabilities",
        /// How many pairs a class wins; among equals the sum of their values.
        Votes = "votes",
    }
}

/// γ of the kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Gamma {
    Fixed(f64),
    /// 1 / (pixels · variance of all pixels), as scikit-learn's.
    Scale,
}

impl Gamma {
    const SCALE: &'static str = "scale";
    const KIND: SettingKind = SettingKind::FloatOr {
        min: 1e-9,
        max: 1e9,
        word: Self::SCALE,
    };

    /// For these images, in single precision as it is saved.
    pub(crate) fn of(self, train: &Samples) -> f32 {
        let gamma = match self {
            Self::Fixed(gamma) => gamma,
            Self::Scale => {
                let pixels = train.images().pixels();
                // Exact: below 2⁶⁴ for fewer than 2⁴⁸ bytes.
                let (sum, squares) = pixels.iter().fold((0_u64, 0_u64), |(sum, squares), &byte| {
                    (sum + u64::from(byte), squares + u64::from(byte).pow(2))
                });
                let count = pixels.len() as f64;
                let mean = sum as f64 / count;
                let variance = (squares as f64 / count - mean * mean) / 255.0_f64.powi(2);
                match variance > 0.0 {
                    true => 1.0 / (train.images().shape().pixels() as f64 * variance),
                    false => 1.0,
                }
            }
        };
        gamma as f32
    }
}

impl<'de> Deserialize<'de> for Gamma {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Number(f64),
            Word(String),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Number(gamma) => Ok(Self::Fixed(gamma)),
            Raw::Word(word) if word == Self::SCALE => Ok(Self::Scale),
            Raw::Word(word) => Err(D::Error::custom(format!("gamma = {word:?}"))),
        }
    }
}

bakeoff_core::settings! {
    /// The settings of the family.
    pub(crate) struct SvmSettings {
        kernel: KernelName = "rbf", KernelName::KIND,
            "exp(-gamma |x - y|^2), x·y, or (gamma x·y + coef0)^degree, of pixels from 0 to 1";
        c: f64 = 10.0, SettingKind::Float { min: 1e-9, max: 1e9 },
            "what an image on the wrong side of the margin costs: the larger, the closer the fit";
        gamma: Gamma = "scale", Gamma::KIND,
            "how fast similarity falls with distance; scale: 1 / (pixels × their variance)";
        degree: u32 = 3, SettingKind::Int { min: 1, max: 20 },
            "the power of the kernel poly";
        coef0: f64 = 0.0, SettingKind::Float { min: 0.0, max: 1e6 },
            "what the kernel poly adds before it takes the power";
        tolerance: f64 = 1e-3, SettingKind::Float { min: 1e-6, max: 1.0 },
            "how far the fit may violate the conditions of its optimum";
        decision: Decision = "probabilities", Decision::KIND,
            "what decides the class: the probabilities of all pairs, or the pairs that it wins, as in LIBSVM";
        cache_mb: usize = 1000, SettingKind::Int { min: 1, max: 1 << 30 },
            "memory for the kernel matrix in megabytes; where it is short, values are computed again";
    }
}

impl SvmSettings {
    /// The settings of a resolved spec.
    pub(crate) fn of(spec: &ModelSpec) -> Result<Self, SpecError> {
        spec.settings()
    }

    /// The kernel for a γ.
    pub(crate) fn function(&self, gamma: f32) -> KernelFunction {
        let gamma = gamma.into();
        match self.kernel {
            KernelName::Rbf => KernelFunction::Rbf { gamma },
            KernelName::Linear => KernelFunction::Linear,
            KernelName::Poly => KernelFunction::Polynomial {
                gamma,
                coef0: self.coef0,
                degree: self.degree,
            },
        }
    }
}

/// Why an engine cannot be trained on such data, if it cannot.
pub(crate) type Refuses = fn(&SvmSettings, &DataShape) -> Option<String>;
