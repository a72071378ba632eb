//! Turns the kernels' sums into an exact order of the rows.
//!
//! A [`Score`] has two parts. Its *limit* is compared with many rows at once: it may let rows
//! pass that are too far, but never excludes one that is near enough. Its *key* is exact, and
//! is computed for the few rows that pass.

use std::cmp::Ordering;

use super::{
    columns::Columns,
    kernel::{
        Kernel,
        block::{Block, LANES, Sum, Sums, TILE},
    },
    packed::Packed,
};

/// What a query adds to every row's key, computed once per query.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QueryTerms {
    /// See [`Columns::constant_share`].
    pub(super) constant: u64,
    /// Its sum of squares: over all columns for [`Cosine`], over the packed ones otherwise.
    pub(super) norm: u64,
}

/// What is compared with the rows of a tile, for each query.
pub(super) struct Limits<L> {
    pub(super) limits: [L; LANES],
    /// [`QueryTerms::constant`].
    pub(super) constants: [u64; LANES],
}

/// How a metric orders rows.
pub(super) trait Score: Sync {
    /// Exact: smaller is nearer.
    type Key: Copy + Ord + Send + Sync;
    /// What many rows at once are compared with.
    type Limit: Copy + Send;

    /// The key of a row from its sum over the packed columns.
    fn key(&self, packed: &Packed, sum: i64, position: usize, query: &QueryTerms) -> Self::Key;

    /// The limit that excludes only rows with a key above `worst`; no row if there is no worst
    /// yet. Rows come in any order, so an equal key can belong to a lower index.
    fn limit(&self, worst: Option<Self::Key>, query: &QueryTerms) -> Self::Limit;

    /// Computes the sums of a tile, and gives for each query the rows that pass, one bit each;
    /// `sums` holds the sums of the queries that have any. Only for up to
    /// [`NARROW`](super::kernel::block::NARROW) columns.
    fn candidates(
        &self,
        kernel: Kernel,
        tile: usize,
        block: Block<'_>,
        queries: &Limits<Self::Limit>,
        sums: &mut Sums,
    ) -> [u32; LANES];

    /// The distance that belongs to a key.
    fn distance(&self, key: Self::Key, query: &QueryTerms) -> f64;

    /// The squared Euclidean distance over the packed columns of a row with this key; `None`
    /// for other metrics.
    fn squared(&self, key: Self::Key, query: &QueryTerms) -> Option<u64> {
        let _ = (key, query);
        None
    }
}

/// Euclidean distance; the key is its square.
pub(super) struct L2 {
    /// The rows' sums of squares by tile.
    norms: Vec<[i32; TILE]>,
}

impl L2 {
    pub(super) fn new(packed: &Packed) -> Self {
        let (tiles, _) = packed.norms.as_chunks::<TILE>();
        Self {
            norms: tiles
                .iter()
                .map(|norms| norms.map(|norm| i32::try_from(norm).unwrap_or(i32::MAX)))
                .collect(),
        }
    }
}

impl Score for L2 {
    type Key = u64;
    type Limit = i32;

    fn key(&self, packed: &Packed, sum: i64, position: usize, query: &QueryTerms) -> u64 {
        (packed.norms[position] + query.norm + query.constant).wrapping_sub_signed(2 * sum)
    }

    fn limit(&self, worst: Option<u64>, query: &QueryTerms) -> i32 {
        // The kernels compute ‖row‖² − 2·dot: the key minus what the query adds.
        let below = worst.map(|worst| {
            (worst + 1)
                .cast_signed()
                .wrapping_sub_unsigned(query.norm + query.constant)
        });
        below.map_or(i32::MAX, |below| i32::try_from(below).unwrap_or(i32::MAX))
    }

    fn candidates(
        &self,
        kernel: Kernel,
        tile: usize,
        block: Block<'_>,
        queries: &Limits<i32>,
        sums: &mut Sums,
    ) -> [u32; LANES] {
        kernel.dot_below(block, &self.norms[tile], &queries.limits, sums)
    }

    fn distance(&self, key: u64, _query: &QueryTerms) -> f64 {
        (key as f64).sqrt()
    }

    fn squared(&self, key: u64, query: &QueryTerms) -> Option<u64> {
        Some(key.saturating_sub(query.constant))
    }
}

/// Manhattan distance; the key is the distance.
pub(super) struct L1;

impl Score for L1 {
    type Key = u64;
    type Limit = i32;

    fn key(&self, _packed: &Packed, sum: i64, _position: usize, query: &QueryTerms) -> u64 {
        sum.unsigned_abs() + query.constant
    }

