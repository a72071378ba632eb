//! Ways in which an image can be worse than those that a model was trained on.
//!
//! Only their names are here, because plans, records and reports use them; the crate `data`
//! computes the corrupted images.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! corruptions {
    ($($(#[$about:meta])* $variant:ident = $name:literal, $title:literal;)*) => {
        /// A change that makes an image worse, in [`Corruption::SEVERITIES`] degrees.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum Corruption {
            $($(#[$about])* #[serde(rename = $name)] $variant,)*
        }

        impl Corruption {
            /// All, in the order of tables and charts.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name in experiments and records, in kebab case.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The name in headings.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                }
            }
        }
    };
}

corruptions! {
    /// Moved in one of eight directions.
    Shift = "shift", "Shifted";
    /// Rotated about its centre, in either direction.
    Rotate = "rotate", "Rotated";
    /// Enlarged or shrunk about its centre.
    Scale = "scale", "Scaled";
    /// Slanted, in either direction.
    Shear = "shear", "Sheared";
    /// Gaussian noise on every value.
    Noise = "noise", "Gaussian noise";
    /// Single pixels black or white.
    SaltAndPepper = "salt-and-pepper", "Salt and pepper";
    /// Gaussian blur.
    Blur = "blur", "Blurred";
    /// Lower brightness.
    Dim = "dim", "Dimmed";
    /// Towards its own negative.
    Invert = "invert", "Inverted";
    /// Bright areas grow.
    Thicken = "thicken", "Thicker strokes";
    /// Bright areas shrink.
    Thin = "thin", "Thinner strokes";
    /// A black square somewhere in it.
    Occlude = "occlude", "Occluded";
}

impl Corruption {
    /// Severities go from 1 to this.
    pub const SEVERITIES: u8 = 5;
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
