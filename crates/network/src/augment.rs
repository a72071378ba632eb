//! Changing training images at random, so that a network sees more of them.
//!
//! Works on bytes, before any scaling, so that whatever changes stored images (a
//! corruption, say) can be plugged in. Each image has a random stream of its own that
//! depends on the seed, the epoch and its place in the training data: neither the
//! batch size nor the number of threads changes what it becomes.

use bakeoff_core::{ImageShape, derive_seed};
use bakeoff_kernels::{Isa, WARP_GRID, WarpMap, WarpMemory};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::views::mirror;

/// Changes one image.
pub(crate) trait Augmentation: Send + Sync {
    /// Changes the C×H×W bytes in place. What moves in from outside is 0, the
    /// background of MNIST and its relatives.
    fn apply(
        &self,
        shape: ImageShape,
        picture: &mut [u8],
        memory: &mut WarpMemory,
        rng: &mut ChaCha8Rng,
    );
}

/// Moves every pixel, in one pass with bilinear interpolation: turned about the centre, scaled, slanted,
/// moved as a whole, and deformed as rubber is (P. Simard, D. Steinkraus and J. Platt, "Best practices
/// for convolutional neural networks", ICDAR 2003; here the displacements are drawn on a grid of 5×5
/// points and interpolated between them). Each amount is drawn anew for each image, evenly
/// distributed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Warp {
    /// At most so many degrees either way.
    pub(crate) rotate: f64,
    /// Larger or smaller by at most this part, in each direction by itself.
    pub(crate) scale: f64,
    /// The top moves to either side by at most this part of the height, the bottom to the other.
    pub(crate) shear: f64,
    /// Moved by at most so many whole pixels on each axis.
    pub(crate) shift: usize,
    /// Each point of the grid is moved by at most so many pixels on each axis.
    pub(crate) elastic: f64,
}

impl Warp {
    /// Whether it moves nothing.
    pub(crate) fn is_none(&self) -> bool {
        self.shift == 0 && [self.rotate, self.scale, self.shear, self.elastic] == [0.0; 4]
    }
}

impl Augmentation for Warp {
    fn apply(
        &self,
        shape: ImageShape,
        picture: &mut [u8],
        memory: &mut WarpMemory,
        rng: &mut ChaCha8Rng,
    ) {
        let mut drawn = |most: f64| match most > 0.0 {
            true => rng.random_range(-most..=most),
            false => 0.0,
        };
        let (sin, cos) = drawn(self.rotate).to_radians().sin_cos();
        let [tall, wide] = [0; 2].map(|_| 1.0 / (1.0 + drawn(self.scale)));
        let shear = drawn(self.shear);
        let grid = (self.elastic > 0.0).then(|| {
            let mut grid = [[[0.0; 2]; WARP_GRID]; WARP_GRID];
            for moved in grid.iter_mut().flatten().flatten() {
                *moved = drawn(self.elastic) as f32;
            }
            grid
        });
        let reach = i64::try_from(self.shift).unwrap_or(i64::MAX / 4);
        let [down, right] = match reach {
            0 => [0.0; 2],
            _ => [0; 2].map(|_| rng.random_range(-reach..=reach) as f64),
        };
        let centre = [shape.height, shape.width].map(|size| (size as f64 - 1.0) / 2.0);
        // A pixel is moved back, slanted and scaled about the centre, then turned.
        let (y, x) = (-down - centre[0], -right - centre[1]);
        let source = |of_y: f64, of_x: f64, centre: f64| {
            let by_row = of_y * tall + of_x * wide * shear;
            let by_column = of_x * wide;
            [by_row, by_column, centre + by_row * y + by_column * x].map(|number| number as f32)
        };
        let map = WarpMap {
            row: source(cos, -sin, centre[0]),
            column: source(sin, cos, centre[1]),
            grid,
        };
        map.apply(Isa::detect(), shape, picture, memory);
    }
}

/// Thickens strokes, or thins them, by up to one pixel on each side: part of the way to the greatest or
/// the least value of the pixel and its four neighbours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stroke {
    /// The greatest part of that way, from 0 to 1.
    pub(crate) most: f64,
}

impl Augmentation for Stroke {
    fn apply(
        &self,
        shape: ImageShape,
        picture: &mut [u8],
        _: &mut WarpMemory,
        rng: &mut ChaCha8Rng,
    ) {
        let part = rng.random_range(-self.most..=self.most);
        let (height, width) = (shape.height, shape.width);
        let mut before = vec![0; height * width];
        for plane in picture.chunks_exact_mut(height * width) {
            before.copy_from_slice(plane);
            let pick = if part > 0.0 { u8::max } else { u8::min };
            for (at, out) in plane.iter_mut().enumerate() {
                let (row, column) = (at / width, at % width);
                let near = |is_inside: bool, at: usize| if is_inside { before[at] } else { 0 };
                let far = [
                    near(row > 0, at.wrapping_sub(width)),
                    near(row + 1 < height, at + width),
                    near(column > 0, at.wrapping_sub(1)),
                    near(column + 1 < width, at + 1),
                ]
                .into_iter()
                .fold(before[at], pick);
                let (from, to) = (f64::from(before[at]), f64::from(far));
                *out = (from + part.abs() * (to - from)).round() as u8;
            }
        }
    }
}

