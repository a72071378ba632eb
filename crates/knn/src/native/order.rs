//! An order of the rows in which neighbours lie side by side.
//!
//! The search passes over a tile as a whole where none of its rows can be near. Tiles
//! of similar rows are passed over more often: with MNIST's rows in this order a query
//! has to look at a third as many tiles as with the rows as they come.
//!
//! Rows are halved again and again along the coordinate in which they vary most, as
//! the nodes of a k-d tree are (Friedman, Bentley and Finkel, 1977), until a tile is left.

use super::{kernel::TILE, projection::AXES};

/// Rows looked at to find the coordinate that varies most.
const ROWS_SAMPLED: usize = 1024;

/// Fewer rows than this are not worth a task.
const ROWS_PER_TASK: usize = 4096;

/// Sorts row numbers so that each [`TILE`] of them is a leaf. `coordinates` holds
/// [`AXES`] bytes for each row.
pub(super) fn side_by_side(rows: &mut [u32], coordinates: &[u8]) {
    if rows.len() <= TILE {
        return;
    }
    let axis = widest(rows, coordinates);
    let middle = (rows.len() / 2).next_multiple_of(TILE);
    // The row's number decides between equals, so that the order is always the same.
    rows.select_nth_unstable_by_key(middle, |&row| {
        (coordinates[row as usize * AXES + axis], row)
    });
    let large = rows.len() >= ROWS_PER_TASK;
    let (left, right) = rows.split_at_mut(middle);
    if large {
        rayon::join(
            || side_by_side(left, coordinates),
            || side_by_side(right, coordinates),
        );
    } else {
        side_by_side(left, coordinates);
        side_by_side(right, coordinates);
    }
}

/// The coordinate with the largest variance.
fn widest(rows: &[u32], coordinates: &[u8]) -> usize {
    let (mut sums, mut squares, mut count) = ([0u64; AXES], [0u64; AXES], 0);
    for &row in rows.iter().step_by(rows.len().div_ceil(ROWS_SAMPLED)) {
        let values = &coordinates[row as usize * AXES..][..AXES];
        for ((sum, square), &value) in sums.iter_mut().zip(&mut squares).zip(values) {
            *sum += u64::from(value);
            *square += u64::from(value).pow(2);
        }
        count += 1;
    }
    let variance = |axis: usize| count * squares[axis] - sums[axis].pow(2);
    (0..AXES)
        .max_by_key(|&axis| variance(axis))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::random_bytes;

    #[test]
    fn every_row_occurs_once_and_leaves_are_compact() {
        let count = 5000;
        let mut coordinates = random_bytes(1, count * AXES);
        // Only two coordinates vary, so that a leaf is a small rectangle.
        for (at, value) in coordinates.iter_mut().enumerate() {
            if at % AXES > 1 {
                *value = 100;
            }
        }
        let mut rows: Vec<u32> = (0..count as u32).collect();
        side_by_side(&mut rows, &coordinates);
        let mut sorted = rows.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..count as u32));
        let spread: usize = rows
            .chunks(TILE)
            .map(|leaf| {
                let values = leaf.iter().map(|&row| coordinates[row as usize * AXES]);
                usize::from(values.clone().max().unwrap_or(0) - values.min().unwrap_or(0))
            })
            .sum();
        // 157 leaves, about 13 × 12 of them: each spans about a thirteenth of the range.
        assert!(spread / rows.len().div_ceil(TILE) < 40, "{spread}");
    }
}
