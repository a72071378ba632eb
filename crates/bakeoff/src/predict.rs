//! A saved model, and its answer to a person's image.

use std::path::Path;

use bakeoff_ask::{Inputs, Model, Subject};

use crate::Error;

/// A model's answer to one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The name of the most probable class.
    pub class: String,
    /// Its probability.
    pub probability: f32,
    /// Every class with its probability, the most probable first.
    pub ranked: Vec<(String, f32)>,
    /// What was unusual about the image, in words.
    pub warnings: Vec<String>,
}

/// Reads a saved model. `name` is `<dataset>/<model>`, or the model alone for the newest
/// one; [`Model::name`] says which that is.
///
/// # Errors
/// When there is no such model, with those there are; or its files are damaged.
pub fn load(models: &Path, name: &str) -> Result<Model, Error> {
    Ok(Model::open(models, name)?.0)
}

/// Prepares an image (the bytes of a PNG, JPEG or other file, any size) as the model's training images
/// were, and asks the model.
///
/// # Errors
/// When the image cannot be read or holds no drawing.
///
/// ```
/// use std::path::Path;
///
/// # let folder = tempfile::tempdir()?;
/// # let experiment = bakeoff::Experiment::parse(
/// #     "name = 'x'\ndatasets = ['mnist']\nlimit_train = 300\nlimit_test = 100\n[[models]]\nfamily = 'knn'",
/// #     Path::new("x.toml"),
/// # )?;
/// # let options = bakeoff::Options {
/// #     reports: folder.path().join("reports"),
/// #     models: folder.path().join("models"),
/// #     threads: 1,
/// # };
/// # bakeoff::compare(&experiment, &options)?;
/// # let models = options.models.as_path();
/// # let mnist = bakeoff_data::open("mnist")?;
/// # let digit = mnist.test().images().select(&[0]);
/// # let png = bakeoff_picture::encode_png(digit.shape(), digit.pixels())?;
/// let model = bakeoff::load(models, "knn")?;
/// let answer = bakeoff::predict(&model, &png)?;
/// assert_eq!(answer.class, "7");
/// assert_eq!(answer.ranked.len(), 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn predict(model: &Model, picture: &[u8]) -> Result<Prediction, Error> {
    let subject = Subject::Picture(picture);
    let mut inputs = Inputs::new(&subject);
    let (_, input) = inputs.of(model)?;
    let answer = model.answer(&input.images)?;
    let ranked: Vec<(String, f32)> = answer
        .ranked()
        .into_iter()
        .map(|class| {
            (
                model.class_name(class).to_owned(),
                answer.probabilities[class],
            )
        })
        .collect();
    Ok(Prediction {
        class: model.class_name(usize::from(answer.label)).to_owned(),
        probability: answer.confidence(),
        ranked,
        warnings: input.warnings.clone(),
    })
}
