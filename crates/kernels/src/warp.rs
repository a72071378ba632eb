//! Moving the pixels of an image: one pass over bytes with bilinear interpolation.
//!
//! A training step of a small network takes tens of microseconds for an image, and whatever changes
//! training images at random is paid for each of them. So the sources of all pixels are computed in loops
//! that the compiler turns into vectors, once for all channels, and then looked up in a channel with a frame
//! of zeros, which nothing has to check. Sums and products are rounded one by one, so that every
//! instruction set gives the same bytes.

use bakeoff_core::ImageShape;

use super::simd::{Isa, Kernel, Simd};

/// Points of the grid of displacements along each axis.
pub const WARP_GRID: usize = 5;

/// Which place of an image each pixel of its warped image comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarpMap {
    /// The source's row is `row[0] · y + row[1] · x + row[2]` for the pixel in row y and column x.
    pub row: [f32; 3],
    /// Likewise its column.
    pub column: [f32; 3],
    /// Added to both: rows and columns of displacement on a grid of points over the whole image, bilinear
    /// between them.
    pub grid: Option<[[[f32; 2]; WARP_GRID]; WARP_GRID]>,
}

/// Memory that [`WarpMap::apply`] works in, for images of one size.
#[derive(Debug, Default)]
pub struct WarpMemory {
    /// A channel with zeros around it: one row and column before, two behind.
    framed: Vec<f32>,
    /// Of every pixel: how far its source lies below and to the right of a pixel of the frame, and which.
    downs: Vec<f32>,
    rights: Vec<f32>,
    places: Vec<u32>,
}

impl WarpMap {
    /// Replaces the C×H×W bytes of `image` by what the map says, all channels alike. What comes from
    /// outside is 0.
    ///
    /// # Panics
    /// When the image is shorter than its shape.
    pub fn apply(&self, isa: Isa, shape: ImageShape, image: &mut [u8], memory: &mut WarpMemory) {
        let pixels = shape.height * shape.width;
        assert!(
            pixels > 0 && image.len() >= shape.channels * pixels,
            "image shorter than its shape"
        );
        memory.downs.resize(pixels, 0.0);
        memory.rights.resize(pixels, 0.0);
        memory.places.resize(pixels, 0);
        let framed = (shape.height + BORDER) * (shape.width + BORDER);
        memory.framed.clear();
        memory.framed.resize(framed, 0.0);
        isa.run(Sources {
            map: self,
            size: [shape.height, shape.width],
            downs: &mut memory.downs,
            rights: &mut memory.rights,
            places: &mut memory.places,
        });
        for channel in image[..shape.channels * pixels].chunks_exact_mut(pixels) {
            isa.run(LookUp {
                size: [shape.height, shape.width],
                downs: &memory.downs,
                rights: &memory.rights,
                places: &memory.places,
                framed: &mut memory.framed,
                channel,
            });
        }
    }
}

/// Rows and columns of zeros before and behind a framed channel, together.
const BORDER: usize = 3;

/// Where each pixel comes from, in the framed channel.
struct Sources<'a> {
    map: &'a WarpMap,
    size: [usize; 2],
    downs: &'a mut [f32],
    rights: &'a mut [f32],
    places: &'a mut [u32],
}

impl Kernel for Sources<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "sizes of an image"
    )]
    fn run<S: Simd>(self) {
        let [height, width] = self.size;
        assert!(
            i32::try_from((height + BORDER) * (width + BORDER)).is_ok(),
            "an image larger than a network takes"
        );
        let stride = (width + BORDER) as i32;
        let WarpMap { row, column, grid } = *self.map;
        let lines = self
            .downs
            .chunks_exact_mut(width)
            .zip(self.rights.chunks_exact_mut(width))
            .zip(self.places.chunks_exact_mut(width));
        for (y, ((rows, columns), places)) in lines.enumerate() {
            let y = y as f32;
            let [row_start, column_start] = [row, column].map(|axis| axis[0] * y + axis[2]);
            for (x, (to_row, to_column)) in rows.iter_mut().zip(columns.iter_mut()).enumerate() {
                *to_row = row_start + row[1] * x as f32;
                *to_column = column_start + column[1] * x as f32;
            }
            if let Some(grid) = &grid {
                displace(grid, y / height as f32, rows, columns);
            }
            let both = rows.iter_mut().zip(columns.iter_mut());
            for ((row, column), place) in both.zip(places) {
                // Whatever lies further out is as black as the frame; `max` first, so that what is no
                // number comes from there.
                let y = row.max(-1.0).min(height as f32) + 1.0;
                let x = column.max(-1.0).min(width as f32) + 1.0;
                // SAFETY: both are from 0 to a size and one more.
                let (top, left) =
                    unsafe { (y.to_int_unchecked::<i32>(), x.to_int_unchecked::<i32>()) };
                *row = y - top as f32;
                *column = x - left as f32;
                *place = (top * stride + left) as u32;
            }
        }
    }
}

