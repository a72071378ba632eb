//! What preparing a picture did and noticed, for people and for programs.

use std::fmt;

use serde::Serialize;

/// Which of two tones the ink has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// Darker than its background, as on paper.
    Dark,
    /// Lighter than its background, as MNIST's.
    Light,
}

/// One thing that was done to a picture. `Display` says it in a few words.
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
    /// Turned or mirrored upright, as its EXIF orientation says.
    Turned {
        /// The EXIF orientation, 2 to 8.
        exif: u8,
    },
    /// Laid over white where it was transparent.
    OverWhite,
    /// The opaque parts were taken as the ink, because the ink is as white as the
    /// paper would be.
    InkFromAlpha,
    /// Left unchanged, because it already is as the model's own pictures.
    Kept,
    /// The ink was told from the background.
    Ink {
        /// The tone of the ink.
        tone: Tone,
        /// The grey level of the background.
        background: u8,
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
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decoded {
                format,
                width,
                height,
            } => write!(f, "decoded a {format} of {width}×{height}"),
            Self::Turned { exif } => write!(f, "turned upright (EXIF orientation {exif})"),
            Self::OverWhite => f.write_str("laid over white where it was transparent"),
            Self::InkFromAlpha => {
                f.write_str("took the opaque parts as the ink, which is white on transparent")
            }
            Self::Kept => f.write_str(
                "left unchanged, because it has the size and the tones of the model's own pictures",
            ),
            Self::Ink { tone, background } => {
                let tone = match tone {
                    Tone::Dark => "dark",
                    Tone::Light => "light",
                };
                write!(
                    f,
                    "took {tone} ink from a background of grey level {background}"
                )
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
        }
    }
}

/// Something that may make the answer less sure. `Display` says it in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "warning", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Warning {
    /// Ink lies on the edge of the picture.
    TouchesEdge,
    /// The ink hardly stands out.
    Faint {
        /// Grey levels between the ink and its background.
        contrast: u8,
    },
    /// The picture was squeezed or stretched.
    AspectChanged,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TouchesEdge => {
                f.write_str("the ink touches the edge of the picture: some of it may be cut off")
            }
            Self::Faint { contrast } => write!(
                f,
                "the ink is faint: {contrast} grey levels from its background"
            ),
            Self::AspectChanged => f.write_str(
                "the picture was stretched, because the model's pictures have another aspect",
            ),
        }
    }
}
