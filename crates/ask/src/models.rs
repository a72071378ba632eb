//! Saved models that are ready to answer.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bakeoff_core::{Images, Layers, PredictError, StoreError, quoted};
use bakeoff_store::{LoadedModel, Manifest, Origin};
use serde::Serialize;

use crate::names::{Candidate, NameError, find, short_name};

/// A saved model that is ready to answer.
pub struct Model {
    /// The model with its name and its manifest.
    pub saved: LoadedModel,
    layers: OnceLock<Option<Layers>>,
}

/// What a model answers about one image.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The most probable class, by its position.
    pub label: u16,
    /// The probability of each class.
    pub probabilities: Vec<f32>,
    /// How long the model took.
    pub took: Duration,
    /// Whether the image fits this class worse than nearly all held-out images with that answer did.
    pub no_class_fits: bool,
}

/// Why an answer is to be doubted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// Its probability is below [`SURE`].
    Unsure,
    /// The image looks as if no class fitted: a letter, a scribble.
    NoClassFits,
}

impl Doubt {
    /// In words, to be said of an answer.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unsure => "unsure",
            Self::NoClassFits => "perhaps none of the classes",
        }
    }
}

/// An answer of a lower probability is unsure. Of the answers to images of real handwriting
/// that were below it a third was wrong, and they were seven of ten that were wrong
/// (docs/own-pictures.md).
pub const SURE: f32 = 0.9;

impl Answer {
    /// Why it is to be doubted, if it is.
    pub fn doubt(&self) -> Option<Doubt> {
        match (self.no_class_fits, self.confidence() < SURE) {
            (true, _) => Some(Doubt::NoClassFits),
            (false, true) => Some(Doubt::Unsure),
            (false, false) => None,
        }
    }

    /// The probability of the most probable class.
    pub fn confidence(&self) -> f32 {
        self.probabilities[usize::from(self.label)]
    }

    /// The classes by their positions, the most probable first.
    pub fn ranked(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.probabilities.len()).collect();
        // Stable, so that equals stay in the order of the classes, as for `label`.
        order.sort_by(|&a, &b| self.probabilities[b].total_cmp(&self.probabilities[a]));
        order
    }
}

/// Why a model cannot be opened by its name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No model has this name.
    #[error("{error}{}", remedy(error, folder))]
    Name {
        /// What is wrong with the name.
        error: NameError,
        /// The folder of saved models.
        folder: PathBuf,
    },
    /// The model or the folder of models cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What to do about a name, where the error does not say it already.
fn remedy(error: &NameError, folder: &Path) -> String {
    let NameError::Unknown { name, .. } = error else {
        return String::new();
    };
    // `mnist/cnn` is trained by running the experiment's model `cnn`.
    let model = match short_name(name) {
        known if bakeoff_zoo::family(known).is_ok() => format!(" --models {known}"),
        _ => String::new(),
    };
    format!(
        "\n  saved models are in the folder {}; train models with `bakeoff run{model}{}`",
        folder.display(),
        models_dir_flag(folder)
    )
}

/// What a command needs to find the saved models of this folder: ` --models-dir 'my models'`,
/// or nothing for the folder that commands use by themselves.
pub fn models_dir_flag(folder: &Path) -> String {
    match folder == Path::new("models") {
        true => String::new(),
        false => format!(" --models-dir {}", quoted(&folder.to_string_lossy())),
    }
}

impl Model {
    /// A model that was loaded.
    pub fn new(saved: LoadedModel) -> Self {
        Self {
            saved,
            layers: OnceLock::new(),
        }
    }

    /// Reads the model called `name` from a folder of saved models: `mnist/cnn`, or `cnn` for the
    /// newest one of any dataset, where those of limited runs come last. With it come the full
    /// names of the others that a short name could mean.
    ///
    /// # Errors
    /// When there is no such model, or it cannot be read.
    pub fn open(folder: &Path, name: &str) -> Result<(Self, Vec<String>), OpenError> {
        let listed = bakeoff_store::list(folder)?;
        let candidates: Vec<Candidate<'_>> = listed
            .iter()
            .map(|it| Candidate {
                full_name: &it.full_name,
                origin: it.manifest.as_ref().ok().and_then(origin),
            })
            .collect();
        let found = find(name, &candidates).map_err(|error| OpenError::Name {
            error,
            folder: folder.to_owned(),
        })?;
        let mut found = found.into_iter().map(|at| &listed[at]);
        // At least one is found.
        let meant = found.next().map(|it| it.folder.as_path());
        let saved = bakeoff_store::load(meant.unwrap_or(folder), bakeoff_zoo::family)?;
        let others = found.map(|it| it.full_name.clone()).collect();
        Ok((Self::new(saved), others))
    }

    /// The name that is never ambiguous: `mnist/cnn`.
    pub fn name(&self) -> &str {
        &self.saved.full_name
    }

    /// The name of one of its classes.
    pub fn class_name(&self, class: usize) -> &str {
        // As many names as classes: checked when the model was loaded.
        let names = &self.saved.manifest.facts.class_names;
        names.get(class).map_or("", String::as_str)
    }

    /// Asks about the one image of a batch.
    ///
    /// # Errors
    /// When the model cannot answer.
    pub fn answer(&self, images: &Images) -> Result<Answer, PredictError> {
        let mut answers = self.answers(images)?;
        match (answers.pop(), answers.is_empty()) {
            (Some(answer), true) => Ok(answer),
            _ => Err(PredictError::Engine {
                engine: "any",
                reason: format!("{} images instead of one", images.len()),
            }),
        }
    }

