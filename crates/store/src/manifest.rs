//! The manifest of a saved model.

use bakeoff_core::{ImageShape, ModelHeader, ModelSpec, OpenOptions, Preparation, to_hex};
use bakeoff_metrics::FitBound;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The version of the saved-model format. A reader refuses any other by number.
pub const FORMAT_VERSION: u32 = 1;

/// The results of a saved model on the test part of its dataset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestMetrics {
    /// Test samples.
    pub samples: usize,
    /// Share of correct answers.
    pub accuracy: f64,
    /// Mean F1 over the classes.
    pub macro_f1: f64,
    /// Mean area under the one-vs-rest ROC curves; `None` where no class has one.
    pub macro_auc: Option<f64>,
    /// Mean negative log probability of the correct class, in nats.
    pub log_loss: f64,
}

/// Where and when a model came to be: to keep models of different datasets of one name apart, and
/// to find the newest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Where its dataset comes from and how it was opened: `DataRef::origin`.
    pub data: String,
    /// When it was saved, RFC 3339 in UTC.
    pub saved_at: String,
    /// Whether it was trained on a part of the training data because a run was limited to it.
    pub partial: bool,
    /// How its dataset was opened.
    #[serde(default, skip_serializing_if = "OpenOptions::is_default")]
    pub options: OpenOptions,
}

/// The weights beside a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsFile {
    /// Its name in the same folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// What is saved about a model, besides what the model itself knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// The name that it was saved by (`cnn`). The name of its folder counts.
    pub name: String,
    /// The dataset that it was trained on (`mnist`).
    pub dataset: String,
    /// Family, engine and every setting.
    pub spec: ModelSpec,
    /// The names of the classes, in the order of the probabilities.
    pub class_names: Vec<String>,
    /// How its training images came to be, and so how other images are prepared for it; missing in
    /// models of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation: Option<Preparation>,
    /// The numbers that stood for black and white in its training data, where these are tables or
    /// arrays of numbers, and so in others that it is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixel_range: Option<[f64; 2]>,
    /// How well images must fit a class not to be called strange to all; missing where the model cannot
    /// tell, and in models of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit_bound: Option<FitBound>,
    /// Fingerprint of the whole dataset.
    pub data_fingerprint: String,
    /// Where and when it came to be; missing in models of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Samples it was trained on.
    pub train_samples: usize,
    /// Samples of the validation part.
    pub validation_samples: usize,
    /// Seed of the fit.
    pub seed: u64,
    /// The trial that trained it.
    pub trial: String,
    /// Its results on the test part.
    pub test: TestMetrics,
}

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] when it was written.
    pub format_version: u32,
    /// Version of bakeoff that wrote it.
    pub bakeoff_version: String,
    /// What the trial knows about it.
    #[serde(flatten)]
    pub facts: ModelFacts,
    /// The shape of the images it answers.
    pub input_shape: ImageShape,
    /// What happens to an image before the model sees it, in words: pixels are bytes,
    /// and every family scales them as its documentation says.
    pub preprocessing: String,
    /// The number of its parameters.
    pub parameters: u64,
    /// The temperature that scales its probabilities; missing if the model is not
    /// calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Where the weights are.
    pub weights: WeightsFile,
    /// SHA-256 over this manifest with this field empty, as compact JSON.
    pub checksum: String,
}

impl ModelFacts {
    /// A model of which no more is known than what it is: no origin, no data and no results.
    pub fn new(
        name: impl Into<String>,
        dataset: impl Into<String>,
        spec: ModelSpec,
        class_names: Vec<String>,
    ) -> Self {
        Self {
            name: name.into(),
            dataset: dataset.into(),
            spec,
            class_names,
            preparation: None,
            pixel_range: None,
            fit_bound: None,
            data_fingerprint: String::new(),
            origin: None,
            train_samples: 0,
            validation_samples: 0,
            seed: 0,
            trial: String::new(),
            test: TestMetrics::default(),
        }
    }

    /// Whether both were trained on the same dataset: the same images, or the same place, whose
    /// images may have changed since.
    pub(crate) fn same_dataset(&self, other: &Self) -> bool {
        let place = |facts: &Self| facts.origin.as_ref().map(|origin| origin.data.clone());
        self.data_fingerprint == other.data_fingerprint
            || place(self).is_some_and(|own| place(other) == Some(own))
    }
}

impl Manifest {
    /// How images are prepared for it.
    pub fn preparation(&self) -> Preparation {
        let earlier = || Preparation::of_earlier_versions(self.input_shape);
        self.facts.preparation.unwrap_or_else(earlier)
    }

    /// The part that a family's `load` needs.
    pub fn header(&self) -> ModelHeader {
        ModelHeader {
            input_shape: self.input_shape,
            classes: self.facts.class_names.len(),
        }
    }

    /// The checksum that this content should have.
    pub(crate) fn computed_checksum(&self) -> String {
        let mut bare = self.clone();
        bare.checksum.clear();
        // Plain data: serialising to memory cannot fail.
        to_hex(&Sha256::digest(
            serde_json::to_vec(&bare).unwrap_or_default(),
        ))
    }
}
