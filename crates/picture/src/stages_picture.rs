//! The stages of preparing images, side by side, as one PNG.

use bakeoff_core::{ImageShape, Images};
use image::{
    GrayImage,
    imageops::{self, FilterType},
};

use crate::{
    error::PictureError,
    grid::{Grid, LINE},
    log::{STAGES, Stage},
};

/// The side of a cell: ten times that of an MNIST digit.
const CELL: u32 = 280;

/// The stages of one image, made as small as they are shown: a photo of twelve
/// megapixels would otherwise stay in memory until the image is written.
#[derive(Debug)]
pub struct StageRow {
    /// The names of the stages and their cells.
    cells: Vec<(&'static str, Vec<u8>)>,
}

impl StageRow {
    /// # Errors
    /// When a stage is too large for an image.
    pub fn new(stages: &[Stage]) -> Result<Self, PictureError> {
        let cells = stages
            .iter()
            .map(|stage| Ok((stage.name, cell(&stage.images)?)))
            .collect::<Result<_, PictureError>>()?;
        Ok(Self { cells })
    }
}

/// One PNG of all stages: a row per image, in each row its stages from left to right, every
/// stage in the column of its name. A stage that changed nothing is left out, and its
/// cell stays in the colour of the lines.
///
/// # Errors
/// When there are no stages, or more than PNG viewers show.
pub fn stages_picture(pictures: &[StageRow]) -> Result<Vec<u8>, PictureError> {
    let all = || pictures.iter().flat_map(|row| &row.cells);
    let used = |name: &&str| all().any(|(other, _)| other == name);
    let columns: Vec<&str> = STAGES.into_iter().filter(used).collect();
    let shape = ImageShape::new(1, CELL as usize, CELL as usize);
    let mut grid = Grid::new(shape, pictures.len(), columns.len())?;
    for (row, picture) in pictures.iter().enumerate() {
        for (name, cell) in &picture.cells {
            if let Some(column) = columns.iter().position(|other| other == name) {
                grid.place(cell, row, column);
            }
        }
    }
    grid.encode()
}

/// The first channel of an image, as large as a cell allows.
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