/// Adds the displacements of one row of pixels at `down` of the height.
#[inline(always)]
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes of an image and of the grid"
)]
fn displace(
    grid: &[[[f32; 2]; WARP_GRID]; WARP_GRID],
    down: f32,
    rows: &mut [f32],
    columns: &mut [f32],
) {
    let last = (WARP_GRID - 1) as f32;
    let width = rows.len();
    let down = down * last;
    let top = (down as usize).min(WARP_GRID - 2);
    let down = down - top as f32;
    // The grid's columns at this row.
    let at: [[f32; 2]; WARP_GRID] = std::array::from_fn(|i| {
        [0, 1].map(|axis| grid[top][i][axis] * (1.0 - down) + grid[top + 1][i][axis] * down)
    });
    for (left, pair) in at.windows(2).enumerate() {
        // Pixels between two of them.
        let [from, to] = [left, left + 1].map(|i| (i * width).div_ceil(WARP_GRID - 1));
        let parts = rows[from..to].iter_mut().zip(&mut columns[from..to]);
        for (i, (row, column)) in parts.enumerate() {
            let right = (from + i) as f32 * (last / width as f32) - left as f32;
            *row += pair[0][0] * (1.0 - right) + pair[1][0] * right;
            *column += pair[0][1] * (1.0 - right) + pair[1][1] * right;
        }
    }
}

/// One channel by its pixels' sources.
struct LookUp<'a> {
    size: [usize; 2],
    downs: &'a [f32],
    rights: &'a [f32],
    places: &'a [u32],
    framed: &'a mut [f32],
    channel: &'a mut [u8],
}

