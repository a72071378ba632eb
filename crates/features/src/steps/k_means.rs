//! k-means by Lloyd's rounds (Lloyd 1982), for many short vectors.

use bakeoff_kernels::{Strided, multiply};
use rand::{RngExt, SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Rounds. Likeness to centres needs no exact minimum: after these they hardly move.
const ROUNDS: usize = 12;
/// Vectors in one piece of work: sums over pieces have one order at any number of threads.
const PIECE: usize = 512;

/// `count` centres of vectors of `width` values, row by row. There are at least as many vectors as centres.
/// The first centres are vectors drawn without replacement; one that no vector is nearest to becomes a
/// vector that is drawn.
pub(crate) fn centres(vectors: &[f32], width: usize, count: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let rows = vectors.len() / width;
    let row = |at: usize| &vectors[at * width..(at + 1) * width];
    let drawn = index::sample(&mut random, rows, count.min(rows));
    let mut centres: Vec<f32> = drawn.iter().flat_map(|at| row(at).to_vec()).collect();
    for _ in 0..ROUNDS {
        let halves = half_squares(&centres, width);
        let pieces: Vec<(Vec<f32>, Vec<u32>)> = vectors
            .par_chunks(PIECE * width)
            .map(|piece| sums(piece, &centres, &halves, width))
            .collect();
        let mut total = vec![0.0_f64; centres.len()];
        let mut counts = vec![0_u32; halves.len()];
        for (sums, piece_counts) in &pieces {
            for (total, sum) in total.iter_mut().zip(sums) {
                *total += f64::from(*sum);
            }
            for (count, more) in counts.iter_mut().zip(piece_counts) {
                *count += more;
            }
        }
        let moved = centres
            .chunks_exact_mut(width)
            .zip(total.chunks_exact(width));
        for ((centre, total), &count) in moved.zip(&counts) {
            if count == 0 {
                centre.copy_from_slice(row(random.random_range(0..rows)));
                continue;
            }
            for (value, total) in centre.iter_mut().zip(total) {
                *value = (total / f64::from(count)) as f32;
            }
        }
    }
    centres
}

/// Half the squared length of each row.
pub(crate) fn half_squares(rows: &[f32], width: usize) -> Vec<f32> {
    rows.chunks_exact(width)
        .map(|row| row.iter().map(|value| value * value).sum::<f32>() / 2.0)
        .collect()
}

/// Sum and number of the vectors that are nearest to each centre.
fn sums(piece: &[f32], centres: &[f32], halves: &[f32], width: usize) -> (Vec<f32>, Vec<u32>) {
    let (rows, count) = (piece.len() / width, halves.len());
    let mut products = vec![0.0; rows * count];
    multiply(
        (rows, width, count),
        Strided::rows(piece, width),
        Strided::rows(centres, width).transposed(),
        1.0,
        false,
        &mut products,
        count,
    );
    let (mut sums, mut counts) = (vec![0.0; centres.len()], vec![0; count]);
    for (vector, products) in piece.chunks_exact(width).zip(products.chunks_exact(count)) {
        // The nearest has the largest product less half its own square.
        let mut nearest = (f32::NEG_INFINITY, 0);
        for (at, (product, half)) in products.iter().zip(halves).enumerate() {
            let likeness = product - half;
            if likeness > nearest.0 {
                nearest = (likeness, at);
            }
        }
        counts[nearest.1] += 1;
        let sum = &mut sums[nearest.1 * width..][..width];
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += value;
        }
    }
    (sums, counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centres_come_to_the_middles_of_clusters() {
        // Four clusters of 100 points around the corners of a square.
        let vectors: Vec<f32> = (0..400)
            .flat_map(|at| {
                let away = |shift: usize| ((at * 7 + shift) % 11) as f32 / 110.0 - 0.05;
                [(at % 2) as f32 + away(0), (at / 2 % 2) as f32 + away(3)]
            })
            .collect();
        let mut reached = 0;
        for seed in 0..10 {
            let found = centres(&vectors, 2, 4, seed);
            assert_eq!(found, centres(&vectors, 2, 4, seed));
            let near = |corner: [f32; 2]| {
                let mut places = found.chunks_exact(2);
                places.any(|place| (place[0] - corner[0]).hypot(place[1] - corner[1]) < 0.05)
            };
            let corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]];
            reached += usize::from(corners.into_iter().all(near));
        }
        // From some beginnings two centres share a cluster for ever.
        assert!(reached >= 3, "{reached} of 10");
    }

    #[test]
    fn centres_at_the_same_place_part() {
        let vectors = [1.0, 1.0, 1.0, 1.0, 1.0, 5.0];
        let found = centres(&vectors, 1, 2, 1);
        assert!(found.contains(&1.0) && found.contains(&5.0), "{found:?}");
    }
}
