//! The pipeline: an image passes its steps from the top of this file to the bottom.

use bakeoff_core::{Colour, Fit, ImageShape, Images, Preparation};
use image::{DynamicImage, GrayImage, metadata::Orientation};

use crate::{
    decode::{self, Decoded},
    error::PictureError,
    lines,
    log::{Log, Stage},
    place,
    planes::Planes,
    raw::RawPicture,
    sheet::Sheet,
    specks,
    steps::{Step, Warning},
};

/// An image as a model sees it, and what was done to get it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prepared {
    /// A batch of one, of the shape that was requested.
    pub images: Images,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What may make the answer less certain.
    pub warnings: Vec<Warning>,
}

impl Prepared {
    /// What the model would see if the image were left as it is stored, where its EXIF orientation says that it
    /// is to be turned; `None` where it says nothing, and for images that are not square. What was
    /// prepared is turned back: the steps do the same whichever side is up.
    pub fn as_stored(&self) -> Option<Images> {
        let turned = |step: &Step| match step {
            Step::Turned { exif } => Orientation::from_exif(*exif),
            _ => None,
        };
        let back = match self.steps.iter().find_map(turned)? {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            // The others undo themselves.
            other => other,
        };
        let shape = self.images.shape();
        let side = u32::try_from(shape.width)
            .ok()
            .filter(|_| shape.width == shape.height)?;
        let planes = self
            .images
            .pixels()
            .chunks_exact(shape.height * shape.width);
        let mut pixels = Vec::with_capacity(shape.pixels());
        for plane in planes {
            let plane = GrayImage::from_raw(side, side, plane.to_vec())?;
            let mut plane = DynamicImage::from(plane);
            plane.apply_orientation(back);
            pixels.extend(plane.into_bytes());
        }
        Images::new(shape, pixels).ok()
    }
}

/// What [`explain`] shows.
#[derive(Debug)]
#[non_exhaustive]
pub struct Explained {
    /// The image after each step that changed it, up to the step that failed.
    pub stages: Vec<Stage>,
    /// What [`prepare`] returns.
    pub prepared: Result<Prepared, PictureError>,
}

/// Reads an image, recognised by its content, and prepares it for a model whose images have shape
/// `target`, as the model's training images were made.
///
/// - [`Preparation::Ink`]: MNIST's own steps (see the crate). A grey, opaque image that already has
///   the target's size and is light on dark is left unchanged, so that an image written
///   from a dataset predicts as it does in the dataset. For an RGB target there are no such steps;
///   it is plain.
/// - [`Preparation::Plain`]: read as the images of a dataset are, with the target's channels and,
///   by area, its size, and nothing else.
///
/// # Errors
/// When the bytes are no image, damaged or too large, when there is no ink, or when the target is
/// neither grey nor RGB.
pub fn prepare(
    bytes: &[u8],
    target: ImageShape,
    preparation: Preparation,
) -> Result<Prepared, PictureError> {
    logged(bytes, target, preparation, &mut Log::default())
}

/// Prepares an image as [`prepare`] does and keeps what it looks like after each step,
/// for people who wonder why a model saw what it saw.
pub fn explain(bytes: &[u8], target: ImageShape, preparation: Preparation) -> Explained {
    let mut log = Log {
        stages: Some(Vec::new()),
        ..Log::default()
    };
    let prepared = logged(bytes, target, preparation, &mut log);
    let mut stages = log.stages.unwrap_or_default();
    if let Ok(prepared) = &prepared {
        stages.push(Stage {
            name: "prepared",
            images: prepared.images.clone(),
        });
    }
    Explained { stages, prepared }
}

fn logged(
    bytes: &[u8],
    target: ImageShape,
    preparation: Preparation,
    log: &mut Log,
) -> Result<Prepared, PictureError> {
    // Refuses an impossible target before a large image is decoded.
    if !matches!(target.channels, 1 | 3) || target.pixels() == 0 {
        return Err(PictureError::Target { shape: target });
    }
    let decoded = decode::decode(bytes, log)?;
    let pixels = match preparation {
        Preparation::Ink if target.channels == 1 => grey(decoded, target, log)?,
        Preparation::Ink => plain(decoded, target, Fit::Stretch, log),
        Preparation::Plain { fit } => plain(decoded, target, fit, log),
    };
    let images = Images::new(target, pixels).map_err(|_| PictureError::Target { shape: target })?;
    Ok(Prepared {
        images,
        steps: std::mem::take(&mut log.steps),
        warnings: std::mem::take(&mut log.warnings),
    })
}

/// The image with the size and the channels of the target, as a dataset reads it.
fn plain(decoded: Decoded, target: ImageShape, fit: Fit, log: &mut Log) -> Vec<u8> {
    let raw = RawPicture::of(decoded);
    let (width, height) = (raw.width, raw.height);
    let same_size = (width, height) == (target.width, target.height);
    if !same_size {
        log.steps.push(Step::Resized {
            width: target.width,
            height: target.height,
        });
        // Compared as products, so that nothing is rounded.
        if fit == Fit::Stretch && width * target.height != height * target.width {
            log.warnings.push(Warning::AspectChanged);
        }
    }
    let colour = match target.channels {
        1 => Colour::Grey,
        _ => Colour::Rgb,
    };
    let grey = raw.is_grey();
    if grey != (colour == Colour::Grey) {
        log.steps.push(match grey {
            true => Step::Repeated,
            false => Step::MadeGrey,
        });
    } else if same_size {
        log.steps.push(Step::Kept);
    }
    let planes = Planes {
        height,
        width,
        values: raw.into_planes(false),
    };
    let fitted = planes.coloured(colour);
    fitted.fitted([target.height, target.width], fit).values
}

fn grey(decoded: Decoded, target: ImageShape, log: &mut Log) -> Result<Vec<u8>, PictureError> {
    let plain = decoded.is_plain_grey();
    let (grey, alpha) = decoded.into_grey();
    log.stage("read", &grey);
    let has_target_size = (grey.width, grey.height) == (target.width, target.height);
    if plain && has_target_size && place::is_placed(&grey.values, target) {
        log.steps.push(Step::Kept);
        return Ok(grey.values);
    }
    let (sheet, ink) = Sheet::with_ink(grey, alpha, target, log)?;
    sheet.refuse_table(&ink)?;
    let mut ink = sheet.inside_box(ink, target, log)?;
    log.stage("ink", &ink.amount);
    lines::erase(&mut ink, log)?;
    specks::erase(&mut ink, log)?;
    place::warn(&ink, log);
    Ok(place::like_mnist(ink, target, log))
}

#[cfg(test)]
mod tests;