impl Kernel for LookUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let width = self.size[1];
        let stride = width + BORDER;
        let lines = self.framed.chunks_exact_mut(stride).skip(1);
        for (to, from) in lines.zip(self.channel.chunks_exact(width)) {
            for (to, &from) in to[1..].iter_mut().zip(from) {
                *to = f32::from(from);
            }
        }
        let framed = &*self.framed;
        let places = self.places.iter().zip(self.downs).zip(self.rights);
        for (to, ((&place, &down), &right)) in self.channel.iter_mut().zip(places) {
            let place = place as usize;
            let [upper, lower] = [place, place + stride].map(|at| {
                let pair = &framed[at..at + 2];
                pair[0] + (pair[1] - pair[0]) * right
            });
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between bytes, rounded"
            )]
            {
                *to = (upper + (lower - upper) * down + 0.5) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same in `f64`, pixel by pixel.
    fn plain(map: &WarpMap, shape: ImageShape, image: &[u8]) -> Vec<f64> {
        let (height, width) = (shape.height, shape.width);
        let mut out = Vec::new();
        for channel in image.chunks_exact(height * width) {
            let pixel = |row: f64, column: f64| {
                let inside =
                    (0.0..height as f64).contains(&row) && (0.0..width as f64).contains(&column);
                match inside {
                    true => f64::from(channel[row as usize * width + column as usize]),
                    false => 0.0,
                }
            };
            for index in 0..height * width {
                let (y, x) = ((index / width) as f64, (index % width) as f64);
                let of = |axis: [f32; 3]| {
                    f64::from(axis[0]) * y + f64::from(axis[1]) * x + f64::from(axis[2])
                };
                let moved = map.grid.map_or([0.0; 2], |grid| {
                    between(&grid, y / height as f64, x / width as f64)
                });
                let (row, column) = (of(map.row) + moved[0], of(map.column) + moved[1]);
                let (top, left) = (row.floor(), column.floor());
                let (down, right) = (row - top, column - left);
                let upper = pixel(top, left) * (1.0 - right) + pixel(top, left + 1.0) * right;
                let lower =
                    pixel(top + 1.0, left) * (1.0 - right) + pixel(top + 1.0, left + 1.0) * right;
                out.push(upper * (1.0 - down) + lower * down);
            }
        }
        out
    }

    fn between(grid: &[[[f32; 2]; WARP_GRID]; WARP_GRID], row: f64, column: f64) -> [f64; 2] {
        let last = (WARP_GRID - 1) as f64;
        let (y, x) = (row * last, column * last);
        let (top, left) = (
            (y as usize).min(WARP_GRID - 2),
            (x as usize).min(WARP_GRID - 2),
        );
        let (down, right) = (y - top as f64, x - left as f64);
        [0, 1].map(|axis| {
            let at = |row: usize, column: usize| f64::from(grid[row][column][axis]);
            let upper = at(top, left) * (1.0 - right) + at(top, left + 1) * right;
            let lower = at(top + 1, left) * (1.0 - right) + at(top + 1, left + 1) * right;
            upper * (1.0 - down) + lower * down
        })
    }

    #[test]
    fn every_instruction_set_gives_the_same_bytes_and_those_of_the_plain_way() {
        let mut state = 1_u64;
        let mut noise = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1 << 24) as f32
        };
        for round in 0..200 {
            let mut size = || 1 + (noise() * 40.0) as usize;
            let shape = ImageShape::new(1 + round % 3, size(), size());
            let image: Vec<u8> = (0..shape.pixels())
                .map(|_| (noise() * 256.0) as u8)
                .collect();
            let far = [1.0, 10.0, 1000.0][round % 3];
            let mut around = |middle: f32, by: f32| middle + by * (2.0 * noise() - 1.0);
            let grid = (round % 2 == 0).then(|| {
                let mut point = |_| [0; 2].map(|_| around(0.0, 3.0));
                std::array::from_fn(|_| std::array::from_fn(&mut point))
            });
            let map = WarpMap {
                row: [around(1.0, 0.5), around(0.0, 0.5), around(0.0, far)],
                column: [around(0.0, 0.5), around(1.0, 0.5), around(0.0, far)],
                grid,
            };
            let expected = plain(&map, shape, &image);
            let mut memory = WarpMemory::default();
            let mut first: Option<Vec<u8>> = None;
            for isa in Isa::available() {
                let mut warped = image.clone();
                map.apply(isa, shape, &mut warped, &mut memory);
                for (at, (&ours, &exact)) in warped.iter().zip(&expected).enumerate() {
                    let error = (f64::from(ours) - exact).abs();
                    // Half a level of rounding; coordinates have 24 bits.
                    assert!(error < 0.51, "{at} {shape:?} {map:?}: {ours} {exact}");
                }
                assert_eq!(first.get_or_insert_with(|| warped.clone()), &warped);
            }
        }
    }

    #[test]
    fn a_quarter_turn_is_exact() {
        let mut image: Vec<u8> = (1..=9).collect();
        let map = WarpMap {
            row: [0.0, 1.0, 0.0],
            column: [-1.0, 0.0, 2.0],
            grid: None,
        };
        let shape = ImageShape::new(1, 3, 3);
        map.apply(Isa::detect(), shape, &mut image, &mut WarpMemory::default());
        assert_eq!(image, [3, 6, 9, 2, 5, 8, 1, 4, 7]);
    }

    #[test]
    fn displacements_are_met_at_the_points_of_the_grid() {
        let mut grid = [[[0.0; 2]; WARP_GRID]; WARP_GRID];
        grid[1][2] = [3.0, -1.0];
        let (mut rows, mut columns) = ([0.0; 8], [0.0; 8]);
        displace(&grid, 0.25, &mut rows, &mut columns);
        assert_eq!(rows, [0.0, 0.0, 0.0, 1.5, 3.0, 1.5, 0.0, 0.0]);
        assert_eq!(columns, [0.0, 0.0, 0.0, -0.5, -1.0, -0.5, 0.0, 0.0]);
    }
}
