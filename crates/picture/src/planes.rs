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
        let own = [self.height, self.width];
        let (framed, frame) = match fit {
            Fit::Stretch => (self, own),
            Fit::Crop if wide > tall => {
                let kept = (tall / height).clamp(1, self.width);
                let left = (self.width - kept) / 2;
                (self.window(0, left, self.height, kept), [own[0], kept])
            }
            Fit::Crop => {
                let kept = (wide / width).clamp(1, self.height);
                let top = (self.height - kept) / 2;
                (self.window(top, 0, kept, self.width), [kept, own[1]])
            }
            Fit::Pad if wide > tall => (self, [wide.div_ceil(width).max(own[0]), own[1]]),
            Fit::Pad => (self, [own[0], tall.div_ceil(height).max(own[1])]),
        };
        framed.averaged(frame, [height, width])
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

    /// Every target pixel is the mean of what it covers of a frame: the image is in its middle, and
    /// around it is the median colour of the image's border. The frame is not made: that of an
    /// image of 16384×1 pixels is a thousand times larger.
    fn averaged(&self, frame: [usize; 2], [height, width]: [usize; 2]) -> Self {
        let [own_height, own_width] = [self.height, self.width];
        if frame == [height, width] && frame == [own_height, own_width] {
            return self.clone();
        }
        let columns = Covered::all(frame[1], own_width, width);
        let rows = Covered::all(frame[0], own_height, height);
        // In units of 1/width and 1/height of a source pixel.
        let whole = frame[0] as i64 * frame[1] as i64;
        let mut values = Vec::with_capacity(height * width * self.channels());
        let mut sums = vec![0_i64; own_height * width];
        for plane in self.values.chunks_exact(self.area()) {
            let ground = i64::from(median_of_border(plane, own_width));
            for (row, line) in plane
                .chunks_exact(own_width)
                .zip(sums.chunks_exact_mut(width))
            {
                for (sum, column) in line.iter_mut().zip(&columns) {
                    *sum = column.sum(|at| i64::from(row[at]) - ground);
                }
            }
            for row in &rows {
                for x in 0..width {
                    let sum = ground * whole + row.sum(|at| sums[at * width + x]);
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

/// What one target pixel covers of the image along an axis.
struct Covered {
    first: usize,
    /// How much of each source pixel, in units of 1/count of it.
    parts: Vec<i64>,
}

impl Covered {
    /// For each of `count` target pixels on an axis of `length` pixels, of which those of the image,
    /// `own`, are in the middle.
    fn all(length: usize, own: usize, count: usize) -> Vec<Self> {
        let before = (length - own) / 2;
        (0..count)
            .map(|target| {
                let (from, to) = (target * length, (target + 1) * length);
                let first = (from / count).clamp(before, before + own);
                let end = to.div_ceil(count).clamp(first, before + own);
                let parts = (first..end)
                    .map(|at| ((at + 1) * count).min(to) - (at * count).max(from))
                    .map(|part| part as i64)
                    .collect();
                Self {
                    first: first - before,
                    parts,
                }
            })
            .collect()
    }

    fn sum(&self, value: impl Fn(usize) -> i64) -> i64 {
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

    /// The bytes are those of the image in a frame that is made.
    #[test]
    fn pad_is_the_mean_of_a_larger_image() {
        let ramp = |height: usize, width: usize| {
            let values: Vec<u8> = (0..2 * height * width).map(|at| (at * 37) as u8).collect();
            planes(height, width, &values)
        };
        for ([height, width], size) in [
            ([2, 7], [3, 3]),
            ([9, 2], [4, 5]),
            ([5, 5], [2, 7]),
            ([1, 13], [28, 28]),
            ([31, 4], [6, 6]),
        ] {
            let image = ramp(height, width);
            let rows = (width * size[0]).div_ceil(size[1]).max(height);
            let columns = (height * size[1]).div_ceil(size[0]).max(width);
            let [rows, columns] = match width * size[0] > height * size[1] {
                true => [rows, width],
                false => [height, columns],
            };
            let mut framed = Vec::new();
            for plane in image.values.chunks_exact(height * width) {
                let start = framed.len();
                framed.resize(start + rows * columns, median_of_border(plane, width));
                for (y, row) in plane.chunks_exact(width).enumerate() {
                    let at = start + ((rows - height) / 2 + y) * columns + (columns - width) / 2;
                    framed[at..at + width].copy_from_slice(row);
                }
            }
            let framed = planes(rows, columns, &framed);
            let expected = framed.fitted(size, Fit::Stretch);
            assert_eq!(image.fitted(size, Fit::Pad), expected, "{height}×{width}");
        }
    }

    /// The frame would have 268,435,456,000 pixels.
    #[test]
    fn a_thin_image_takes_no_more_memory_than_others() {
        let thin = planes(16_384, 1, &[9; 16_384]).fitted([1, 1000], Fit::Pad);
        assert_eq!(thin.values, [9; 1000]);
    }

    #[test]
    fn colours_are_weighed_or_repeated() {
        let image = planes(1, 1, &[255, 0, 0]);
        assert_eq!(image.clone().coloured(Colour::Grey).values, [54]);
        assert_eq!(image.coloured(Colour::Auto).channels(), 3);
        assert_eq!(planes(1, 1, &[7]).coloured(Colour::Rgb).values, [7, 7, 7]);
    }
}
