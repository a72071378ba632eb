//! Histograms of oriented gradients (Dalal and Triggs 2005).
//!
//! Gradients are central differences, of the channel in which they are largest. Each counts with its
//! length for the two nearest orientations (of 180°: light on dark is as dark on light) and for the four
//! nearest cells, in proportion. A cell is divided by the lengths of the four blocks of 2 × 2 cells
//! that it belongs to, cut at 0.2, and what it comes to is the mean of the four (Felzenszwalb et al. 2010).
//! 0.2 becomes 255. The orientations are the channels of what comes out, its pixels the cells.

use bakeoff_core::{ImageShape, Images, ModelReader, StoreError};

use crate::step::{FittedStep, Step, byte_of_share};

/// Where a share of its block's length is cut.
const MOST: f32 = 0.2;
/// Added to the square of a block's length: 2 % of the largest gradient, so that noise on even ground stays
/// small.
const FLOOR: f32 = (0.02 * 255.0) * (0.02 * 255.0);

/// The step: cells of `cell` × `cell` pixels.
pub(crate) struct Hog {
    pub(crate) cell: usize,
    pub(crate) orientations: usize,
}

struct Fitted {
    input: ImageShape,
    output: ImageShape,
    cell: usize,
}

impl Hog {
    fn fitted(&self, input: ImageShape) -> Box<dyn FittedStep> {
        Box::new(Fitted {
            input,
            output: ImageShape::new(
                self.orientations,
                input.height / self.cell,
                input.width / self.cell,
            ),
            cell: self.cell,
        })
    }
}

impl Step for Hog {
    fn shape(&self, input: ImageShape) -> Result<ImageShape, String> {
        let (rows, columns) = (input.height / self.cell, input.width / self.cell);
        match rows > 0 && columns > 0 {
            true => Ok(ImageShape::new(self.orientations, rows, columns)),
            false => Err(format!(
                "images of {input} have no cell of {0}×{0} pixels",
                self.cell
            )),
        }
    }

    fn fit(&self, train: &Images, _: u64) -> Result<Box<dyn FittedStep>, String> {
        Ok(self.fitted(train.shape()))
    }

    fn load(
        &self,
        input: ImageShape,
        _: &str,
        _: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedStep>, StoreError> {
        Ok(self.fitted(input))
    }
}

impl Fitted {
    /// The two differences of the channel in which they are longest, at one pixel.
    fn gradient(&self, image: &[u8], y: usize, x: usize) -> (f32, f32) {
        let ImageShape { height, width, .. } = self.input;
        let (up, down) = (y.saturating_sub(1), (y + 1).min(height - 1));
        let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
        let mut longest = (0, 0);
        for plane in image.chunks_exact(height * width) {
            let at = |y: usize, x: usize| i32::from(plane[y * width + x]);
            let found = (at(y, right) - at(y, left), at(down, x) - at(up, x));
            let length = |(dx, dy): (i32, i32)| dx * dx + dy * dy;
            if length(found) > length(longest) {
                longest = found;
            }
        }
        (longest.0 as f32, longest.1 as f32)
    }

    /// Adds what each pixel counts for, to orientations × cells.
    fn count(&self, image: &[u8], sums: &mut [f32]) {
        let (rows, columns) = (self.output.height, self.output.width);
        let orientations = self.output.channels;
        for y in 0..(rows * self.cell) {
            let (row, down) = self.cell_of(y);
            for x in 0..(columns * self.cell) {
                let (dx, dy) = self.gradient(image, y, x);
                if dx == 0.0 && dy == 0.0 {
                    continue;
                }
                let length = dx.hypot(dy);
                let turn = dy.atan2(dx) / std::f32::consts::PI;
                let place = turn.rem_euclid(1.0) * orientations as f32;
                let part = place - place.floor();
                let first = place as usize % orientations;
                let second = (first + 1) % orientations;
                let (column, across) = self.cell_of(x);
                for (row, by_row) in [(row, 1.0 - down), (row + 1, down)] {
                    for (column, by_column) in [(column, 1.0 - across), (column + 1, across)] {
                        let inside = (0..rows as i64).contains(&row)
                            && (0..columns as i64).contains(&column);
                        if !inside {
                            continue;
                        }
                        let cell = row as usize * columns + column as usize;
                        let share = length * by_row * by_column;
                        sums[first * rows * columns + cell] += share * (1.0 - part);
                        sums[second * rows * columns + cell] += share * part;
                    }
                }
            }
        }
    }

    /// The last cell whose middle is not after a pixel, and the share that the next one gets of it.
    fn cell_of(&self, pixel: usize) -> (i64, f32) {
        let place = (pixel as f32 + 0.5) / self.cell as f32 - 0.5;
        (place.floor() as i64, place - place.floor())
    }
}

impl FittedStep for Fitted {
    fn apply(&self, images: &[u8], out: &mut [u8]) {
        let (rows, columns) = (self.output.height, self.output.width);
        let cells = rows * columns;
        let mut sums = vec![0.0; self.output.pixels()];
        let mut squares = vec![0.0; cells];
        let images = images.chunks_exact(self.input.pixels());
        for (image, out) in images.zip(out.chunks_exact_mut(self.output.pixels())) {
            sums.fill(0.0);
            self.count(image, &mut sums);
            squares.fill(0.0);
            for plane in sums.chunks_exact(cells) {
                for (square, value) in squares.iter_mut().zip(plane) {
                    *square += value * value;
                }
            }
            // The sum of the squares of the block whose upper left cell is (row, column), from -1 on.
            let block = |row: i64, column: i64| -> f32 {
                let mut sum = FLOOR;
                for row in row.max(0)..(row + 2).min(rows as i64) {
                    for column in column.max(0)..(column + 2).min(columns as i64) {
                        sum += squares[row as usize * columns + column as usize];
                    }
                }
                sum
            };
            for cell in 0..cells {
                let (row, column) = ((cell / columns) as i64, (cell % columns) as i64);
                let factors = [(-1, -1), (-1, 0), (0, -1), (0, 0)]
                    .map(|(up, left)| block(row + up, column + left).sqrt().recip());
                for (plane, out) in sums.chunks_exact(cells).zip(out.chunks_exact_mut(cells)) {
                    let parts = factors.map(|factor| (plane[cell] * factor).min(MOST));
                    out[cell] = byte_of_share(parts.iter().sum::<f32>() / (4.0 * MOST));
                }
            }
        }
    }
}
