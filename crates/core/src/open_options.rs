//! How a dataset is opened: what a person states about size, colour and split.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How an image of other proportions is fitted to a stated size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// Both sides are scaled, each by its own factor.
    #[default]
    Stretch,
    /// The middle that has the proportions of the size is kept.
    Crop,
    /// The border is filled with the median colour of the image's own border.
    Pad,
}

impl Fit {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stretch, Self::Crop, Self::Pad];

    /// The name in experiments and flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stretch => "stretch",
            Self::Crop => "crop",
            Self::Pad => "pad",
        }
    }
}

/// The channels that images are read with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colour {
    /// Grey if all images are grey, else RGB.
    #[default]
    Auto,
    /// One channel: 0.2126 R + 0.7152 G + 0.0722 B.
    Grey,
    /// Three channels.
    Rgb,
}

impl Colour {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Grey, Self::Rgb];

    /// The name in experiments and flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Grey => "grey",
            Self::Rgb => "rgb",
        }
    }
}

/// How images from elsewhere are prepared for the models of a dataset, as a person states it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prepare {
    /// As the training images say: see `bakeoff_data::preparation`.
    #[default]
    Auto,
    /// Ink is found and placed as in MNIST.
    Ink,
    /// Size and channels are changed and nothing else.
    Plain,
}

impl Prepare {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Ink, Self::Plain];

    /// The name in experiments and flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Ink => "ink",
            Self::Plain => "plain",
        }
    }
}

/// What a person states about how a dataset is read. The default changes nothing.
///
/// It is part of a trial, because a trial opens its data again. The fingerprint of a dataset
/// covers what comes out of it: pixels, labels, names and the split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenOptions {
    /// Height and width in pixels that all images are resampled to, by area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// How images of other proportions are fitted to that size.
    #[serde(skip_serializing_if = "is_default")]
    pub fit: Fit,
    /// The channels.
    #[serde(skip_serializing_if = "is_default")]
    pub colour: Colour,
    /// How images from elsewhere are prepared for its models.
    #[serde(skip_serializing_if = "is_default")]
    pub prepare: Prepare,
    /// The share of the images that becomes the test part, above 0 and below 1, where the data
    /// have none of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_fraction: Option<f64>,
    /// Seed of that split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_seed: Option<u64>,
    /// The column of a table that names groups, such as writers: no group is in both parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The column of a table that holds the labels: its name, or its number from 1 where the table
    /// has no line of column names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The value of a table of numbers that stands for full brightness.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixel_max: Option<f64>,
}

impl OpenOptions {
    /// Whether nothing is stated.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A size as the command line says it: `32`, or `32x24` for 32 rows of 24 pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub [usize; 2]);

/// The longest side of a stated size.
const MAX_SIDE: usize = 4096;

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |text: &str| {
            text.trim()
                .parse::<usize>()
                .ok()
                .filter(|side| (1..=MAX_SIDE).contains(side))
        };
        let sides = match text.split_once(['x', '×']) {
            Some((height, width)) => side(height).zip(side(width)),
            None => side(text).map(|side| (side, side)),
        };
        sides
            .map(|(height, width)| Self([height, width]))
            .ok_or_else(|| {
                format!("a size is a side in pixels, or HEIGHTxWIDTH, each from 1 to {MAX_SIDE}")
            })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([height, width]) = self;
        write!(f, "{height}×{width}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_one_side_or_two() {
        assert_eq!("32".parse(), Ok(Size([32, 32])));
        assert_eq!("32x24".parse(), Ok(Size([32, 24])));
        for wrong in ["", "0", "x", "3x", "-1", "5000", "3x4x5"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }
}
