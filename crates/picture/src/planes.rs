//! An image at a stated size and with stated channels, for datasets and for what is asked alike.
//!
//! Every target pixel is the mean of the area that it covers, partly covered pixels by their
//! covered part. All arithmetic is in whole numbers, so that the bytes are the same on every
//! machine.

use bakeoff_core::{Colour, Fit};

/// One image: planes of `height` × `width`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planes {
    /// Rows.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// The planes one after the other, row by row.
    pub values: Vec<u8>,
}

impl Planes {
    fn area(&self) -> usize {
        self.height * self.width
    }

    /// Number of planes.
    pub fn channels(&self) -> usize {
        self.values.len() / self.area().max(1)
    }

    /// The image with the channels that are stated; [`Colour::Auto`] leaves them.
    pub fn coloured(self, colour: Colour) -> Self {
        let values = match (colour, self.channels()) {
            (Colour::Grey, 3) => {
                let (red, rest) = self.values.split_at(self.area());
                let (green, blue) = rest.split_at(self.area());
                let weigh = |((&r, &g), &b): ((&u8, &u8), &u8)| {
                    let sum = 2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b);
                    // At most 255.
                    ((sum + 5000) / 10_000) as u8
                };
                red.iter().zip(green).zip(blue).map(weigh).collect()
            }
            (Colour::Rgb, 1) => self.values.repeat(3),
            _ => self.values,
        };
        Self { values, ..self }
    }

    /// The image at a size.
    pub fn fitted(self, [height, width]: [usize; 2], fit: Fit) -> Self {
        if (self.height, self.width) == (height, width) || self.area() == 0 {
            return self;
        }
        // Whether the image is wider than the target, in proportion.
        let wide = self.width * height;
        let tall = self.height * width;
        let framed = match fit {
            Fit::Stretch => self,
            Fit::Crop if wide > tall => {
                let kept = (tall / height).clamp(1, self.width);
                let left = (self.width - kept) / 2;
                self.window(0, left, self.height, kept)
            }
            Fit::Crop => {
                let kept = (wide / width).clamp(1, self.height);
                let top = (self.height - kept) / 2;
                self.window(top, 0, kept, self.width)
            }
            Fit::Pad if wide > tall => {
                let rows = wide.div_ceil(width).max(self.height);
                self.padded(rows, self.width)
            }
            Fit::Pad => {
                let columns = tall.div_ceil(height).max(self.width);
                self.padded(self.height, columns)
            }
        };
        framed.averaged(height, width)
    }

    fn window(&self, top: usize, left: usize, height: usize, width: usize) -> Self {
        let rows = self.values.chunks_exact(self.area()).flat_map(|plane| {
            plane
                .chunks_exact(self.width)
                .skip(top)
                .take(height)
                .flat_map(|row| &row[left..left + width])
        });
        Self {
            height,
            width,
            values: rows.copied().collect(),
        }
    }

    /// The image in the middle of a larger one in the median colour of its border.
    fn padded(&self, height: usize, width: usize) -> Self {
        let (top, left) = ((height - self.height) / 2, (width - self.width) / 2);
        let mut values = Vec::with_capacity(height * width * self.channels());
        for plane in self.values.chunks_exact(self.area()) {
            let start = values.len();
            values.resize(start + height * width, median_of_border(plane, self.width));
            for (y, row) in plane.chunks_exact(self.width).enumerate() {
                let at = start + (top + y) * width + left;
                values[at..at + self.width].copy_from_slice(row);
            }
        }
        Self {
            height,
            width,
            values,
        }
    }

    /// Every target pixel is the mean of what it covers.
    fn averaged(&self, height: usize, width: usize) -> Self {
        if (self.height, self.width) == (height, width) {
            return self.clone();
        }
        let (columns, rows) = (
            Covered::all(self.width, width),
            Covered::all(self.height, height),
        );
        // In units of 1/width and 1/height of a source pixel.
        let whole = (self.width * self.height) as u64;
        let mut values = Vec::with_capacity(height * width * self.channels());
        let mut sums = vec![0_u64; self.height * width];
        for plane in self.values.chunks_exact(self.area()) {
            for (row, line) in plane
                .chunks_exact(self.width)
                .zip(sums.chunks_exact_mut(width))
            {
                for (sum, column) in line.iter_mut().zip(&columns) {
                    *sum = column.sum(|at| u64::from(row[at]));
                }
            }
            for row in &rows {
                for x in 0..width {
                    let sum = row.sum(|at| sums[at * width + x]);
                    // A mean of bytes is a byte.
                    values.push(((sum + whole / 2) / whole) as u8);
                }
            }
        }
        Self {
            height,
            width,
            values,
        }
    }
}

