//! How an image that comes from elsewhere is made like those that a model was trained on.

use serde::{Deserialize, Serialize};

use crate::{Fit, ImageShape};

/// What is done to an image before a model sees it. It belongs to the model, because it says how
/// its training images came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Preparation {
    /// The training images are light ink on black, fitted into a box and centred by mass, as
    /// MNIST's: the ink of an image is found and placed so.
    Ink,
    /// The training images are images as they are: only size and channels are changed.
    Plain {
        /// How an image of other proportions is fitted to the size.
        #[serde(default)]
        fit: Fit,
    },
}

impl Preparation {
    /// What models of versions did that did not record it.
    pub fn of_earlier_versions(shape: ImageShape) -> Self {
        match shape.channels {
            1 => Self::Ink,
            _ => Self::Plain { fit: Fit::Stretch },
        }
    }
}
