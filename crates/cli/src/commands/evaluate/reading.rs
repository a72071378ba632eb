//! How a dataset is read for a model.

use bakeoff_ask::Model;
use bakeoff_core::{Colour, Fit, OpenOptions, Preparation, record::origin_of};
use bakeoff_store::Manifest;

use crate::args::EvaluateArgs;

/// How a dataset is read for a model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) options: OpenOptions,
    /// The numbers that stood for black and white where the model learned.
    pub(super) learned: Option<[f64; 2]>,
    /// What is done to images that are files.
    pub(super) files: Files,
    /// What to know about it.
    pub(super) warning: Option<&'static str>,
}

/// What is done to images that are files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    /// They are prepared as `predict` does; the person stated how they are read as they are.
    Prepared { stated: bool },
    /// They are read as they are, for a reason to tell.
    AsTheyAre(Option<&'static str>),
}

const AS_IS: &str = "the images are shown to the model as they are (--as-is), not as `bakeoff predict` prepares them";
const OWN: &str = "the model was trained on these data: its test images are read as they were then, not as `bakeoff predict` prepares images from elsewhere";

impl Reading {
    /// As a person states it, and else as the model's training images were. A dataset that the
    /// model was trained on is read and split as it was then, so that the recorded scores come back.
    pub(super) fn of(args: &EvaluateArgs, dataset: &str, model: &Model) -> Self {
        let manifest = &model.saved.manifest;
        Self::new(args.open.options(), args.as_is, dataset, manifest)
    }

    fn new(stated: OpenOptions, as_is: bool, dataset: &str, manifest: &Manifest) -> Self {
        let origin = manifest.facts.origin.as_ref();
        let trained = origin.filter(|origin| {
            origin_of(&bakeoff_data::absolute(dataset), &origin.options) == origin.data
        });
        let mut options = stated.clone();
        let shape = manifest.input_shape;
        let files = match manifest.preparation() {
            Preparation::Plain { fit } => {
                options.size = options.size.or(Some([shape.height, shape.width]));
                if options.fit == Fit::default() {
                    options.fit = fit;
                }
                Files::AsTheyAre(None)
            }
            Preparation::Ink if as_is => Files::AsTheyAre(Some(AS_IS)),
            Preparation::Ink => match trained {
                Some(origin) => {
                    options.size = options.size.or(origin.options.size);
                    if options.fit == Fit::default() {
                        options.fit = origin.options.fit;
                    }
                    Files::AsTheyAre(Some(OWN))
                }
                None => Files::Prepared {
                    stated: stated.size.is_some()
                        || stated.fit != Fit::default()
                        || stated.colour != Colour::Auto,
                },
            },
        };
        if options.colour == Colour::Auto {
            options.colour = match shape.channels {
                1 => Colour::Grey,
                _ => Colour::Rgb,
            };
        }
        options.label = options
            .label
            .or_else(|| origin.and_then(|it| it.options.label.clone()));
        let mut reading = Self {
            options,
            learned: manifest.facts.pixel_range,
            files,
            warning: None,
        };
        let Some(trained) = trained.map(|origin| &origin.options) else {
            return reading;
        };
        let split = |options: &OpenOptions| {
            let OpenOptions {
                test_fraction,
                split_seed,
                group,
                ..
            } = options.clone();
            (test_fraction, split_seed, group)
        };
        if trained.test_fraction.is_none() || split(&stated) == split(trained) {
            return reading;
        }
        if stated.test_fraction.is_none() {
            let options = &mut reading.options;
            (options.test_fraction, options.split_seed, options.group) = split(trained);
            return reading;
        }
        reading.warning = Some(
            "warning: the model was trained on another split of these images: it has seen some of those that it is measured on. Without --test-fraction, it is measured on its own test part",
        );
        reading
    }
}
