//! The models that answer: what lies in the folder of models, kept in memory.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use bakeoff_core::{FittedModel, Layers, StoreError, did_you_mean, nearest_name};
use bakeoff_store::{LoadedModel, Manifest};

use crate::problem::{Code, Problem};

/// The longest name that is looked for.
const MAX_NAME_BYTES: usize = 512;

/// A model that answers.
pub(crate) struct Served {
    /// `mnist/cnn`, from its folders.
    pub(crate) name: String,
    pub(crate) manifest: Manifest,
    pub(crate) model: Box<dyn FittedModel>,
    layers: OnceLock<Option<Layers>>,
}

impl Served {
    pub(crate) fn new(loaded: LoadedModel) -> Self {
        Self {
            name: loaded.full_name,
            manifest: loaded.manifest,
            model: loaded.model,
            layers: OnceLock::new(),
        }
    }

    /// The model as a chain of layers, where it is one; written down when it is first
    /// asked for.
    pub(crate) fn layers(&self) -> Option<&Layers> {
        self.layers.get_or_init(|| self.model.layers()).as_ref()
    }

    /// Its name where only one dataset has such a model: `cnn`.
    fn short_name(&self) -> &str {
        bakeoff_store::short_name(&self.name)
    }

    /// The name of one of its classes.
    pub(crate) fn class_name(&self, class: usize) -> &str {
        // As many names as classes: checked when the model was loaded.
        self.manifest
            .facts
            .class_names
            .get(class)
            .map_or("", String::as_str)
    }
}

/// A model that lies in the folder and cannot be read.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// One state of the shelf, unchanging; whoever holds it is not disturbed by the next.
#[derive(Default)]
pub(crate) struct Models {
    /// The most accurate on its test data first.
    pub(crate) served: Vec<Arc<Served>>,
    pub(crate) unreadable: Vec<Unreadable>,
}

impl Models {
    pub(crate) fn new(mut served: Vec<Arc<Served>>, unreadable: Vec<Unreadable>) -> Self {
        let accuracy = |served: &Served| served.manifest.facts.test.accuracy;
        served.sort_by(|a, b| {
            accuracy(b)
                .total_cmp(&accuracy(a))
                .then_with(|| a.name.cmp(&b.name))
        });
        Self { served, unreadable }
    }

    /// The models of these names (`cnn`, or `mnist/cnn` where several datasets have
    /// one) in the shelf's order; all of them where no name is given.
    ///
    /// # Errors
    /// [`Code::NoModels`], [`Code::UnknownModel`], or [`Code::InvalidRequest`] for a name
    /// that could be several.
    pub(crate) fn named(&self, names: &[String]) -> Result<Vec<Arc<Served>>, Problem> {
        if self.served.is_empty() {
            return Err(Problem::new(
                Code::NoModels,
                "there are no models yet: train some with `bakeoff run`",
            ));
        }
        if names.is_empty() {
            return Ok(self.served.clone());
        }
        let wanted = names
            .iter()
            .map(|name| self.find(name))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self
            .served
            .iter()
            .filter(|served| wanted.iter().any(|other| Arc::ptr_eq(other, served)))
            .cloned()
            .collect())
    }

    fn find(&self, name: &str) -> Result<&Arc<Served>, Problem> {
        // Looking for a similar name takes memory by the product of the lengths.
        if name.len() > MAX_NAME_BYTES {
            return Err(Problem::new(
                Code::UnknownModel,
                format!("there is no model with a name of {} bytes", name.len()),
            ));
        }
        let matching: Vec<&Arc<Served>> = self
            .served
            .iter()
            .filter(|served| served.name == name || served.short_name() == name)
            .collect();
        match matching[..] {
            [one] => Ok(one),
            [] => {
                let names = || self.served.iter().map(|served| served.name.as_str());
                let short = self.served.iter().map(|served| served.short_name());
                let nearest = nearest_name(name, names().chain(short));
                let suggestion = did_you_mean(nearest.as_deref());
                Err(Problem::new(
                    Code::UnknownModel,
                    format!(
                        "there is no model `{name}`{suggestion}; there are: {}",
                        names().collect::<Vec<_>>().join(", ")
                    ),
                ))
            }
            _ => Err(Problem::invalid(format!(
                "`{name}` could be any of: {}; say which",
                matching
                    .iter()
                    .map(|served| served.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }
}

/// The folder of models, and what was read from it last.
pub(crate) struct Shelf {
    folder: PathBuf,
    models: RwLock<Arc<Models>>,
}

impl Shelf {
    /// A shelf over a folder, empty until [`Shelf::refresh`].
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            models: RwLock::default(),
        }
    }

    /// What is on it now.
    pub(crate) fn models(&self) -> Arc<Models> {
        Arc::clone(&self.models.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads what is new or changed in the folder, and lets go of what is no longer
    /// there. Damage in one model is told and hides no other. Models that have not
    /// changed are not read again.
    ///
    /// # Errors
    /// When the folder is there but cannot be read; the shelf then stays as it was.
    pub(crate) fn refresh(&self) -> Result<(), StoreError> {
        let before = self.models();
        let (mut served, mut unreadable) = (Vec::new(), Vec::new());
        for listed in bakeoff_store::list(&self.folder)? {
            let kept = listed.manifest.as_ref().ok().and_then(|manifest| {
                before.served.iter().find(|old| {
                    // A copy has the same checksum, and is another model to whoever asks.
                    old.name == listed.full_name && old.manifest.checksum == manifest.checksum
                })
            });
            if let Some(kept) = kept {
                served.push(Arc::clone(kept));
                continue;
            }
            match listed
                .manifest
                .and_then(|_| bakeoff_store::load(&listed.folder, bakeoff_zoo::family))
            {
                Ok(loaded) => served.push(Arc::new(Served::new(loaded))),
                Err(error) => unreadable.push(Unreadable {
                    name: listed.full_name,
                    reason: error.to_string(),
                }),
            }
        }
        self.put(Models::new(served, unreadable));
        Ok(())
    }

    /// Replaces what is on the shelf.
    pub(crate) fn put(&self, models: Models) {
        *self.models.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(models);
    }
}