    fn limit(&self, worst: Option<u64>, query: &QueryTerms) -> i32 {
        worst.map_or(i32::MAX, |worst| {
            i32::try_from((worst + 1).saturating_sub(query.constant)).unwrap_or(i32::MAX)
        })
    }

    fn candidates(
        &self,
        kernel: Kernel,
        _tile: usize,
        block: Block<'_>,
        queries: &Limits<i32>,
        sums: &mut Sums,
    ) -> [u32; LANES] {
        kernel.differences_below(block, &queries.limits, sums)
    }

    fn distance(&self, key: u64, _query: &QueryTerms) -> f64 {
        key as f64
    }
}

/// Cosine distance; the key compares dot²/‖row‖² as fractions.
pub(super) struct Cosine {
    /// What the constant columns add to each row's sum of squares.
    constant_norm: u64,
    /// 1/‖row‖ by tile, 0 for black rows.
    inverse_norms: Vec<[f32; TILE]>,
}

impl Cosine {
    pub(super) fn new(packed: &Packed, columns: &Columns) -> Self {
        let constant_norm = columns.constant_norm();
        let (tiles, _) = packed.norms.as_chunks::<TILE>();
        let inverse = |norm: u64| match norm + constant_norm {
            0 => 0.0,
            norm => (norm as f64).sqrt().recip() as f32,
        };
        Self {
            constant_norm,
            inverse_norms: tiles.iter().map(|norms| norms.map(inverse)).collect(),
        }
    }

    /// By which share a limit in `f32` is lowered, so that rounding excludes no row: the relative
    /// errors of the sum, the inverse norm, their product and the limit are at most 2⁻²⁴ each.
    const MARGIN: f32 = 1e-6;
}

/// The cosine between a query and a row, times the query's norm. Images hold no negative
/// values, so it has the same order as its square: dot²/‖row‖², a fraction of whole numbers,
/// compared without rounding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Angle {
    dot: u64,
    /// Sum of squares of the row, 1 for black ones.
    norm: u64,
}

impl Ord for Angle {
    fn cmp(&self, other: &Self) -> Ordering {
        let cross = |a: &Self, b: &Self| {
            // Exact for rows of up to 2²⁶ values; `super::refuses` longer ones.
            (u128::from(a.dot) * u128::from(a.dot)).saturating_mul(u128::from(b.norm))
        };
        // The larger cosine is nearer.
        cross(other, self).cmp(&cross(self, other))
    }
}

impl PartialOrd for Angle {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Angle {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Angle {}

impl Score for Cosine {
    type Key = Angle;
    type Limit = f32;

    fn key(&self, packed: &Packed, sum: i64, position: usize, query: &QueryTerms) -> Angle {
        Angle {
            dot: sum.unsigned_abs() + query.constant,
            norm: (packed.norms[position] + self.constant_norm).max(1),
        }
    }

    fn limit(&self, worst: Option<Angle>, _query: &QueryTerms) -> f32 {
        worst.map_or(-1.0, |worst| {
            let cosine = worst.dot as f64 / (worst.norm as f64).sqrt();
            cosine as f32 * (1.0 - Self::MARGIN) - f32::MIN_POSITIVE
        })
    }

    fn candidates(
        &self,
        kernel: Kernel,
        tile: usize,
        block: Block<'_>,
        queries: &Limits<f32>,
        sums: &mut Sums,
    ) -> [u32; LANES] {
        kernel.sum(Sum::Dot, block, sums);
        let mut masks = [0; LANES];
        let inverse = &self.inverse_norms[tile];
        for (lane, mask) in masks.iter_mut().enumerate() {
            let constant = queries.constants[lane] as i32;
            let mut any = false;
            for (sum, inverse) in sums.0[lane].iter().zip(inverse) {
                any |= (sum + constant) as f32 * inverse > queries.limits[lane];
            }
            *mask = if any { u32::MAX } else { 0 };
        }
        masks
    }

    fn distance(&self, key: Angle, query: &QueryTerms) -> f64 {
        let norms = (key.norm as f64 * query.norm as f64).sqrt();
        if norms == 0.0 {
            1.0
        } else {
            (1.0 - key.dot as f64 / norms).max(0.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_compare_without_rounding() {
        let angle = |dot, norm| Angle { dot, norm };
        // cos² = 1/2 for both.
        assert_eq!(angle(3, 18), angle(5, 50));
        // dot²/norm is 1 against 1 + 2⁻⁶⁰, which are the same in f64.
        let (one, more) = (angle(1 << 30, 1 << 60), angle(1 << 30, (1 << 60) - 1));
        assert_ne!(one, more);
        assert!(more < one, "the larger cosine is the nearer");
        // A black row is as far as an orthogonal one.
        assert_eq!(angle(0, 1), angle(0, 77));
    }
}
