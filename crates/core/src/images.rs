//! Images as the models get them: bytes, contiguous, N×C×H×W.
//!
//! `u8` takes a quarter of the memory of `f32` and allows exact integer arithmetic where it
//! is faster; models convert it if they need to.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The shape of one image: channels × height × width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageShape {
    /// Number of colour channels (1 for grey, 3 for RGB).
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl ImageShape {
    /// A shape from channels, height and width.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self {
            channels,
            height,
            width,
        }
    }

    /// Values in one image: channels × height × width.
    ///
    /// Saturates instead of overflowing; [`Images::new`] then returns an error.
    pub const fn pixels(&self) -> usize {
        self.channels
            .saturating_mul(self.height)
            .saturating_mul(self.width)
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.channels, self.height, self.width)
    }
}

/// Why bytes and a shape are not valid [`Images`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImagesError {
    /// A dimension is zero.
    #[error("images of shape {shape} have no pixels")]
    EmptyShape {
        /// The given shape.
        shape: ImageShape,
    },
    /// The number of bytes is not a multiple of the image size.
    #[error("{bytes} bytes are not a whole number of images of {shape} ({each} bytes each)")]
    Length {
        /// The number of bytes.
        bytes: usize,
        /// The given shape.
        shape: ImageShape,
        /// Bytes in one image of that shape.
        each: usize,
    },
}

/// `len` images of one shape, N×C×H×W, one byte per value. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Images {
    shape: ImageShape,
    /// Not `Arc<[u8]>`, into which a vector has to be copied.
    pixels: Arc<Vec<u8>>,
}

impl Images {
    /// Wraps bytes laid out as N×C×H×W.
    ///
    /// # Errors
    /// If the shape is empty or the bytes are not a whole number of images.
    pub fn new(shape: ImageShape, pixels: impl Into<Vec<u8>>) -> Result<Self, ImagesError> {
        let pixels = Arc::new(pixels.into());
        let each = shape.pixels();
        if each == 0 {
            return Err(ImagesError::EmptyShape { shape });
        }
        if !pixels.len().is_multiple_of(each) {
            return Err(ImagesError::Length {
                bytes: pixels.len(),
                shape,
                each,
            });
        }
        Ok(Self { shape, pixels })
    }

    /// The shape of each image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.shape.pixels()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// All bytes, N×C×H×W.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The C×H×W bytes of image `index`, or `None` past the end.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let each = self.shape.pixels();
        let start = index.checked_mul(each)?;
        self.pixels.get(start..start.checked_add(each)?)
    }

    /// The images one after the other, each as its C×H×W bytes.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, u8> {
        self.pixels.chunks_exact(self.shape.pixels())
    }

    /// A copy of the images at `indices`, in that order. Indices past the end are
    /// left out; callers that must not lose any check the indices first.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.shape.pixels());
        for &index in indices {
            pixels.extend_from_slice(self.get(index).unwrap_or_default());
        }
        Self {
            shape: self.shape,
            pixels: Arc::new(pixels),
        }
    }

    /// The images without those at `indices`, which ascend. Where nobody else holds the bytes,
    /// they are moved together in place; else this is a copy.
    pub fn without(mut self, indices: &[usize]) -> Self {
        let each = self.shape.pixels();
        let mut kept = 0;
        let pixels = Arc::make_mut(&mut self.pixels);
        let mut left_out = indices.iter().copied().peekable();
        for index in 0..pixels.len() / each {
            if left_out.next_if_eq(&index).is_none() {
                pixels.copy_within(index * each..(index + 1) * each, kept * each);
                kept += 1;
            }
        }
        pixels.truncate(kept * each);
        pixels.shrink_to_fit();
        self
    }

    /// One image alone, as a batch of one; `None` past the end.
    pub fn single(&self, index: usize) -> Option<Self> {
        Some(Self {
            shape: self.shape,
            pixels: Arc::new(self.get(index)?.to_vec()),
        })
    }
}

impl fmt::Debug for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Images({} of {})", self.len(), self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_picture_is_rejected() {
        let shape = ImageShape::new(1, 2, 2);
        let error = Images::new(shape, vec![0; 5]).map(|_| ());
        assert_eq!(
            error,
            Err(ImagesError::Length {
                bytes: 5,
                shape,
                each: 4
            })
        );
    }

    #[test]
    fn a_shape_without_pixels_is_rejected() {
        let shape = ImageShape::new(1, 0, 2);
        assert!(Images::new(shape, vec![]).is_err());
    }

    #[test]
    fn overflowing_shapes_are_rejected() {
        let shape = ImageShape::new(usize::MAX, 2, 2);
        assert!(Images::new(shape, vec![1, 2, 3]).is_err());
    }

    #[test]
    fn select_copies_in_the_given_order() -> Result<(), ImagesError> {
        let images = Images::new(ImageShape::new(1, 1, 2), vec![0, 1, 2, 3, 4, 5])?;
        assert_eq!(images.select(&[2, 0]).pixels(), &[4, 5, 0, 1]);
        assert_eq!(images.get(3), None);
        let other = images.clone();
        for images in [other, images] {
            assert_eq!(images.without(&[1]).pixels(), &[0, 1, 4, 5]);
        }
        Ok(())
    }
}
