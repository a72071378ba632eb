//! Preparing a person's own picture: from the bytes of a file to what a model sees.
//!
//! There is one function, [`prepare`], and everything that answers about a picture
//! calls it; a model that works on the test set and not on people's own digits has
//! most often been shown something else than it was trained on.
//!
//! MNIST's own digits were made so (Bottou et al., "Cold case: the lost MNIST
//! digits", 2019, <https://arxiv.org/abs/1905.10498>): take the box of the ink,
//! extend it to a square around its middle, average areas down to 20×20, scale the
//! darkest ink to full, and paste into 28×28 so that the centre of mass falls on
//! pixel 14. For other sizes the same is done in proportion.
//!
//! What popular demos do instead, and why it is rejected: no cropping (a small digit
//! stays small); centring the box (1.5 pixels off for a third of the test digits);
//! nearest-neighbour shrinking (thin strokes break); always inverting.

mod decode;
mod error;
mod ink;
mod resample;
mod steps;

use bakeoff_core::{ImageShape, Images};

pub use error::PictureError;
pub use steps::{Step, Tone, Warning};

use decode::Decoded;

/// The longest file that is decoded. Whoever reads a picture from somewhere that may
/// not end reads one byte more than this, and [`prepare`] refuses it by its length.
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// A picture as a model sees it, and how it came about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prepared {
    /// A batch of one, of the shape asked for.
    pub images: Images,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What may make the answer less sure.
    pub warnings: Vec<Warning>,
}

/// Reads a PNG or JPEG, recognised by its content, and prepares it for a model whose
/// pictures have shape `target`.
///
/// - A grey target gets MNIST's own steps (see the module). A grey, opaque picture
///   that already has the target's size and is light on dark is left unchanged, so
///   that a picture written from a dataset predicts as it does in the dataset.
/// - An RGB target is resized to, by area; nothing is known of what its model sees,
///   so that no ink is looked for.
///
/// # Errors
/// When the bytes are no PNG or JPEG, damaged or too large, when there is no ink, or
/// when the target is neither grey nor RGB.
pub fn prepare(bytes: &[u8], target: ImageShape) -> Result<Prepared, PictureError> {
    // Refuses an impossible target before a large picture is decoded.
    if !matches!(target.channels, 1 | 3) || target.pixels() == 0 {
        return Err(PictureError::Target { shape: target });
    }
    let mut log = Log::default();
    let decoded = decode::decode(bytes, &mut log)?;
    let pixels = if target.channels == 1 {
        grey(decoded, target, &mut log)?
    } else {
        color(decoded, target, &mut log)
    };
    let images = Images::new(target, pixels).map_err(|_| PictureError::Target { shape: target })?;
    Ok(Prepared {
        images,
        steps: log.steps,
        warnings: log.warnings,
    })
}

/// The pixels of a picture as they are stored, upright and over white.
pub(crate) struct Stored {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// One plane where the picture is grey, else three.
    planes: Vec<u8>,
}

impl Stored {
    /// Whether no pixel has a colour.
    pub(crate) fn is_grey(&self) -> bool {
        self.planes.len() == self.width * self.height
    }

    /// The planes one after the other; a grey picture has its one plane three times in `rgb`.
    pub(crate) fn into_planes(self, rgb: bool) -> Vec<u8> {
        if rgb && self.is_grey() {
            self.planes.repeat(3)
        } else {
            self.planes
        }
    }
}

/// Decodes a picture of a dataset, which is taken as it is.
pub(crate) fn stored(bytes: &[u8]) -> Result<Stored, PictureError> {
    let decoded = decode::decode(bytes, &mut Log::default())?;
    let (width, height) = (decoded.width(), decoded.height());
    let planes = if decoded.is_plain_grey() {
        decoded.into_grey().0.values
    } else {
        decoded.into_rgb(ImageShape::new(3, height, width))
    };
    Ok(Stored {
        width,
        height,
        planes,
    })
}

/// What was done and noticed so far.
#[derive(Default)]
struct Log {
    steps: Vec<Step>,
    warnings: Vec<Warning>,
}

/// One channel of a picture, row by row.
struct Plane {
    width: usize,
    height: usize,
    values: Vec<u8>,
}

impl Plane {
    /// The rows, from the top. Both sides of a decoded picture are at least 1.
    fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.values.chunks_exact(self.width)
    }
}

fn grey(decoded: Decoded, target: ImageShape, log: &mut Log) -> Result<Vec<u8>, PictureError> {
    let plain = decoded.is_plain_grey();
    let (grey, alpha) = decoded.into_grey();
    if plain && (grey.width, grey.height) == (target.width, target.height) {
        match ink::as_in_a_dataset(&grey) {
            Some(true) => {
                log.steps.push(Step::Kept);
                return Ok(grey.values);
            }
            Some(false) => {}
            None => return Err(PictureError::NothingDrawn),
        }
    }
    let ink = ink::find(grey, alpha, log)?;
    Ok(ink::like_mnist(&ink, target, log))
}

fn color(decoded: Decoded, target: ImageShape, log: &mut Log) -> Vec<u8> {
    let (width, height) = (decoded.width(), decoded.height());
    let planes = decoded.into_rgb(target);
    if (width, height) == (target.width, target.height) {
        log.steps.push(Step::Kept);
    } else {
        log.steps.push(Step::Resized {
            width: target.width,
            height: target.height,
        });
        // Compared as products, so that nothing is rounded.
        if width * target.height != height * target.width {
            log.warnings.push(Warning::AspectChanged);
        }
    }
    planes
}

#[cfg(test)]
mod tests;
