//! What a step is, before and after it has learned.

use bakeoff_core::{ImageShape, Images, ModelReader, ModelWriter, StoreError};

/// A step as it is written in the setting.
pub(crate) trait Step: Send + Sync {
    /// The shape that images of this shape come to, or why they do not suit it.
    fn shape(&self, input: ImageShape) -> Result<ImageShape, String>;

    /// Learns from the training images, or nothing; `shape` has accepted them. `seed` is of this step
    /// alone. An error says what the images lack.
    fn fit(&self, train: &Images, seed: u64) -> Result<Box<dyn FittedStep>, String>;

    /// Reads what [`FittedStep::save`] wrote, for images of a shape that `shape` has accepted.
    fn load(
        &self,
        input: ImageShape,
        name: &str,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedStep>, StoreError>;
}

/// A step that has learned what it needs.
pub(crate) trait FittedStep: Send + Sync {
    /// Writes what some images come to, image by image. An image gives the same bytes in any batch.
    fn apply(&self, images: &[u8], out: &mut [u8]);

    /// The number of values that it has learned.
    fn parameters(&self) -> u64 {
        0
    }

    /// Writes them, under names that begin with `name`.
    fn save(&self, name: &str, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let _ = (name, out);
        Ok(())
    }
}

/// A number from 0 to 1 as a byte; what lies outside becomes the end that it is nearer to.
pub(crate) fn byte_of_share(share: f32) -> u8 {
    // A cast saturates, and has no NaN here: it gives 0.
    (share * 255.0).round() as u8
}
