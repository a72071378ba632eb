//! What preparing an image did and noticed, for people and for programs.

use std::fmt;

use serde::Serialize;

/// Which of two tones the ink has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// Darker than the paper.
    Dark,
    /// Lighter than the paper, as in MNIST.
    Light,
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dark => "dark",
            Self::Light => "light",
        })
    }
}

/// One thing that was done to an image. `Display` says it in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Step {
    /// The file was decoded.
    Decoded {
        /// `PNG` or `JPEG`.
        format: &'static str,
        /// Pixels in a row, as stored.
        width: usize,
        /// Rows, as stored.
        height: usize,
    },
    /// Rotated or mirrored, as its EXIF orientation says.
    Turned {
        /// The EXIF orientation, 2 to 8.
        exif: u8,
    },
    /// Laid over white where it was transparent.
    OverWhite,
    /// The opaque parts were taken as the ink, because the ink is as white as the
    /// paper would be.
    InkFromAlpha,
    /// Left unchanged, because it already is like the model's own images.
    Kept,
    /// The background around a page was painted over with the page's own light.
    Background,
    /// The ink was separated from paper of one grey level.
    Ink {
        /// The tone of the ink.
        tone: Tone,
        /// The grey level of the paper.
        background: u8,
    },
    /// A large image was averaged to a smaller one; the next steps count its pixels.
    Shrunk {
        /// New width.
        width: usize,
        /// New height.
        height: usize,
    },
    /// The ink was separated from paper that is not of one grey level, as in a photo.
    Flattened {
        /// The tone of the ink.
        tone: Tone,
        /// The grey level of the paper where it is darkest.
        darkest: u8,
        /// The grey level of the paper where it is lightest.
        lightest: u8,
        /// How much ink is needed, of 255.
        threshold: u8,
    },
    /// Cropped to the inside of a frame.
    Inside {
        /// `panel`: a dark rectangle on which something light is drawn; `box`: lines around
        /// the drawing.
        frame: &'static str,
        /// Columns left of the inside.
        left: usize,
        /// Rows above the inside.
        top: usize,
        /// Columns of the inside.
        width: usize,
        /// Rows of the inside.
        height: usize,
    },
    /// Lines of ruled or squared paper were erased.
    Lines {
        /// How many.
        count: usize,
    },
    /// Specks beside the drawing were erased.
    Specks {
        /// How many.
        count: usize,
    },
    /// Thin strokes were thickened.
    Thickened {
        /// Their mean width in pixels.
        from: f64,
        /// Their width afterwards.
        to: f64,
    },
    /// Cropped to the ink.
    Cropped {
        /// Columns left of the ink.
        left: usize,
        /// Rows above the ink.
        top: usize,
        /// Columns of the ink.
        width: usize,
        /// Rows of the ink.
        height: usize,
    },
    /// The square around the ink was averaged to this many pixels on a side.
    Averaged {
        /// Pixels on a side.
        side: usize,
    },
    /// The darkest ink was scaled to full.
    FullInk {
        /// The grey level that became 255.
        from: u8,
    },
    /// Placed with its centre of mass in the middle.
    Centred {
        /// The column where the square begins; negative where blank columns were cut.
        left: isize,
        /// The row where the square begins; negative where blank rows were cut.
        top: isize,
    },
    /// Resized as a whole.
    Resized {
        /// New width.
        width: usize,
        /// New height.
        height: usize,
    },
    /// Its colours were averaged to grey.
    MadeGrey,
    /// Its grey was repeated for each colour.
    Repeated,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decoded {
                format,
                width,
                height,
            } => write!(f, "decoded a {format} of {width}×{height}"),
            Self::Turned { exif } => write!(f, "rotated as its EXIF orientation says ({exif})"),
            Self::OverWhite => f.write_str("laid over white where it was transparent"),
            Self::InkFromAlpha => {
                f.write_str("took the opaque parts as the ink, which is white on transparent")
            }
            Self::Background => f.write_str("painted over the background around the page"),
            Self::Kept => f.write_str(
                "left unchanged, because it has the size and the tones of the model's own images",
            ),
            Self::Ink { tone, background } => {
                write!(f, "took {tone} ink from paper of grey level {background}")
            }
            Self::Shrunk { width, height } => write!(f, "made smaller: {width}×{height}"),
            Self::Flattened {
                tone,
                darkest,
                lightest,
                threshold,
            } => write!(
                f,
                "took {tone} ink from paper of grey levels {darkest} to {lightest}, with a threshold of {threshold} of 255"
            ),
            Self::Inside {
                frame,
                left,
                top,
                width,
                height,
            } => write!(
                f,
                "cropped to the inside of a {frame}: {width}×{height} from column {left}, row {top}"
            ),
            Self::Lines { count } => write!(f, "erased {count} line(s) of the paper"),
            Self::Specks { count } => write!(f, "erased {count} speck(s)"),
            Self::Thickened { from, to } => {
                write!(f, "thickened the strokes from {from:.1} to {to:.1} pixels")
            }
            Self::Cropped {
                left,
                top,
                width,
                height,
            } => write!(
                f,
                "cropped to the ink: {width}×{height} from column {left}, row {top}"
            ),
            Self::Averaged { side } => {
                write!(f, "averaged the square around it to {side}×{side}")
            }
            Self::FullInk { from } => write!(f, "scaled the strongest ink from {from} to 255"),
            Self::Centred { left, top } => write!(
                f,
                "placed at column {left}, row {top}, so that its centre of mass is in the middle"
            ),
            Self::Resized { width, height } => write!(f, "resized to {width}×{height}"),
            Self::MadeGrey => f.write_str("made grey"),
            Self::Repeated => f.write_str("grey repeated as red, green and blue"),
        }
    }
}

/// Something that may make the answer less sure. `Display` says it in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "warning", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Warning {
    /// There is ink on the edge of the image.
    TouchesEdge,
    /// The ink hardly differs from the paper.
    Faint {
        /// Grey levels between the ink and the paper.
        contrast: u8,
    },
    /// Ink at the edge of a photo, beside the drawing, was left out.
    LeftOut,
    /// The image was squeezed or stretched.
    AspectChanged,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TouchesEdge => {
                f.write_str("the ink touches the edge of the image: some of it may be cut off")
            }
            Self::Faint { contrast } => write!(
                f,
                "the ink is faint: {contrast} grey levels from the paper"
            ),
            Self::LeftOut => f.write_str(
                "something at the edge of the image was left out: crop the image if it belongs to the drawing",
            ),
            Self::AspectChanged => f.write_str(
                "the image was stretched, because the model's images have another aspect ratio",
            ),
        }
    }
}
