//! Every kernel that this processor can run, against plain sums over plain rows.

use proptest::prelude::*;

use super::{
    block::{QueryLanes, SEGMENT},
    *,
};
use crate::{engines::native::packed::Packed, tests::reference::random_bytes};

/// A query as a kernel reads it.
fn prepare(query: &[u8], sum: Sum, form: QueryForm) -> Vec<u8> {
    let group = sum.group();
    let mut padded = query.to_vec();
    padded.resize(query.len().next_multiple_of(group), 0);
    let mut out = Vec::new();
    for group in padded.chunks(group) {
        form.push(group, &mut out);
    }
    out
}

fn query_lanes(prepared: &[Vec<u8>], count: usize) -> QueryLanes<'_> {
    QueryLanes {
        bytes: std::array::from_fn(|lane| &prepared[lane.min(prepared.len() - 1)][..]),
        count,
    }
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
    let mut packed = Packed::zeroed(rows.len() / columns, columns, sum);
    packed.fill(0, rows.len() / columns, |row, out| {
        out[..columns].copy_from_slice(&rows[row * columns..][..columns]);
    });
    for kernel in Kernel::available() {
        let prepared: Vec<Vec<u8>> = queries
            .chunks_exact(columns)
            .map(|query| prepare(query, sum, kernel.query_form(sum)))
            .collect();
        let mut sums = Sums::zero();
        for tile in 0..packed.tiles() {
            let block = Block {
                rows: packed.tile(tile),
                queries: query_lanes(&prepared, lanes),
                starts: &packed.starts(tile)[0],
            };
            kernel.sum(sum, block, &mut sums);
            for (lane, query) in queries.chunks_exact(columns).enumerate() {
                let rows = rows.chunks_exact(columns).skip(tile * TILE).take(TILE);
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
        columns in 1usize..20,
        lanes in prop::sample::select(vec![1usize, 2, 4, 8]),
        base in prop::collection::vec(-20_000i32..20_000, TILE),
        limits in prop::collection::vec(-60_000i32..60_000, LANES),
        seed in any::<u64>(),
    ) {
        let rows: Vec<u8> = random_bytes(seed, TILE * columns).iter().map(|b| b / 4).collect();
        let queries = random_bytes(!seed, lanes * columns);
        let base: [i32; TILE] = base.try_into().expect("a tile of them");
        let limits: [i32; LANES] = limits.try_into().expect("one for each query");
        for sum in [Sum::Dot, Sum::Differences] {
            let mut packed = Packed::zeroed(TILE, columns, sum);
            packed.fill(0, TILE, |row, out| {
                out[..columns].copy_from_slice(&rows[row * columns..][..columns]);
            });
            for kernel in Kernel::available() {
                let prepared: Vec<Vec<u8>> = queries
                    .chunks_exact(columns)
                    .map(|query| prepare(query, sum, kernel.query_form(sum)))
                    .collect();
                let block = Block {
                    rows: packed.tile(0),
                    queries: query_lanes(&prepared, lanes),
                    starts: &packed.starts(0)[0],
                };
                let mut sums = Sums::zero();
                let masks = match sum {
                    Sum::Dot => kernel.dot_below(block, &base, &limits, &mut sums),
                    Sum::Differences => kernel.differences_below(block, &limits, &mut sums),
                };
                for (lane, query) in queries.chunks_exact(columns).enumerate() {
                    let expected: Vec<i32> =
                        rows.chunks_exact(columns).map(|row| plain(sum, row, query)).collect();
                    let below = (0..TILE).fold(0u32, |mask, row| {
                        let score = match sum {
                            Sum::Dot => base[row] - 2 * expected[row],
                            Sum::Differences => expected[row],
                        };
                        mask | u32::from(score < limits[lane]) << row
                    });
                    // Bits too many cost time only, but none must be set for nothing.
                    prop_assert_eq!(below & !masks[lane], 0, "{:?} {:?}", kernel, sum);
                    prop_assert_eq!(below == 0, masks[lane] == 0, "{:?} {:?}", kernel, sum);
                    if below != 0 {
                        prop_assert_eq!(&sums.0[lane][..], &expected[..], "{:?} {:?}", kernel, sum);
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn weighted_sums_are_those_of_plain_loops(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        seed in any::<u64>(),
    ) {
        let weights: Vec<[i16; 48]> = random_bytes(seed, bytes.len() * 48)
            .chunks_exact(48)
            .map(|chunk| std::array::from_fn(|axis| i16::from(chunk[axis].cast_signed())))
            .collect();
        let expected: [i32; 48] = std::array::from_fn(|axis| {
            let pairs = bytes.iter().zip(&weights);
            pairs.map(|(&byte, weights)| i32::from(byte) * i32::from(weights[axis])).sum()
        });
        for kernel in Kernel::available() {
            prop_assert_eq!(kernel.weighted(&bytes, &weights), expected, "{:?}", kernel);
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
    assert_eq!(Kernel::available().last(), Some(&Kernel::PORTABLE));
    assert_eq!(Some(Kernel::best()), Kernel::available().first().copied());
}
