//! Images of a dataset as they are stored: decoded, neither cropped nor resized.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use bakeoff_core::{ImageShape, Images};
use bakeoff_picture::{MAX_FILE_BYTES, RawPicture};
use rayon::prelude::*;

use crate::error::DataError;

/// Decodes the images, of which there is at least one, and which must be of one size.
///
/// They are grey if all of them are, and RGB (over white) if any has a colour.
///
/// # Errors
/// Names the first image that cannot be read, is damaged, or is of another size
/// than the first one.
pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Images, DataError> {
    let mut pictures: Vec<RawPicture> = Vec::with_capacity(paths.len());
    // In parallel, but the error that is returned does not depend on which was read first.
    let read: Vec<Result<RawPicture, DataError>> =
        paths.par_iter().map(|path| read(path)).collect();
    for (path, picture) in paths.iter().zip(read) {
        let picture = picture?;
        if let Some(first) = pictures.first()
            && (first.width, first.height) != (picture.width, picture.height)
        {
            return Err(DataError::invalid(
                path,
                format!(
                    "{}×{} pixels, but {} has {}×{}: the images of a dataset must all be of one size",
                    picture.width,
                    picture.height,
                    paths[0].display(),
                    first.width,
                    first.height
                ),
            ));
        }
        pictures.push(picture);
    }
    let grey = pictures.iter().all(RawPicture::is_grey);
    let (width, height) = pictures.first().map_or((1, 1), |p| (p.width, p.height));
    let shape = ImageShape::new(if grey { 1 } else { 3 }, height, width);
    let pixels: Vec<u8> = pictures
        .into_iter()
        .flat_map(|picture| picture.into_planes(!grey))
        .collect();
    // Whole images of that shape by construction.
    Images::new(shape, pixels).map_err(|_| DataError::no_pictures(&paths[0]))
}

fn read(path: &Path) -> Result<RawPicture, DataError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            let limit = MAX_FILE_BYTES as u64 + 1;
            file.take(limit).read_to_end(&mut bytes)
        })
        .map_err(DataError::unreadable(path))?;
    RawPicture::decode(&bytes).map_err(|problem| DataError::Picture {
        path: path.into(),
        problem,
    })
}
