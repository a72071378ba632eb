//! The growth of one tree, level by level.

use bakeoff_core::Images;
use bakeoff_kernels::histogram::{Column, Gradients, Limits, Sums, Threshold, thresholds};
use rayon::prelude::*;

use super::{
    bins::Pixel,
    gradients::{Active, PIECE},
};
use crate::tree::{LEAF, Node, leaf_of};

/// What is no node of a level.
const NONE: u16 = u16::MAX;

/// A tree, and the leaf of each training image.
pub(crate) struct Grown {
    pub(crate) nodes: Vec<Node>,
    pub(crate) leaves: Vec<u16>,
    /// How many leaves there are.
    pub(crate) count: usize,
}

/// A node while the tree grows: where its images go, or the number of the leaf that it is.
#[derive(Clone, Copy)]
enum Growing {
    Inner {
        pixel: u32,
        threshold: u8,
        children: [u16; 2],
    },
    Leaf(u16),
}

/// What a level's images go through.
#[derive(Clone, Copy)]
struct Division {
    /// The pixel's place in an image.
    pixel: u32,
    threshold: u8,
    /// The left child's place in the next level; the right one's follows.
    left: u16,
}

/// A pixel's images that are active and have another value than most, by their places among the active ones.
struct Listed<'a> {
    pixel: &'a Pixel,
    images: Vec<u32>,
    bins: Vec<u8>,
}

impl<'a> Listed<'a> {
    fn new(pixel: &'a Pixel, ranks: &[u32]) -> Self {
        let column = pixel.column();
        let mut images = vec![0; column.samples.len()];
        let mut bins = vec![0; column.samples.len()];
        let mut count = 0;
        for (&image, &bin) in column.samples.iter().zip(column.bins) {
            let rank = ranks[image as usize];
            // Both are written in any case, and kept if they count: no branch is guessed wrongly.
            (images[count], bins[count]) = (rank, bin);
            count += usize::from(rank != u32::MAX);
        }
        images.truncate(count);
        bins.truncate(count);
        Self {
            pixel,
            images,
            bins,
        }
    }

    fn column(&self) -> Column<'_> {
        Column {
            samples: &self.images,
            bins: &self.bins,
            ..self.pixel.column()
        }
    }
}

/// Grows a tree that may look at `pixels`.
pub(crate) fn grow(
    images: &Images,
    pixels: &[&Pixel],
    active: &Active,
    limits: Limits,
    max_depth: usize,
) -> Grown {
    let bins = pixels.iter().map(|pixel| pixel.edges.len()).max();
    let bins = bins.unwrap_or(1);
    let mut ranks = vec![u32::MAX; images.len()];
    for (rank, &image) in active.images.iter().enumerate() {
        ranks[image as usize] = rank as u32;
    }
    let pixels = pixels.par_iter().with_max_len(1);
    let pixels: Vec<Listed<'_>> = pixels.map(|pixel| Listed::new(pixel, &ranks)).collect();
    // For each active image its node's place in the level.
    let mut places = vec![0_u16; active.images.len()];
    let mut nodes = vec![Growing::Leaf(0)];
    // The level's nodes, by their place among all.
    let mut level: Vec<u16> = vec![0];
    let mut totals = vec![sum(&active.gradients)];
    let mut count = 0_u16;
    for depth in 0..=max_depth {
        let best = match depth < max_depth {
            true => best(&pixels, &places, &active.gradients, &totals, bins, limits),
            false => vec![None; level.len()],
        };
        let mut divisions: Vec<Option<Division>> = Vec::with_capacity(level.len());
        let mut next = Vec::new();
        let mut sums = Vec::new();
        for ((&node, total), best) in level.iter().zip(&totals).zip(best) {
            let Some((pixel, threshold)) = best else {
                nodes[usize::from(node)] = Growing::Leaf(count);
                divisions.push(None);
                count += 1;
                continue;
            };
            let first = nodes.len() as u16;
            let pixel = pixels[pixel].pixel;
            let division = Division {
                pixel: pixel.place,
                threshold: pixel.edges[usize::from(threshold.bin)],
                left: next.len() as u16,
            };
            nodes[usize::from(node)] = Growing::Inner {
                pixel: division.pixel,
                threshold: division.threshold,
                children: [first, first + 1],
            };
            nodes.extend([Growing::Leaf(0); 2]);
            next.extend([first, first + 1]);
            sums.extend([total.without(&threshold.right), threshold.right]);
            divisions.push(Some(division));
        }
        if next.is_empty() {
            break;
        }
        divide(images, &active.images, &divisions, &mut places);
        (level, totals) = (next, sums);
    }
    let mut tree = Vec::with_capacity(nodes.len());
    lay_out(&nodes, 0, &mut tree);
    let leaves = images.pixels().par_chunks(images.shape().pixels());
    let leaves = leaves.with_min_len(PIECE);
    Grown {
        leaves: leaves.map(|image| leaf_of(&tree, image) as u16).collect(),
        nodes: tree,
        count: usize::from(count),
    }
}

