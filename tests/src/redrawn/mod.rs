//! Digits of a dataset drawn again as people's images: files with a known answer, to
//! measure how much of a model's accuracy is left with a pen, paper and a camera.
//!
//! An image of a dataset is enlarged, drawn with a pen somewhere on paper, lit,
//! photographed and stored; each [`Kind`] says how. The result is a file as a person
//! would send it, for `bakeoff_picture::prepare`. The same digit, kind and seed give the
//! same bytes.
//!
//! Rejected: a folder of real photographs (a few dozen, from a few hands, of one licence
//! or another; at best they resolve two percentage points); enlarging alone
//! (every preparation looks good on that).

mod frames;
mod paper;
mod pen;

use bakeoff_core::{ImageShape, derive_seed};
use image::{
    ImageError, ImageResult,
    error::{ParameterError, ParameterErrorKind},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A way to draw and store an image.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Kind {
    /// A short name, in kebab case.
    pub name: &'static str,
    /// What it is, for a table.
    pub summary: &'static str,
    /// Whether something other than ink and paper is in the image, or the ink is hard
    /// to see.
    pub hard: bool,
    style: Style,
}

/// Everything that makes one kind another.
#[derive(Clone, Copy, Debug)]
struct Style {
    /// The side of the digit's own frame (28 pixels in MNIST), once enlarged, in pixels.
    frame: (u32, u32),
    /// In a corner of the paper instead of anywhere.
    corner: bool,
    pen: Pen,
    tone: Tone,
    /// Grey levels of paper and ink are drawn from these.
    paper: (f32, f32),
    ink: (f32, f32),
    /// How much darker the darkest corner is than the lightest.
    gradient: f32,
    /// How much of the light a shadow takes from its part of the paper.
    shadow: f32,
    specks: bool,
    lines: Lines,
    /// What is around the digit.
    around: Frame,
    /// Standard deviation of the camera's noise, in grey levels.
    noise: f32,
    /// Stored as JPEG of this quality, else as PNG.
    jpeg: Option<u8>,
    /// Stored turned, with an EXIF orientation that says so.
    turned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pen {
    /// Strokes as wide as the digit's own.
    AsWritten,
    /// About two pixels, however large the digit is.
    Hairline,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Tone {
    DarkOnLight,
    LightOnDark,
    DarkOnTransparent,
    LightOnTransparent,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Lines {
    None,
    Ruled,
    Grid,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Frame {
    None,
    /// A printed box, darker than the pen.
    Box,
    /// The cell of a table, of which some sides are outside the image.
    Cell,
    /// A printed box in the middle of a form: its lines go on beyond the corners, with a label above and a
    /// blank box beside it.
    Form,
    /// A white page with ticks and a title.
    Figure,
    /// A dark table on which the page lies, turned a little; all of it is in the image or nearly so.
    Table,
}

/// Black on white, as a drawing program makes it.
const PLAIN: Style = Style {
    frame: (200, 280),
    corner: false,
    pen: Pen::AsWritten,
    tone: Tone::DarkOnLight,
    paper: (255.0, 255.0),
    ink: (0.0, 0.0),
    gradient: 0.0,
    shadow: 0.0,
    specks: false,
    lines: Lines::None,
    around: Frame::None,
    noise: 0.0,
    jpeg: None,
    turned: false,
};

/// A pen on paper, photographed.
const PHOTO: Style = Style {
    paper: (215.0, 250.0),
    ink: (20.0, 80.0),
    noise: 2.0,
    jpeg: Some(85),
    ..PLAIN
};

const fn clean(name: &'static str, summary: &'static str, style: Style) -> Kind {
    Kind {
        name,
        summary,
        hard: false,
        style,
    }
}

const fn hard(name: &'static str, summary: &'static str, style: Style) -> Kind {
    Kind {
        name,
        summary,
        hard: true,
        style,
    }
}

const KINDS: &[Kind] = &[
    clean(
        "small",
        "black on white, 40 to 70 pixels",
        Style {
            frame: (40, 70),
            ..PLAIN
        },
    ),
    clean("medium", "black on white, 200 to 280 pixels", PLAIN),
    clean(
        "large",
        "black on white, 600 to 800 pixels",
        Style {
            frame: (600, 800),
            ..PLAIN
        },
    ),
    clean(
        "inverted",
        "white on black",
        Style {
            tone: Tone::LightOnDark,
            ..PLAIN
        },
    ),
    clean(
        "off-centre",
        "in a corner of the sheet",
        Style {
            corner: true,
            ..PLAIN
        },
    ),
    clean(
        "transparent-dark",
        "black on transparent",
        Style {
            tone: Tone::DarkOnTransparent,
            ..PLAIN
        },
    ),
    clean(
        "transparent-light",
        "white on transparent",
        Style {
            tone: Tone::LightOnTransparent,
            ..PLAIN
        },
    ),
    clean(
        "exif",
        "stored turned or mirrored, with an EXIF orientation",
        Style {
            jpeg: Some(92),
            turned: true,
            ..PLAIN
        },
    ),
    clean("pencil", "dark grey on light grey, a camera's noise", PHOTO),
    hard(
        "jpeg",
        "stored as JPEG of quality 15",
        Style {
            frame: (80, 160),
            jpeg: Some(15),
            ..PLAIN
        },
    ),
    hard(
        "gradient",
        "on paper that is half as light on one side",
        Style {
            gradient: 0.5,
            ..PHOTO
        },
    ),
    hard(
        "shadow",
        "the shadow of a phone lies over a part of it",
        Style {
            shadow: 0.45,
            ..PHOTO
        },
    ),
    hard(
        "specks",
        "dust and crumbs on the paper",
        Style {
            specks: true,
            ..PHOTO
        },
    ),
    hard(
        "ruled",
        "on ruled paper",
        Style {
            lines: Lines::Ruled,
            ..PHOTO
        },
    ),
    hard(
        "grid",
        "on squared paper",
        Style {
            lines: Lines::Grid,
            ..PHOTO
        },
    ),
    hard(
        "box",
        "in the printed box of a form, darker than the pencil",
        Style {
            around: Frame::Box,
            paper: (245.0, 255.0),
            ink: (70.0, 150.0),
            noise: 1.0,
            jpeg: None,
            ..PHOTO
        },
    ),
    hard(
        "cell",
        "in the cell of a table, photographed, not all of its lines in the image",
        Style {
            frame: (80, 140),
            around: Frame::Cell,
            gradient: 0.2,
            noise: 4.0,
            ..PHOTO
        },
    ),
    hard(
        "form",
        "in a box of a form with a label, lines that go on, and a blank box beside it",
        Style {
            around: Frame::Form,
            paper: (245.0, 255.0),
            ink: (40.0, 120.0),
            noise: 1.0,
            jpeg: None,
            ..PHOTO
        },
    ),
    hard(
        "table",
        "on a page that lies on a dark table, turned a little",
        Style {
            around: Frame::Table,
            gradient: 0.1,
            noise: 3.0,
            ..PHOTO
        },
    ),
    hard(
        "figure",
        "white on black in a figure with ticks and a title",
        Style {
            frame: (100, 400),
            around: Frame::Figure,
            tone: Tone::LightOnDark,
            ..PLAIN
        },
    ),
    hard(
        "hairline",
        "a pen of two pixels",
        Style {
            pen: Pen::Hairline,
            ..PLAIN
        },
    ),
    hard(
        "phone",
        "ruled, specks, gradient, shadow, noise, JPEG of quality 60, turned",
        Style {
            frame: (240, 420),
            gradient: 0.25,
            shadow: 0.35,
            specks: true,
            lines: Lines::Ruled,
            noise: 4.0,
            jpeg: Some(60),
            turned: true,
            ..PHOTO
        },
    ),
];

/// Every kind, the clean ones first.
pub fn kinds() -> &'static [Kind] {
    KINDS
}

/// The digit as a file of this kind: PNG or JPEG.
///
/// `digit` are the bytes of one grey image of `shape`, light on dark as in MNIST.
///
/// # Errors
/// When the bytes are not one grey image of that shape, or the file cannot be encoded.
pub fn redraw(digit: &[u8], shape: ImageShape, kind: &Kind, seed: u64) -> ImageResult<Vec<u8>> {
    if shape.channels != 1 || digit.len() != shape.pixels() || digit.is_empty() {
        return Err(wrong_size());
    }
    let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(seed, kind.name));
    let style = &kind.style;
    let side = rng.random_range(style.frame.0..=style.frame.1);
    let drawn = pen::draw(digit, shape, side, style.pen)?;
    paper::store(drawn, style, &mut rng)
}

/// Several digits beside each other as a file of this kind, in a row that may rise or fall a little.
///
/// # Errors
/// As [`redraw`].
pub fn redraw_number(
    digits: &[&[u8]],
    shape: ImageShape,
    kind: &Kind,
    seed: u64,
) -> ImageResult<Vec<u8>> {
    if shape.channels != 1 || digits.iter().any(|digit| digit.len() != shape.pixels()) {
        return Err(wrong_size());
    }
    let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(seed, kind.name));
    let style = &kind.style;
    let side = rng.random_range(style.frame.0..=style.frame.1);
    let drawn = digits
        .iter()
        .map(|digit| pen::draw(digit, shape, side, style.pen))
        .collect::<ImageResult<Vec<pen::Coverage>>>()?;
    paper::store(pen::in_a_row(&drawn, &mut rng), style, &mut rng)
}

fn wrong_size() -> ImageError {
    ImageError::Parameter(ParameterError::from_kind(
        ParameterErrorKind::DimensionMismatch,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape::new(1, 8, 8);

    /// A bar of ink.
    fn bar() -> Vec<u8> {
        (0..64).map(|i| if i % 8 == 3 { 255 } else { 0 }).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_file_and_another_another() {
        for kind in kinds() {
            let file = |seed| redraw(&bar(), SHAPE, kind, seed).unwrap();
            assert_eq!(file(1), file(1), "{}", kind.name);
            assert_ne!(file(1), file(2), "{}", kind.name);
        }
    }

    #[test]
    fn what_is_no_grey_picture_is_refused() {
        let kind = &kinds()[0];
        assert!(redraw(&[0; 63], SHAPE, kind, 1).is_err());
        assert!(redraw(&[0; 192], ImageShape::new(3, 8, 8), kind, 1).is_err());
        assert!(redraw(&[], ImageShape::new(1, 0, 8), kind, 1).is_err());
    }

    #[test]
    fn names_are_unique_and_clean_kinds_come_first() {
        let names: std::collections::BTreeSet<_> = kinds().iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), kinds().len());
        assert!(kinds().is_sorted_by_key(|kind| kind.hard));
    }
}
