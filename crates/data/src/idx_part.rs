//! One part of a dataset from two IDX arrays: images and labels.

use std::path::PathBuf;

use bakeoff_core::{ImageShape, Images};

use crate::{
    colour_order::to_planes,
    error::DataError,
    idx::{Array, times},
    parts::{Labels, Part},
};

/// The part that two arrays make up, each given with its file.
pub(crate) fn part(
    (path, mut images): (PathBuf, Array),
    (labels_path, labels): (PathBuf, Array),
) -> Result<Part, DataError> {
    let wrong_rank = |path, dims: &[usize], expected: &str| {
        let (found, sizes) = (dims.len(), times(dims));
        let problem =
            format!("byte 3: the file has {found} dimension(s) ({sizes}), but {expected}");
        DataError::invalid(path, problem)
    };
    if labels.dims.len() != 1 {
        let expected = "labels need 1 (samples): is this the file of labels?";
        return Err(wrong_rank(&labels_path, &labels.dims, expected));
    }
    let is_colour = |channels: usize| channels == 1 || channels == 3;
    let (count, shape) = match *images.dims.as_slice() {
        [count, height, width] => (count, ImageShape::new(1, height, width)),
        // 1 or 3 is a number of channels; where both could be, they come first.
        [count, height, width, channels] if is_colour(channels) && !is_colour(height) => {
            let shape = ImageShape::new(channels, height, width);
            images.data = to_planes(&images.data, shape);
            (count, shape)
        }
        [count, channels, height, width] => (count, ImageShape::new(channels, height, width)),
        ref dims => {
            let expected = "images need 3 (samples, rows, columns) or 4 (samples, channels, rows, columns): is this the file of images?";
            return Err(wrong_rank(&path, dims, expected));
        }
    };
    if count != labels.data.len() {
        return Err(DataError::invalid(
            &path,
            format!(
                "byte 4: the file has {count} images, but {} has {} labels: the files do not belong together",
                labels_path.display(),
                labels.data.len()
            ),
        ));
    }
    let images = Images::new(shape, images.data)
        .ok()
        .filter(|images| !images.is_empty())
        .ok_or_else(|| {
            let problem = "byte 4: the header claims 0 images, and nothing can be learned or measured without any";
            DataError::invalid(&path, problem)
        })?;
    Ok(Part {
        path,
        images,
        labels: Labels {
            path: labels_path,
            values: labels.data.into_iter().map(u16::from).collect(),
            unit: "byte",
            first: 8,
        },
        groups: None,
        files: None,
    })
}
