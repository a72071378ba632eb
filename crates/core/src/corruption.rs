//! Ways in which a picture can be worse than those that a model was trained on.
//!
//! Only their names live here, because plans, records and reports speak of them; the
//! data room makes the pictures.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that happens to a picture, in [`Corruption::SEVERITIES`] degrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Corruption {
    /// Moved in one of eight directions.
    Shift,
    /// Turned about its centre, either way.
    Rotate,
    /// Enlarged or shrunk about its centre.
    Scale,
    /// Slanted, either way.
    Shear,
    /// Gaussian noise on every value.
    Noise,
    /// Single pixels black or white.
    SaltAndPepper,
    /// Gaussian blur.
    Blur,
    /// Less light.
    Dim,
    /// Towards its own negative.
    Invert,
    /// What is bright grows.
    Thicken,
    /// What is bright shrinks.
    Thin,
    /// A black square somewhere in it.
    Occlude,
}

impl Corruption {
    /// Every one, in the order of tables and charts.
    pub const ALL: [Self; 12] = [
        Self::Shift,
        Self::Rotate,
        Self::Scale,
        Self::Shear,
        Self::Noise,
        Self::SaltAndPepper,
        Self::Blur,
        Self::Dim,
        Self::Invert,
        Self::Thicken,
        Self::Thin,
        Self::Occlude,
    ];

    /// Severities go from 1 to this.
    pub const SEVERITIES: u8 = 5;

    /// The name in experiments and records, in kebab case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shift => "shift",
            Self::Rotate => "rotate",
            Self::Scale => "scale",
            Self::Shear => "shear",
            Self::Noise => "noise",
            Self::SaltAndPepper => "salt-and-pepper",
            Self::Blur => "blur",
            Self::Dim => "dim",
            Self::Invert => "invert",
            Self::Thicken => "thicken",
            Self::Thin => "thin",
            Self::Occlude => "occlude",
        }
    }

    /// For headings: what is wrong with such a picture.
    pub fn title(self) -> &'static str {
        match self {
            Self::Shift => "Shifted",
            Self::Rotate => "Rotated",
            Self::Scale => "Scaled",
            Self::Shear => "Sheared",
            Self::Noise => "Gaussian noise",
            Self::SaltAndPepper => "Salt and pepper",
            Self::Blur => "Blurred",
            Self::Dim => "Dimmed",
            Self::Invert => "Inverted",
            Self::Thicken => "Thicker strokes",
            Self::Thin => "Thinner strokes",
            Self::Occlude => "Occluded",
        }
    }
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_records() {
        for corruption in Corruption::ALL {
            assert_eq!(
                serde_json::to_value(corruption).ok(),
                Some(corruption.name().into())
            );
        }
        assert!(Corruption::ALL.is_sorted());
    }
}
