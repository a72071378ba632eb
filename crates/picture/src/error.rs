//! Why an image cannot be read, prepared or written.

use bakeoff_core::ImageShape;

/// Why an image cannot be read, prepared or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// No bytes at all.
    #[error("the image is empty (0 bytes)")]
    Empty,
    /// More bytes than are decoded.
    #[error(
        "the file is longer than {max_mebibytes} MiB, the most that is read: make the image smaller first"
    )]
    FileTooLong {
        /// The most that is read, in MiB.
        max_mebibytes: usize,
    },
    /// Not an image of a kind that is read.
    #[error(
        "this is {found}, not a PNG or JPEG image (nor WebP, BMP, GIF, TIFF or PNM): save it as one of these"
    )]
    Unsupported {
        /// What it seems to be.
        found: &'static str,
    },
    /// An image of a kind of its format that is not read.
    #[error(
        "{format} images of this kind are not read ({problem}): save it as PNG with 8 or 16 bits"
    )]
    NotRead {
        /// The format of the file.
        format: &'static str,
        /// What is not read.
        problem: String,
    },
    /// An image that is damaged or cut short.
    #[error("the {format} image is damaged: {problem}")]
    Damaged {
        /// `PNG`, `JPEG`, …
        format: &'static str,
        /// What the decoder says.
        problem: String,
    },
    /// An image whose header claims more than is read.
    #[error(
        "the image claims {width}×{height} pixels: at most {max_side} on a side and {max_mebibytes} MiB unpacked are read; make it smaller first"
    )]
    TooLarge {
        /// Claimed width.
        width: u32,
        /// Claimed height.
        height: u32,
        /// The longest side that is read.
        max_side: u32,
        /// The most that an image may take unpacked, in MiB.
        max_mebibytes: u64,
    },
    /// A model's shape that no image can be prepared for.
    #[error("images are prepared for models with 1 (grey) or 3 (RGB) channels, not for {shape}")]
    Target {
        /// The shape that was asked for.
        shape: ImageShape,
    },
    /// No ink was found.
    #[error("nothing drawn: the image has no ink that stands out from its background")]
    NothingDrawn,
    /// Several drawings, where one is asked about.
    #[error(
        "there are {count} drawings in the image, and an answer is about one: crop the image to one, or have each of them read (`bakeoff predict --digits`)"
    )]
    SeveralPieces {
        /// How many.
        count: usize,
    },
    /// Bytes that are not one image of a shape.
    #[error("{bytes} bytes are not one image of {shape}")]
    Length {
        /// The bytes that were given.
        bytes: usize,
        /// The shape.
        shape: ImageShape,
    },
    /// A grid without images.
    #[error("there are no images to show")]
    EmptyGrid,
    /// A grid that is too large for PNG viewers.
    #[error(
        "{rows} rows of {columns} images of {shape} are too many for one PNG: ask for fewer per class"
    )]
    GridSize {
        /// Rows of images.
        rows: usize,
        /// Images in a row.
        columns: usize,
        /// The shape of each.
        shape: ImageShape,
    },
    /// PNG could not be written.
    #[error("the image could not be written as PNG: {0}")]
    Encode(String),
}
