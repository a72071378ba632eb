//! A person's own image: from the bytes of a file to what a model sees; and images as PNG.
//!
//! There is one function, [`prepare()`], and everything that answers about an image calls it; a
//! model that is right on the test set and wrong on people's own digits has most often been
//! shown something else than it was trained on.
//!
//! MNIST's own digits were made so (Bottou et al., "Cold case: the lost MNIST
//! digits", 2019, <https://arxiv.org/abs/1905.10498>): take the bounding box of the ink, extend
//! it to a square around its middle, average areas down to 20×20, scale the darkest ink to
//! full, and paste into 28×28 so that the centre of mass falls on pixel 14. For other
//! sizes the same is done in proportion.
//!
//! For a grey target, in this order; `prepare.rs` is the pipeline, each step has a file:
//!
//! 1. `decode`: rotated as EXIF says, over white where transparent, grey (0.2126 R +
//!    0.7152 G + 0.0722 B). An image that already is like a dataset's own ends here.
//! 2. `resample`: an image of more than 1024 pixels on a side is averaged to fewer.
//! 3. `frame`: of a dark panel in a light image only the panel is looked at.
//! 4. `page`: the background around a page is painted over.
//! 5. `paper`: the paper's grey level is the median of the border; ink is what is darker (or
//!    lighter) by more than the paper itself varies. Uneven light is flattened, and a
//!    threshold taken.
//! 6. `frame` again: where the ink is in a box, only its inside is looked at, and 5 is done there.
//! 7. `lines`: the lines of ruled and squared paper, which go from border to border, are erased.
//! 8. `specks`: small connected components, and strips of shadow at the edge, are erased; several
//!    drawings are an error. Where there are only specks, nothing was drawn.
//! 9. `stroke`: thin strokes are thickened.
//! 10. `place`: MNIST's steps, above.
//!
//! [`numbers()`] finds several digits: the steps to 7, then `pieces` groups the components to digits
//! and parts those that touch; or each cell of a printed table goes through 5, 8, 9 and 10.
//!
//! A clean drawing, black on white without specks and with strokes of a usual width,
//! passes 2, 3, 4, 6, 7, 8 and 9 unchanged, and needs of 5 no more than this: with `b` the median of
//! the border and `d` the darkest level, the ink of a pixel of level `v` is `max(b - v, 0)`,
//! and the bounding box holds the pixels of at least `max((b - d) / 4, 1)` ink, rounded down.
//!
//! What popular demos do instead, and why it is rejected: no cropping (a small digit
//! stays small); centring the bounding box (1.5 pixels off for a third of the test digits);
//! nearest-neighbour shrinking (thin strokes break); always inverting. `docs/own-pictures.md`
//! says how much accuracy each kind of image keeps.

mod components;
mod decode;
mod error;
mod frame;
mod frames;
mod grid;
mod line;
mod lines;
mod log;
mod numbers;
mod page;
mod paper;
mod pieces;
mod place;
mod plane;
mod planes;
mod prepare;
mod raw;
mod region;
mod resample;
mod sheet;
mod side;
mod specks;
mod stages_picture;
mod steps;
mod stroke;

pub use decode::MAX_FILE_BYTES;
pub use error::PictureError;
pub use frames::is_image;
pub use grid::{Grid, encode_png};
pub use log::{STAGES, Stage};
pub use numbers::{Digit, Numbers, Place, numbers};
pub use place::is_placed;
pub use planes::Planes;
pub use prepare::{Explained, Prepared, explain, prepare};
pub use raw::RawPicture;
pub use stages_picture::{StageRow, stages_picture};
pub use steps::{Step, Tone, Warning};
