//! An image of a dataset, which is taken as it is: decoded and nothing else.

use crate::{
    decode::{self, Decoded},
    error::PictureError,
    frames::has_more_frames,
    log::Log,
};

/// The pixels of an image as they are stored, turned as EXIF says and over white.
#[derive(Clone, Debug)]
pub struct RawPicture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Whether the file has more frames or pages than this one.
    pub has_more_frames: bool,
    /// One plane where the image is grey, else three.
    planes: Vec<u8>,
}

impl RawPicture {
    /// Decodes a PNG, JPEG, WebP, BMP, TIFF, PNM or GIF; of several frames or pages the first. What
    /// has 16 bits is read with 8.
    ///
    /// # Errors
    /// When the bytes are no such image, damaged or too large.
    pub fn decode(bytes: &[u8]) -> Result<Self, PictureError> {
        let mut picture = Self::of(decode::decode(bytes, &mut Log::default())?);
        picture.has_more_frames = has_more_frames(bytes);
        Ok(picture)
    }

    /// What was decoded.
    pub(crate) fn of(decoded: Decoded) -> Self {
        let (width, height) = (decoded.width(), decoded.height());
        let mut planes = if decoded.is_grey_of_any_depth() {
            decoded.into_grey().0.values
        } else {
            decoded.into_rgb()
        };
        // Over white, what was stored as a colour may be grey.
        let area = width * height;
        if planes.len() == 3 * area {
            let (red, rest) = planes.split_at(area);
            let (green, blue) = rest.split_at(area);
            if red == green && green == blue {
                planes.truncate(area);
            }
        }
        Self {
            width,
            height,
            has_more_frames: false,
            planes,
        }
    }

    /// Whether no pixel has a colour.
    pub fn is_grey(&self) -> bool {
        self.planes.len() == self.width * self.height
    }

    /// The planes one after the other; with `rgb`, a grey image has its one plane three
    /// times.
    pub fn into_planes(self, rgb: bool) -> Vec<u8> {
        if rgb && self.is_grey() {
            self.planes.repeat(3)
        } else {
            self.planes
        }
    }
}