/// Mirrors half of the images left to right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flip;

impl Augmentation for Flip {
    fn apply(
        &self,
        shape: ImageShape,
        picture: &mut [u8],
        _: &mut WarpMemory,
        rng: &mut ChaCha8Rng,
    ) {
        if rng.random_bool(0.5) {
            mirror(picture, shape);
        }
    }
}

/// Sets a square whose centre lies anywhere in the image to 0 in all channels; what of it lies outside
/// is lost (T. DeVries and G. Taylor, "Improved regularization of convolutional neural networks with
/// cutout", 2017).
#[derive(Clone, Copy, Debug)]
pub(crate) struct CutOut {
    /// Pixels a side.
    pub(crate) side: usize,
}

impl Augmentation for CutOut {
    fn apply(
        &self,
        shape: ImageShape,
        picture: &mut [u8],
        _: &mut WarpMemory,
        rng: &mut ChaCha8Rng,
    ) {
        let [rows, columns] = [shape.height, shape.width].map(|size| {
            // One past the centre, so that nothing is below 0.
            let end = rng.random_range(0..size) + 1 + (self.side - 1) / 2;
            end.saturating_sub(self.side)..end.min(size)
        });
        for plane in picture.chunks_exact_mut(shape.height * shape.width) {
            for row in rows.clone() {
                plane[row * shape.width..][columns.clone()].fill(0);
            }
        }
    }
}

/// Several augmentations one after the other, with the seed of one fit.
pub(crate) struct Augmenter {
    steps: Vec<Box<dyn Augmentation>>,
    seed: u64,
}

impl Augmenter {
    /// Applies `steps` in order, with random numbers that follow from `seed`.
    pub(crate) fn new(steps: Vec<Box<dyn Augmentation>>, seed: u64) -> Self {
        Self { steps, seed }
    }

