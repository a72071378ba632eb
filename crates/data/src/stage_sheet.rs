//! The stages of preparing pictures, side by side, as PNG.

use bakeoff_core::{ImageShape, Images};
use image::{
    GrayImage,
    imageops::{self, FilterType},
};

use crate::{
    PictureError,
    picture::Stage,
    sheet::{Canvas, LINE},
};

/// The side of a cell on a sheet of stages: ten times that of an MNIST digit.
const CELL: u32 = 280;

/// The stages in the order of their columns on a sheet.
const COLUMNS: [&str; 6] = ["read", "ink", "lines", "specks", "thickened", "prepared"];

/// A sheet as PNG: a row per picture, in each row its stages from left to right, every
/// stage in the column of its name. A stage that changed nothing is left out, and its
/// cell stays in the colour of the lines.
///
/// # Errors
/// When there are no stages, or more than PNG viewers stand.
pub fn stage_sheet(pictures: &[Vec<Stage>]) -> Result<Vec<u8>, PictureError> {
    let used = |name: &&str| pictures.iter().flatten().any(|stage| stage.name == *name);
    let columns: Vec<&str> = COLUMNS.into_iter().filter(used).collect();
    if columns.is_empty() {
        return Err(PictureError::EmptySheet);
    }
    let shape = ImageShape::new(1, CELL as usize, CELL as usize);
    let mut canvas = Canvas::new(shape, pictures.len(), columns.len())?;
    for (row, stages) in pictures.iter().enumerate() {
        for stage in stages {
            if let Some(column) = columns.iter().position(|name| *name == stage.name) {
                canvas.place(shape, &cell(&stage.images)?, row, column);
            }
        }
    }
    canvas.encode()
}

/// The first channel of a picture, as large as a cell allows.
fn cell(images: &Images) -> Result<Vec<u8>, PictureError> {
    let shape = images.shape();
    let refused = || PictureError::Length {
        bytes: images.pixels().len(),
        shape,
    };
    let side = |pixels: usize| u32::try_from(pixels).map_err(|_| refused());
    let (width, height) = (side(shape.width)?, side(shape.height)?);
    let plane = images.pixels()[..shape.width * shape.height].to_vec();
    let image = GrayImage::from_raw(width, height, plane).ok_or_else(refused)?;
    let longer = f64::from(width.max(height));
    let scaled = |side: u32| ((f64::from(side) * f64::from(CELL) / longer) as u32).max(1);
    // Pixels stay visible where there are few of them.
    let filter = if longer * 2.0 <= f64::from(CELL) {
        FilterType::Nearest
    } else {
        FilterType::Triangle
    };
    let image = imageops::resize(&image, scaled(width), scaled(height), filter);
    let mut cell = GrayImage::from_pixel(CELL, CELL, image::Luma([LINE]));
    let centred = |side: u32| i64::from((CELL - side) / 2);
    let (left, top) = (centred(image.width()), centred(image.height()));
    imageops::replace(&mut cell, &image, left, top);
    Ok(cell.into_raw())
}