fn median_of_border(plane: &[u8], width: usize) -> u8 {
    let height = plane.len() / width;
    let mut border: Vec<u8> = plane[..width].to_vec();
    border.extend(&plane[(height - 1) * width..]);
    border.extend(
        plane
            .chunks_exact(width)
            .flat_map(|row| [row[0], row[width - 1]]),
    );
    border.sort_unstable();
    border[border.len() / 2]
}

/// What one target pixel covers along an axis.
struct Covered {
    first: usize,
    /// How much of each source pixel, in units of 1/count of it.
    parts: Vec<u64>,
}

impl Covered {
    /// For each of `count` target pixels on an axis of `length` source pixels.
    fn all(length: usize, count: usize) -> Vec<Self> {
        (0..count)
            .map(|target| {
                let (from, to) = (target * length, (target + 1) * length);
                let first = from / count;
                let parts = (first..to.div_ceil(count))
                    .map(|at| ((at + 1) * count).min(to) - (at * count).max(from))
                    .map(|part| part as u64)
                    .collect();
                Self { first, parts }
            })
            .collect()
    }

    fn sum(&self, value: impl Fn(usize) -> u64) -> u64 {
        let parts = self.parts.iter().enumerate();
        parts.map(|(at, part)| part * value(self.first + at)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planes(height: usize, width: usize, values: &[u8]) -> Planes {
        Planes {
            height,
            width,
            values: values.to_vec(),
        }
    }

    #[test]
    fn areas_are_averaged() {
        let image = planes(2, 4, &[1, 3, 10, 20, 5, 7, 30, 40]);
        assert_eq!(image.clone().fitted([1, 2], Fit::Stretch).values, [4, 25]);
        assert_eq!(image.clone().fitted([1, 1], Fit::Stretch).values, [15]);
        // 4 columns in 3: 1 + 1/3, 2/3 + 2/3, 1/3 + 1.
        let image = planes(1, 4, &[30, 60, 90, 120]);
        assert_eq!(image.fitted([1, 3], Fit::Stretch).values, [38, 75, 113]);
    }

    #[test]
    fn enlarging_repeats() {
        let image = planes(1, 2, &[1, 9]);
        assert_eq!(
            image.fitted([2, 4], Fit::Stretch).values,
            [1, 1, 9, 9, 1, 1, 9, 9]
        );
    }

    #[test]
    fn crop_keeps_the_middle_and_pad_the_whole() {
        let image = planes(1, 3, &[1, 5, 9]);
        assert_eq!(image.clone().fitted([1, 1], Fit::Crop).values, [5]);
        let padded = image.fitted([3, 3], Fit::Pad);
        assert_eq!(padded.values, [5, 5, 5, 1, 5, 9, 5, 5, 5]);
    }

    #[test]
    fn colours_are_weighed_or_repeated() {
        let image = planes(1, 1, &[255, 0, 0]);
        assert_eq!(image.clone().coloured(Colour::Grey).values, [54]);
        assert_eq!(image.coloured(Colour::Auto).channels(), 3);
        assert_eq!(planes(1, 1, &[7]).coloured(Colour::Rgb).values, [7, 7, 7]);
    }
}
