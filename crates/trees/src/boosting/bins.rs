//! Training images, pixel by pixel, with values in bins.

use bakeoff_core::Samples;
use bakeoff_kernels::histogram::Column;
use rayon::prelude::*;

/// A pixel that is not the same in all images.
pub(crate) struct Pixel {
    /// Its place in an image.
    pub(crate) place: u32,
    /// Images that have another value than most.
    images: Vec<u32>,
    /// Their bins.
    bins: Vec<u8>,
    /// The bin of all others.
    usual: u8,
    /// The highest value of each bin.
    pub(crate) edges: Vec<u8>,
}

impl Pixel {
    pub(crate) fn column(&self) -> Column<'_> {
        Column {
            samples: &self.images,
            bins: &self.bins,
            usual: self.usual,
        }
    }
}

/// All pixels that vary, in the order of an image.
pub(crate) fn pixels(train: &Samples, bins: usize) -> Vec<Pixel> {
    /// Pixels that are collected together: the bytes of an image lie next to each other.
    const BLOCK: usize = 64;
    let width = train.images().shape().pixels();
    let blocks: Vec<usize> = (0..width).step_by(BLOCK).collect();
    let found: Vec<Vec<Pixel>> = blocks
        .par_iter()
        .map(|&start| {
            let end = (start + BLOCK).min(width);
            let mut columns = vec![Vec::with_capacity(train.len()); end - start];
            for image in train.images().iter() {
                for (column, &value) in columns.iter_mut().zip(&image[start..end]) {
                    column.push(value);
                }
            }
            let columns = columns.iter().enumerate();
            let pixel = |(at, column): (usize, &Vec<u8>)| pixel((start + at) as u32, column, bins);
            columns.filter_map(pixel).collect()
        })
        .collect();
    found.into_iter().flatten().collect()
}

fn pixel(place: u32, column: &[u8], bins: usize) -> Option<Pixel> {
    let mut counts = [0_usize; 256];
    for &value in column {
        counts[usize::from(value)] += 1;
    }
    let edges = edges(&counts, bins);
    if edges.len() < 2 {
        return None;
    }
    let mut bin_of = [0_u8; 256];
    let mut sizes = vec![0; edges.len()];
    for (value, count) in counts.iter().enumerate() {
        let bin = edges.partition_point(|&edge| usize::from(edge) < value);
        // Values above the highest do not occur.
        let bin = bin.min(edges.len() - 1);
        bin_of[value] = bin as u8;
        sizes[bin] += count;
    }
    let largest = (0..sizes.len()).rev().max_by_key(|&bin| sizes[bin]);
    let usual = largest.unwrap_or_default() as u8;
    let listed = column.iter().map(|&value| bin_of[usize::from(value)]);
    let listed = listed.enumerate().filter(|&(_, bin)| bin != usual);
    let (images, bins) = listed.map(|(image, bin)| (image as u32, bin)).unzip();
    Some(Pixel {
        place,
        images,
        bins,
        usual,
        edges,
    })
}

/// The highest value of each bin: each value its own where they are few, else of about as many images
/// each; a value of more images than that has a bin of its own.
fn edges(counts: &[usize; 256], bins: usize) -> Vec<u8> {
    let values: Vec<u8> = (0..=u8::MAX)
        .filter(|&value| counts[usize::from(value)] > 0)
        .collect();
    if values.len() <= bins {
        return values;
    }
    let count = |value: u8| counts[usize::from(value)];
    let mut edges: Vec<u8> = Vec::with_capacity(bins);
    let mut left: usize = values.iter().map(|&value| count(value)).sum();
    let mut inside = 0;
    for (at, &value) in values.iter().enumerate() {
        inside += count(value);
        let free = bins - edges.len();
        let next = values.get(at + 1).map_or(0, |&next| count(next));
        // The last bin takes the rest; a large value that comes next begins a bin.
        let share = left / free;
        let closes = inside >= share || (next >= share && free > 2);
        if at + 1 == values.len() || (free > 1 && closes) {
            edges.push(value);
            left -= inside;
            inside = 0;
        }
    }
    edges
}
