//! Preparing a person's own picture.

mod error;

pub use error::PictureError;
