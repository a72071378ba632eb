//! What is asked about, prepared as the models need it.

use bakeoff_core::{ImageShape, Images, PredictError, Preparation};
use bakeoff_picture::{PictureError, prepare};

use crate::models::{Answer, Model};

/// What is asked about. `B` holds the bytes of a file.
pub enum Subject<B> {
    /// A file of a kind that is read, to be prepared.
    Picture(B),
    /// The values of an image as a model sees them, taken as they are.
    Pixels(Vec<u8>),
}

/// An image as models of one input shape see it.
#[derive(Clone, Debug)]
pub struct Input {
    /// A batch of one.
    pub images: Images,
    /// What was done to the image, in order.
    pub steps: Vec<String>,
    /// What may make the answers less reliable.
    pub warnings: Vec<String>,
    /// The same image without the turn that its EXIF orientation asks for, where it does.
    pub as_stored: Option<Images>,
}

impl Input {
    /// What a model answers about the image as it is stored, in words, where its `answer` is to be doubted, this
    /// one is not and another: the EXIF orientation may be wrong.
    ///
    /// # Errors
    /// When the model cannot answer.
    pub fn answer_as_stored(
        &self,
        model: &Model,
        answer: &Answer,
    ) -> Result<Option<String>, PredictError> {
        let (Some(images), Some(_)) = (&self.as_stored, answer.doubt()) else {
            return Ok(None);
        };
        let other = model.answer(images)?;
        let is_better = other.doubt().is_none() && other.label != answer.label;
        Ok(is_better.then(|| {
            format!(
                "the EXIF orientation may be wrong: as the image is stored, {} answers {}",
                model.name(),
                model.class_name(usize::from(other.label)),
            )
        }))
    }
}

/// Why there is no input for a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The image cannot be prepared, or nothing is drawn in it.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The values are not one image of the model's input shape.
    #[error("`pixels` has {got} values; an image of {shape} has {}", shape.pixels())]
    Pixels {
        /// How many there are.
        got: usize,
        /// The model's input shape.
        shape: ImageShape,
    },
}

impl<B: AsRef<[u8]>> Subject<B> {
    fn prepare(&self, shape: ImageShape, how: Preparation) -> Result<Input, InputError> {
        match self {
            Self::Picture(bytes) => {
                let done = prepare(bytes.as_ref(), shape, how)?;
                Ok(Input {
                    as_stored: done.as_stored(),
                    images: done.images,
                    steps: done.steps.iter().map(ToString::to_string).collect(),
                    warnings: done.warnings.iter().map(ToString::to_string).collect(),
                })
            }
            Self::Pixels(pixels) => {
                let images = Images::new(shape, pixels.clone())
                    .ok()
                    .filter(|images| images.len() == 1)
                    .ok_or(InputError::Pixels {
                        got: pixels.len(),
                        shape,
                    })?;
                let blank = pixels.windows(2).all(|pair| pair[0] == pair[1]);
                if how == Preparation::Ink && blank {
                    return Err(PictureError::NothingDrawn.into());
                }
                Ok(Input {
                    images,
                    steps: Vec::new(),
                    warnings: Vec::new(),
                    as_stored: None,
                })
            }
        }
    }
}

/// One image, prepared once for each input shape and preparation.
pub struct Inputs<'a, B> {
    subject: &'a Subject<B>,
    prepared: Vec<(Preparation, Input)>,
}

impl<'a, B: AsRef<[u8]>> Inputs<'a, B> {
    /// Nothing is prepared yet.
    pub fn new(subject: &'a Subject<B>) -> Self {
        Self {
            subject,
            prepared: Vec::new(),
        }
    }

    /// The input for a model, with its position among all inputs.
    ///
    /// # Errors
    /// When the image cannot be prepared for this model.
    pub fn of(&mut self, model: &Model) -> Result<(usize, &Input), InputError> {
        let manifest = &model.saved.manifest;
        let (shape, how) = (manifest.input_shape, manifest.preparation());
        let known =
            |(done, input): &(Preparation, Input)| *done == how && input.images.shape() == shape;
        let position = match self.prepared.iter().position(known) {
            Some(position) => position,
            None => {
                self.prepared.push((how, self.subject.prepare(shape, how)?));
                self.prepared.len() - 1
            }
        };
        Ok((position, &self.prepared[position].1))
    }

    /// All inputs so far, in the order in which they were asked for.
    pub fn into_vec(self) -> Vec<Input> {
        self.prepared.into_iter().map(|(_, input)| input).collect()
    }
}
