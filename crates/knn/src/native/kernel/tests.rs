//! Every kernel that this processor can run, against plain sums over plain rows.

use proptest::prelude::*;

use super::*;
use crate::native::{columns::Columns, packed::Packed};
use crate::reference::random_bytes;

/// Queries in the order in which a kernel reads them.
fn interleave(queries: &[u8], columns: usize, lanes: usize, sum: Sum, form: QueryForm) -> Vec<u8> {
    let group = sum.group();
    let mut out = Vec::new();
    for first in (0..columns).step_by(group) {
        for lane in 0..lanes {
            let bytes: Vec<u8> = (first..first + group)
                .map(|column| {
                    let query = queries.get(lane * columns..(lane + 1) * columns);
                    query
                        .and_then(|query| query.get(column))
                        .copied()
                        .unwrap_or(0)
                })
                .collect();
            form.push(&bytes, &mut out);
        }
    }
    out
}

fn plain(sum: Sum, a: &[u8], b: &[u8]) -> i32 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| match sum {
            Sum::Dot => i32::from(a) * i32::from(b),
            Sum::Differences => i32::from(a.abs_diff(b)),
        })
        .sum()
}

fn check(sum: Sum, rows: &[u8], queries: &[u8], columns: usize, lanes: usize) {
    // One row that differs everywhere keeps every column in.
    let mut all = rows.to_vec();
    all.extend(rows[..columns].iter().map(|byte| !byte));
    let which = Columns::of(&all, columns);
    let mut packed = Packed::zeroed(all.len() / columns, columns, sum);
    packed.fill(0, &all, &which);
    for kernel in Kernel::available() {
        let prepared = interleave(queries, columns, lanes, sum, kernel.query_form(sum));
        let mut sums = Sums::zero();
        for tile in 0..packed.tiles() {
            let block = Block {
                rows: packed.tile(tile),
                queries: &prepared,
                lanes,
                starts: &packed.starts(tile)[0],
            };
            kernel.sum(sum, block, &mut sums);
            for (lane, query) in queries.chunks_exact(columns).enumerate() {
                let rows = all.chunks_exact(columns).skip(tile * TILE).take(TILE);
                for (row, bytes) in rows.enumerate() {
                    assert_eq!(
                        sums.0[lane][row],
                        plain(sum, query, bytes),
                        "{kernel:?} {sum:?}, tile {tile}, row {row}, query {lane}"
                    );
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn sums_are_those_of_plain_loops(
        columns in 1usize..70,
        rows in 1usize..70,
        lanes in prop::sample::select(vec![1usize, 2, 4, 8]),
        missing in 0usize..3,
        seed in any::<u64>(),
    ) {
        let queries = lanes.saturating_sub(missing).max(1);
        let rows = random_bytes(seed, rows * columns);
        let queries = random_bytes(!seed, queries * columns);
        for sum in [Sum::Dot, Sum::Differences] {
            check(sum, &rows, &queries, columns, lanes);
        }
    }

    #[test]
    fn rows_below_a_limit_are_never_missed(
        values in prop::collection::vec(-50i32..50, TILE * LANES),
        base in prop::collection::vec(-20i32..20, TILE),
        limits in prop::collection::vec(-60i32..60, LANES),
    ) {
        let mut sums = Sums::zero();
        for (out, values) in sums.0.iter_mut().zip(values.chunks_exact(TILE)) {
            out.copy_from_slice(values);
        }
        let base: [i32; TILE] = base.try_into().expect("a tile of them");
        let limits: [i32; LANES] = limits.try_into().expect("one for each query");
        for sum in [Sum::Dot, Sum::Differences] {
            for kernel in Kernel::available() {
                let masks = kernel.below(sum, &sums, &base, &limits);
                for (lane, mask) in masks.iter().enumerate() {
                    let expected = (0..TILE).fold(0u32, |mask, row| {
                        let sum = match sum {
                            Sum::Dot => base[row] - 2 * sums.0[lane][row],
                            Sum::Differences => sums.0[lane][row],
                        };
                        mask | u32::from(sum < limits[lane]) << row
                    });
                    // Bits too many cost time only, but none must be set for nothing.
                    prop_assert_eq!(expected & !mask, 0, "{:?} {:?}", kernel, sum);
                    prop_assert_eq!(expected == 0, *mask == 0, "{:?} {:?}", kernel, sum);
                }
            }
        }
    }
}

#[test]
fn the_largest_sums_of_a_segment_do_not_overflow() {
    let columns = SEGMENT * Sum::Dot.group();
    let white = vec![255; columns];
    check(Sum::Dot, &white, &white, columns, 1);
    check(Sum::Differences, &white, &vec![0; columns], columns, 1);
}

#[test]
fn the_portable_kernel_is_always_there_and_last() {
    assert_eq!(Kernel::available().last(), Some(&Kernel::Portable));
    assert_eq!(Some(Kernel::best()), Kernel::available().first().copied());
}