/// The sum of all gradients.
fn sum(gradients: &[Gradients]) -> Sums {
    let mut sums = Sums::default();
    gradients.iter().for_each(|gradients| sums.add(gradients));
    sums
}

/// For each node of a level the pixel and threshold that lower the loss most, if one does; among equals the
/// first pixel.
fn best(
    pixels: &[Listed<'_>],
    places: &[u16],
    gradients: &[Gradients],
    totals: &[Sums],
    bins: usize,
    limits: Limits,
) -> Vec<Option<(usize, Threshold)>> {
    let found: Vec<Vec<Option<Threshold>>> = pixels
        .par_iter()
        .with_max_len(1)
        .map_init(
            || vec![Sums::default(); (totals.len() + 1) * bins],
            |cells, pixel| {
                thresholds(
                    pixel.column(),
                    places,
                    gradients,
                    totals,
                    bins,
                    limits,
                    cells,
                )
            },
        )
        .collect();
    let of_node = |(node, total): (usize, &Sums)| {
        let mut best: Option<(usize, Threshold)> = None;
        for (pixel, found) in found.iter().enumerate() {
            if let Some(threshold) = found[node]
                && best.is_none_or(|(_, best)| threshold.score > best.score)
            {
                best = Some((pixel, threshold));
            }
        }
        // More than rounding may bring.
        best.filter(|(_, best)| best.score > total.score(limits.penalty) * (1.0 + 1e-5))
    };
    totals.iter().enumerate().map(of_node).collect()
}

/// Sends each active image to its node of the next level, or to none.
fn divide(images: &Images, active: &[u32], divisions: &[Option<Division>], places: &mut [u16]) {
    let width = images.shape().pixels();
    let pieces = places.par_chunks_mut(PIECE);
    pieces
        .zip(active.par_chunks(PIECE))
        .for_each(|(places, active)| {
            for (place, &image) in places.iter_mut().zip(active) {
                let division = divisions.get(usize::from(*place)).copied().flatten();
                *place = division.map_or(NONE, |division| {
                    let at = image as usize * width + division.pixel as usize;
                    division.left + u16::from(images.pixels()[at] > division.threshold)
                });
            }
        });
}

/// Writes a node and those below it, each left child after its parent.
fn lay_out(nodes: &[Growing], at: u16, out: &mut Vec<Node>) {
    match nodes[usize::from(at)] {
        Growing::Leaf(number) => out.push(Node {
            pixel: LEAF,
            next: u32::from(number),
            threshold: 0,
        }),
        Growing::Inner {
            pixel,
            threshold,
            children: [left, right],
        } => {
            let own = out.len();
            out.push(Node {
                pixel,
                next: 0,
                threshold,
            });
            lay_out(nodes, left, out);
            out[own].next = out.len() as u32;
            lay_out(nodes, right, out);
        }
    }
}