    /// Asks about the images of a batch; each answer has its share of the time.
    ///
    /// # Errors
    /// When the model cannot answer.
    pub fn answers(&self, images: &Images) -> Result<Vec<Answer>, PredictError> {
        let start = Instant::now();
        let (probabilities, scores) = self.saved.model.predict_scored(images)?;
        let took = start.elapsed() / u32::try_from(images.len().max(1)).unwrap_or(u32::MAX);
        let labels = probabilities.predicted().into_iter().enumerate();
        let bound = self.saved.manifest.facts.fit_bound.as_ref();
        let score = |row: usize| scores.as_ref()?.get(row).copied();
        let no_class_fits = |row, label| Some(bound?.is_missed(label, score(row)?));
        let answer = |(row, label)| Answer {
            label,
            probabilities: probabilities.row(row).to_vec(),
            took,
            no_class_fits: no_class_fits(row, label).unwrap_or(false),
        };
        Ok(labels.map(answer).collect())
    }

    /// Whether it is a program that somebody else wrote.
    pub(crate) fn is_program(&self) -> bool {
        bakeoff_zoo::family(&self.saved.manifest.facts.spec.family)
            .is_ok_and(|family| family.is_program())
    }

    /// The model as a chain of layers, if it is one; computed when first asked for.
    pub(crate) fn layers(&self) -> Option<&Layers> {
        self.layers
            .get_or_init(|| self.saved.model.layers())
            .as_ref()
    }
}

/// Where and when a model came to be.
fn origin(manifest: &Manifest) -> Option<&Origin> {
    manifest.facts.origin.as_ref()
}

/// A saved model that cannot be read.
#[derive(Clone, Debug, Serialize)]
pub struct Unreadable {
    /// Its full name.
    pub name: String,
    /// What is wrong with it, and what to do.
    pub reason: String,
}

/// All models of a folder. It never changes; reading the folder again gives another one.
#[derive(Default)]
pub struct Models {
    /// Those that are ready to answer.
    pub ready: Vec<Arc<Model>>,
    /// Those that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

impl Models {
    /// Reads every model of a folder, in the order of their names. A model that is already
    /// in `known` and has not changed is not read again. A damaged model hides no other.
    ///
    /// # Errors
    /// When the folder exists but cannot be read.
    pub fn read(folder: &Path, known: &Self) -> Result<Self, StoreError> {
        let mut models = Self::default();
        for listed in bakeoff_store::list(folder)? {
            let unchanged = listed.manifest.as_ref().ok().and_then(|manifest| {
                known.ready.iter().find(|model| {
                    // A copy has the same checksum but another name.
                    model.name() == listed.full_name
                        && model.saved.manifest.checksum == manifest.checksum
                })
            });
            if let Some(model) = unchanged {
                models.ready.push(Arc::clone(model));
                continue;
            }
            let loaded = listed
                .manifest
                .and_then(|_| bakeoff_store::load(&listed.folder, bakeoff_zoo::family));
            match loaded {
                Ok(saved) => models.ready.push(Arc::new(Model::new(saved))),
                Err(error) => models.unreadable.push(Unreadable {
                    name: listed.full_name,
                    reason: error.to_string(),
                }),
            }
        }
        Ok(models)
    }

    /// The same models, the best accuracy on the test part first.
    pub fn best_first(mut self) -> Self {
        let accuracy = |model: &Model| model.saved.manifest.facts.test.accuracy;
        self.ready.sort_by(|a, b| {
            accuracy(b)
                .total_cmp(&accuracy(a))
                .then_with(|| a.name().cmp(b.name()))
        });
        self
    }

    /// Why none of the models of this folder answers, and what to do, where none does.
    pub fn none_ready(&self, folder: &Path) -> String {
        let shown = folder.display();
        if self.unreadable.is_empty() {
            return format!(
                "there are no saved models in {shown}; train some with `bakeoff run{}`",
                models_dir_flag(folder)
            );
        }
        let mut text = format!("no saved model in {shown} can be read:");
        for unreadable in &self.unreadable {
            text += &format!("\n  {}: {}", unreadable.name, unreadable.reason);
        }
        text
    }

    /// The models of these names (`mnist/cnn`, or `cnn` for the newest), each once and in the order of [`Self::ready`]; all models if no name is given.
    ///
    /// # Errors
    /// When a name stands for no model, or for one that cannot be read.
    pub fn named(&self, names: &[String]) -> Result<Vec<Arc<Model>>, NameError> {
        if names.is_empty() {
            return Ok(self.ready.clone());
        }
        let known: Vec<Candidate<'_>> = self
            .ready
            .iter()
            .map(|model| Candidate {
                full_name: model.name(),
                origin: origin(&model.saved.manifest),
            })
            .collect();
        let mut wanted: Vec<usize> = Vec::with_capacity(names.len());
        for name in names {
            let found = find(name, &known).map_err(|error| self.why_not(name, error))?;
            wanted.extend(found.first());
        }
        wanted.sort_unstable();
        wanted.dedup();
        Ok(wanted
            .into_iter()
            .map(|position| Arc::clone(&self.ready[position]))
            .collect())
    }

    /// The error of a name that is not among the models that are ready: perhaps it is that of
    /// one that cannot be read.
    fn why_not(&self, name: &str, error: NameError) -> NameError {
        let named = |it: &&Unreadable| it.name == name || short_name(&it.name) == name;
        match (&error, self.unreadable.iter().find(named)) {
            (NameError::Unknown { .. }, Some(unreadable)) => NameError::Unreadable {
                name: name.to_owned(),
                reason: unreadable.reason.clone(),
            },
            _ => error,
        }
    }
}
