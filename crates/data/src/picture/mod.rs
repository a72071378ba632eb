//! Preparing a person's own picture: from the bytes of a file to what a model sees.
//!
//! There is one function, [`prepare`], and everything that answers about a picture
//! calls it; a model that works on the test set and not on people's own digits has
//! most often been shown something else than it was trained on.
//!
//! MNIST's own digits were made so (Bottou et al., "Cold case: the lost MNIST
//! digits", 2019, <https://arxiv.org/abs/1905.10498>): take the box of the ink, extend it to
//! a square around its middle, average areas down to 20×20, scale the darkest ink to
//! full, and paste into 28×28 so that the centre of mass falls on pixel 14. For other
//! sizes the same is done in proportion.
//!
//! For a grey target, in this order:
//!
//! 1. `decode`: upright as EXIF says, over white where transparent, grey (0.2126 R +
//!    0.7152 G + 0.0722 B). A picture that already is as a dataset's own ends here.
//! 2. A picture of more than 1024 pixels on a side is averaged to fewer.
//! 3. `page`: the desk around a page is painted over. `paper`: the background is the median of the border; ink is what is darker (or
//!    lighter) by more than the background itself strays. Uneven light is flattened, and a
//!    threshold taken.
//! 4. `lines`: ruled and squared paper is erased: lines that go from border to border.
//! 5. `pieces`: specks, and slivers of shadow at the edge, are dropped, several drawings
//!    noticed. Where but dust is left, nothing was drawn.
//! 6. `stroke`: hairlines are thickened.
//! 7. `ink`: MNIST's steps, above.
//!
//! A clean drawing, black on white without specks and with strokes of a usual width,
//! passes 2, 4, 5 and 6 unchanged, and needs of 3 no more than this: with `b` the median of
//! the border and `d` the darkest level, the ink of a pixel of level `v` is `max(b - v, 0)`,
//! and the box holds the pixels of at least `max((b - d) / 4, 1)` ink, rounded down.
//!
//! What popular demos do instead, and why it is rejected: no cropping (a small digit
//! stays small); centring the box (1.5 pixels off for a third of the test digits);
//! nearest-neighbour shrinking (thin strokes break); always inverting. `docs/own-pictures.md`
//! says how much accuracy each kind of picture keeps.

mod decode;
mod error;
mod ink;
mod lines;
mod page;
mod paper;
mod pieces;
mod resample;
mod steps;
mod stroke;

use bakeoff_core::{ImageShape, Images};

pub use error::PictureError;
pub use steps::{Step, Tone, Warning};

use decode::Decoded;
use paper::Ink;

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
    logged(bytes, target, &mut Log::default())
}