    /// Whether there is nothing to apply, so that images may stay where they lie.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Changes a batch: `indices` says which training image each one is.
    pub(crate) fn apply(
        &self,
        shape: ImageShape,
        epoch: u64,
        indices: &[usize],
        pixels: &mut [u8],
    ) {
        if self.steps.is_empty() {
            return;
        }
        let seed = derive_seed(self.seed, &format!("augment/{epoch}"));
        pixels
            .par_chunks_exact_mut(shape.pixels())
            .zip(indices)
            .for_each_init(WarpMemory::default, |memory, (picture, &index)| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(index as u64);
                for step in &self.steps {
                    step.apply(shape, picture, memory, &mut rng);
                }
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape::new(2, 5, 7);

    fn shifted(shift: usize) -> Warp {
        Warp {
            shift,
            ..Warp::default()
        }
    }

    fn turned(rotate: f64) -> Warp {
        Warp {
            rotate,
            ..Warp::default()
        }
    }

    /// One bright pixel in the middle of each channel.
    fn dot() -> Vec<u8> {
        let mut picture = vec![0; SHAPE.pixels()];
        picture[2 * 7 + 3] = 200;
        picture[35 + 2 * 7 + 3] = 100;
        picture
    }

    #[test]
    fn a_shift_moves_all_channels_alike_and_reaches_every_offset() {
        let shift = shifted(1);
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut picture = dot();
            shift.apply(
                SHAPE,
                &mut picture,
                &mut WarpMemory::default(),
                &mut ChaCha8Rng::seed_from_u64(seed),
            );
            let bright: Vec<_> = (0..70).filter(|&i| picture[i] > 0).collect();
            assert_eq!(bright.len(), 2);
            assert_eq!(bright[1], bright[0] + 35);
            assert_eq!((picture[bright[0]], picture[bright[1]]), (200, 100));
            seen.insert(bright[0]);
        }
        let expected: Vec<usize> = [1, 2, 3]
            .iter()
            .flat_map(|row| [2, 3, 4].map(|column| row * 7 + column))
            .collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_moves_in_is_background() {
        let mut picture = vec![255; SHAPE.pixels()];
        shifted(40).apply(
            SHAPE,
            &mut picture,
            &mut WarpMemory::default(),
            &mut ChaCha8Rng::seed_from_u64(3),
        );
        assert!(picture.contains(&0));
        let mut picture = vec![255; SHAPE.pixels()];
        Warp::default().apply(
            SHAPE,
            &mut picture,
            &mut WarpMemory::default(),
            &mut ChaCha8Rng::seed_from_u64(3),
        );
        assert_eq!(picture, vec![255; SHAPE.pixels()]);
    }

    #[test]
    fn a_rotation_keeps_the_centre_and_moves_the_rest() {
        let mut picture = vec![0; SHAPE.pixels()];
        picture[2 * 7 + 3] = 200;
        picture[2 * 7 + 6] = 200;
        let before = picture.clone();
        turned(15.0).apply(
            SHAPE,
            &mut picture,
            &mut WarpMemory::default(),
            &mut ChaCha8Rng::seed_from_u64(5),
        );
        assert_eq!(picture[2 * 7 + 3], 200);
        assert_ne!(picture, before);
        // A turn by at most 15° moves a point three columns out by less than a row.
        assert!(picture[..7].iter().all(|&value| value == 0));
        assert!(picture[28..35].iter().all(|&value| value == 0));
    }

    #[test]
    fn a_picture_becomes_the_same_wherever_it_stands_in_a_batch() {
        let augmenter = Augmenter::new(vec![Box::new(shifted(2)), Box::new(turned(9.0))], 1);
        let run = |epoch, indices: &[usize]| {
            let mut pixels: Vec<u8> = indices.iter().flat_map(|_| dot()).collect();
            augmenter.apply(SHAPE, epoch, indices, &mut pixels);
            pixels
        };
        let (ab, ba) = (run(1, &[4, 9]), run(1, &[9, 4]));
        assert_eq!(ab[..70], ba[70..]);
        assert_eq!(ab[70..], ba[..70]);
        assert_ne!(run(1, &[4]), run(2, &[4]));
    }

    #[test]
    fn all_at_once_moves_no_further_than_each_may() {
        let warp = Warp {
            rotate: 10.0,
            scale: 0.1,
            shear: 0.1,
            shift: 1,
            elastic: 0.5,
        };
        let shape = ImageShape::new(1, 28, 28);
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut picture = vec![0; shape.pixels()];
            picture[14 * 28 + 14] = 255;
            warp.apply(
                shape,
                &mut picture,
                &mut WarpMemory::default(),
                &mut ChaCha8Rng::seed_from_u64(seed),
            );
            let bright: Vec<usize> = (0..784).filter(|&at| picture[at] > 0).collect();
            for at in &bright {
                assert!((at / 28).abs_diff(14) <= 3 && (at % 28).abs_diff(14) <= 3);
            }
            seen.insert(picture);
        }
        assert!(seen.len() > 190, "{} of 200 differ", seen.len());
    }

    /// What becomes of it with each of these seeds.
    fn changed(
        step: &impl Augmentation,
        shape: ImageShape,
        picture: &[u8],
        seeds: u64,
    ) -> Vec<Vec<u8>> {
        let changed = |seed| {
            let mut picture = picture.to_vec();
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            step.apply(shape, &mut picture, &mut WarpMemory::default(), &mut rng);
            picture
        };
        (0..seeds).map(changed).collect()
    }

    #[test]
    fn half_of_the_images_are_mirrored() {
        let shape = ImageShape::new(2, 2, 3);
        let picture: Vec<u8> = (1..=12).collect();
        let mirrored = vec![3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10];
        let all = changed(&Flip, shape, &picture, 200);
        let count = |wanted: &Vec<u8>| all.iter().filter(|it| *it == wanted).count();
        assert_eq!(count(&mirrored) + count(&picture), 200);
        assert!((70..130).contains(&count(&picture)), "{}", count(&picture));
    }

    #[test]
    fn squares_are_cut_out_at_every_place_and_end_at_the_border() {
        let picture = vec![9; SHAPE.pixels()];
        for side in [1, 2, 3, 20] {
            let mut seen = std::collections::BTreeSet::new();
            for picture in changed(&CutOut { side }, SHAPE, &picture, 1000) {
                let cut: Vec<usize> = (0..35).filter(|&at| picture[at] == 0).collect();
                assert_eq!(picture[..35], picture[35..]);
                let (first, last) = (cut[0], cut[cut.len() - 1]);
                let (rows, columns) = (last / 7 - first / 7 + 1, last % 7 - first % 7 + 1);
                assert_eq!(cut.len(), rows * columns, "no rectangle: {cut:?}");
                assert!(rows <= side && columns <= side);
                let inside = first / 7 > 0 && last / 7 < 4 && first % 7 > 0 && last % 7 < 6;
                assert!(!inside || (rows, columns) == (side, side), "{cut:?}");
                seen.insert(cut);
            }
            // A centre for each pixel; a square of 20 covers all from any of them.
            assert_eq!(seen.len(), if side == 20 { 1 } else { 35 }, "{side}");
        }
    }

    #[test]
    fn strokes_grow_and_shrink() {
        let shape = ImageShape::new(1, 5, 5);
        // A bar of three columns.
        let bar: Vec<u8> = (0..25)
            .map(|at| 200 * u8::from((1..4).contains(&(at % 5))))
            .collect();
        let stroke = Stroke { most: 1.0 };
        let (mut grown, mut shrunk) = (0, 0);
        for seed in 0..50 {
            let mut picture = bar.clone();
            stroke.apply(
                shape,
                &mut picture,
                &mut WarpMemory::default(),
                &mut ChaCha8Rng::seed_from_u64(seed),
            );
            let middle = &picture[10..15];
            assert_eq!(middle[2], 200);
            assert_eq!((middle[0], middle[1]), (middle[4], middle[3]));
            grown += usize::from(middle[0] > 0 && middle[1] == 200);
            shrunk += usize::from(middle[0] == 0 && middle[1] < 200);
        }
        assert!(
            grown > 10 && shrunk > 10 && grown + shrunk >= 48,
            "{grown} {shrunk}"
        );
    }
}
