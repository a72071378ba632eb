//! What is written down while an image is prepared: steps, warnings and, for those who want
//! to look at them, the image after each step.

use bakeoff_core::{ImageShape, Images};

use crate::{
    plane::Plane,
    steps::{Step, Warning},
};

/// The names of all stages, in the order in which an image passes them.
pub const STAGES: [&str; 9] = [
    "read",
    "panel",
    "page",
    "box",
    "ink",
    "lines",
    "specks",
    "thickened",
    "prepared",
];

/// An image after one of the steps of preparing it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stage {
    /// What was done to get here: one of [`STAGES`].
    pub name: &'static str,
    /// A batch of one, of any size. From `ink` on, 0 is paper and 255 is full ink.
    pub images: Images,
}

/// What was done and noticed so far.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) steps: Vec<Step>,
    pub(crate) warnings: Vec<Warning>,
    /// `None` where nobody wants to look at them.
    pub(crate) stages: Option<Vec<Stage>>,
}

impl Log {
    /// Keeps what a plane looks like now, if stages are wanted.
    pub(crate) fn stage(&mut self, name: &'static str, plane: &Plane) {
        let Some(stages) = &mut self.stages else {
            return;
        };
        let shape = ImageShape::new(1, plane.height, plane.width);
        if let Ok(images) = Images::new(shape, plane.values.clone()) {
            stages.push(Stage { name, images });
        }
    }
}