fn logged(bytes: &[u8], target: ImageShape, log: &mut Log) -> Result<Prepared, PictureError> {
    // Refuses an impossible target before a large picture is decoded.
    if !matches!(target.channels, 1 | 3) || target.pixels() == 0 {
        return Err(PictureError::Target { shape: target });
    }
    let decoded = decode::decode(bytes, log)?;
    let pixels = if target.channels == 1 {
        grey(decoded, target, log)?
    } else {
        color(decoded, target, log)
    };
    let images = Images::new(target, pixels).map_err(|_| PictureError::Target { shape: target })?;
    Ok(Prepared {
        images,
        steps: std::mem::take(&mut log.steps),
        warnings: std::mem::take(&mut log.warnings),
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

/// The names of all stages, in the order in which a picture comes to them.
pub const STAGES: [&str; 7] = [
    "read",
    "page",
    "ink",
    "lines",
    "specks",
    "thickened",
    "prepared",
];

/// A picture after one of the steps of preparing it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stage {
    /// What was done to get here: one of [`STAGES`].
    pub name: &'static str,
    /// A batch of one, of any size. From `ink` on, 0 is paper and 255 is full ink.
    pub images: Images,
}

/// What [`explain`] shows.
#[derive(Debug)]
#[non_exhaustive]
pub struct Explained {
    /// The picture after each step that changed it, as far as preparing came.
    pub stages: Vec<Stage>,
    /// What [`prepare`] returns.
    pub prepared: Result<Prepared, PictureError>,
}

/// Prepares a picture as [`prepare`] does and keeps what it looks like after each step,
/// for people who wonder why a model saw what it saw.
pub fn explain(bytes: &[u8], target: ImageShape) -> Explained {
    let mut log = Log {
        stages: Some(Vec::new()),
        ..Log::default()
    };
    let prepared = logged(bytes, target, &mut log);
    let mut stages = log.stages.unwrap_or_default();
    if let Ok(prepared) = &prepared {
        stages.push(Stage {
            name: "prepared",
            images: prepared.images.clone(),
        });
    }
    Explained { stages, prepared }
}

/// What was done and noticed so far.
#[derive(Default)]
struct Log {
    steps: Vec<Step>,
    warnings: Vec<Warning>,
    /// Only where somebody wants to look at them.
    stages: Option<Vec<Stage>>,
}

impl Log {
    /// Keeps what a plane looks like now, where that is asked for.
    fn stage(&mut self, name: &'static str, plane: &Plane) {
        let Some(stages) = &mut self.stages else {
            return;
        };
        let shape = ImageShape::new(1, plane.height, plane.width);
        if let Ok(images) = Images::new(shape, plane.values.clone()) {
            stages.push(Stage { name, images });
        }
    }
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

    /// The outermost pixels.
    fn border(&self) -> impl Iterator<Item = u8> {
        let last = self.height - 1;
        self.rows().enumerate().flat_map(move |(y, row)| {
            let step = match y == 0 || y == last || row.len() == 1 {
                true => 1,
                false => row.len() - 1,
            };
            row.iter().step_by(step).copied()
        })
    }
}

fn grey(decoded: Decoded, target: ImageShape, log: &mut Log) -> Result<Vec<u8>, PictureError> {
    let plain = decoded.is_plain_grey();
    let (grey, alpha) = decoded.into_grey();
    log.stage("read", &grey);
    if plain && (grey.width, grey.height) == (target.width, target.height) {
        match paper::as_in_a_dataset(&grey) {
            Some(true) => {
                log.steps.push(Step::Kept);
                return Ok(grey.values);
            }
            Some(false) => {}
            None => return Err(PictureError::NothingDrawn),
        }
    }
    let mut ink = find_ink(grey, alpha, target, log)?;
    log.stage("ink", &ink.amount);
    lines::erase(&mut ink, log)?;
    pieces::keep_drawing(&mut ink, log)?;
    Ok(ink::like_mnist(ink, target, log))
}

/// The longest side on which ink is looked for. A digit that fills a twentieth of a
/// photo is then still more than twice as large as what MNIST's models see.
const WORKING_SIDE: usize = 1024;

/// The ink in the grey levels; where there is none, in what is opaque.
fn find_ink(
    grey: Plane,
    alpha: Option<Plane>,
    target: ImageShape,
    log: &mut Log,
) -> Result<Ink, PictureError> {
    let factor = grey.width.max(grey.height).div_ceil(WORKING_SIDE);
    let shrunk = |plane: Plane| match factor {
        0 | 1 => plane,
        _ => resample::shrink(&plane, factor),
    };
    let grey = shrunk(grey);
    if factor > 1 {
        log.steps.push(Step::Shrunk {
            width: grey.width,
            height: grey.height,
        });
    }
    let small = grey.width <= 2 * target.width && grey.height <= 2 * target.height;
    match (paper::ink(grey, small, log), alpha) {
        (Err(PictureError::NothingDrawn), Some(alpha)) => {
            // White ink on transparent: as white as the paper below it would be.
            let ink = paper::ink(shrunk(alpha), small, &mut Log::default())?;
            log.steps.push(Step::InkFromAlpha);
            Ok(ink)
        }
        (found, _) => found,
    }
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
