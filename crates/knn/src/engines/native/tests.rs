//! The native search against the plain one, on every kernel and any number of threads.

use bakeoff_kernels::Cpu;
use proptest::prelude::*;

use super::{
    columns::Columns,
    index::TILES_PER_REPORT,
    kernel::{
        Kernel,
        block::{NARROW, TILE},
    },
    *,
};
use crate::tests::reference::{Reference, random_bytes, with_threads};

fn build(rows: &[u8], columns: usize, metric: Metric, kernel: Kernel, coarse: bool) -> NativeIndex {
    let pays_off = |_, _: &Columns| coarse;
    NativeIndex::build(rows, columns, metric, kernel, pays_off, &mut |_| Ok(())).expect("an index")
}

fn agree(rows: &[u8], queries: &[u8], columns: usize, k: usize) {
    for metric in [Metric::L2, Metric::L1, Metric::Cosine] {
        let reference = Reference::new(rows, columns, metric);
        let expected = reference.nearest(queries, k);
        for kernel in Kernel::available() {
            for coarse in [false, columns <= NARROW] {
                let index = build(rows, columns, metric, kernel, coarse);
                let got = index.nearest(queries, k).expect("native search");
                assert_eq!(got, expected, "{metric:?} {kernel:?} {coarse}");
                assert_eq!(index.rows(), rows, "{metric:?} {kernel:?} {coarse}");
            }
        }
    }
}

/// Rows and queries in which many distances are equal and many columns constant.
fn with_ties(seed: u64, len: usize, columns: usize) -> Vec<u8> {
    random_bytes(seed, len)
        .into_iter()
        .enumerate()
        .map(|(at, byte)| match at % columns % 5 {
            0 => 0,
            1 => 9,
            _ => byte / 86,
        })
        .collect()
}

proptest! {
    #[test]
    fn neighbours_are_those_of_the_plain_search(
        columns in 1usize..60,
        rows in 1usize..150,
        queries in 1usize..20,
        k in 1usize..10,
        seed in any::<u64>(),
    ) {
        let data = random_bytes(seed, rows * columns);
        let queries = random_bytes(!seed, queries * columns);
        agree(&data, &queries, columns, k.min(rows));
    }

    #[test]
    fn ties_go_to_the_lower_index(
        columns in 1usize..20,
        rows in 1usize..150,
        queries in 1usize..10,
        k in 1usize..30,
        seed in any::<u64>(),
    ) {
        let data = with_ties(seed, rows * columns, columns);
        let queries = with_ties(!seed, queries * columns, columns);
        agree(&data, &queries, columns, k.min(rows));
        // Asking for everything sorts all rows.
        agree(&data, &queries[..columns], columns, rows);
    }
}

/// Rows like images: smooth, similar in groups, black around the edges.
fn smooth(seed: u64, count: usize, width: usize) -> Vec<u8> {
    let noise = random_bytes(seed, count * 6);
    (0..count * width * width)
        .map(|at| {
            let (row, x, y) = (at / (width * width), at % width, at / width % width);
            let n = &noise[row * 6..][..6];
            let centre = |n: u8| f64::from(n) / 255.0 * width as f64;
            let bump = |x0: u8, y0: u8, size: f64| {
                let (dx, dy) = (x as f64 - centre(x0), y as f64 - centre(y0));
                (-(dx * dx + dy * dy) / size).exp()
            };
            let edge = x == 0 || y == 0 || x + 1 == width || y + 1 == width;
            let light = bump(n[0], n[1], 9.0) + bump(n[2], n[3], 20.0) * f64::from(n[4]) / 255.0;
            if edge { 0 } else { (light * 160.0) as u8 }
        })
        .collect()
}

#[test]
fn skipped_tiles_hold_no_neighbour() {
    let width = 20;
    let rows = smooth(1, 6000, width);
    let mut queries = smooth(2, 40, width);
    // Far from all rows; equal to one; and far from every tile centre.
    queries.extend(vec![255; width * width]);
    queries.extend(&rows[width * width * 77..][..width * width]);
    queries.extend(random_bytes(3, width * width));
    for k in [1, 3, 50, 6000] {
        let reference = Reference::new(&rows, width * width, Metric::L2);
        let expected = reference.nearest(&queries, k);
        for kernel in Kernel::available() {
            let index = build(&rows, width * width, Metric::L2, kernel, true);
            assert!(index.coarse.is_some());
            let got = index.nearest(&queries, k).expect("native search");
            assert!(got == expected, "{kernel:?} k {k}");
            let one = index
                .nearest(&queries[..width * width], k)
                .expect("native search");
            assert!(one == expected[..k], "{kernel:?} k {k}, one query");
        }
    }
}

#[test]
fn equal_rows_come_in_the_order_of_the_training_data() {
    let rows = [5u8; 3 * 100];
    agree(&rows, &[5, 5, 5, 200, 0, 1], 3, 40);
}

#[test]
fn black_images_have_a_distance_too() {
    let mut rows = with_ties(7, 40 * 6, 6);
    rows[12..18].fill(0);
    let mut queries = with_ties(8, 3 * 6, 6);
    queries[6..12].fill(0);
    agree(&rows, &queries, 6, 40);
}

#[test]
fn cosines_that_differ_in_the_last_bit_are_told_apart() {
    // One row of each tile differs from the query in two pixels by up to three: cosines that
    // `f32` cannot tell apart, in no order; all other rows are far.
    let columns = 600;
    let query = random_bytes(9, columns);
    let noise = random_bytes(10, 3 * 200);
    let mut rows = Vec::new();
    for noise in noise.chunks_exact(3) {
        let mut row = query.clone();
        for at in [usize::from(noise[0]), 256 + usize::from(noise[1])] {
            row[at] ^= 1 + noise[2] % 3;
        }
        rows.extend(row);
        rows.extend((1..TILE).flat_map(|_| query.iter().map(|byte| !byte)));
    }
    for k in [1, 4, 40] {
        agree(&rows, &query, columns, k);
    }
}

#[test]
fn images_too_large_for_32_bits_are_exact() {
    // 3×224×224, where distances squared pass 2³² and need five segments of columns.
    let columns = 3 * 224 * 224;
    let mut rows = random_bytes(1, 5 * columns);
    rows[columns..2 * columns].fill(0);
    rows[2 * columns..3 * columns].fill(255);
    let mut queries = random_bytes(2, 3 * columns);
    queries[..columns].fill(255);
    agree(&rows, &queries, columns, 5);
}

#[test]
fn the_largest_narrow_image_is_exact_and_so_is_the_next() {
    for columns in [NARROW, NARROW + 1] {
        let mut rows = vec![0; 3 * columns];
        rows[columns..2 * columns].fill(255);
        rows[2 * columns] = 1;
        let queries = [vec![0; columns], vec![255; columns]].concat();
        agree(&rows, &queries, columns, 3);
    }
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let rows = with_ties(3, 3000 * 20, 20);
    for count in [1, 9, 600] {
        let queries = with_ties(4, count * 20, 20);
        for coarse in [false, true] {
            let run = |threads| {
                with_threads(threads, || {
                    let index = build(&rows, 20, Metric::L2, Kernel::best(), coarse);
                    index.nearest(&queries, 7).expect("native search")
                })
            };
            assert_eq!(run(1), run(2), "{count} queries");
        }
    }
}

#[test]
fn packing_stops_when_cancelled() {
    let rows = random_bytes(5, 20_000);
    let mut reports = Vec::new();
    let result = NativeIndex::build(
        &rows,
        1,
        Metric::L2,
        Kernel::best(),
        Coarse::pays_off,
        &mut |done| {
            reports.push(done);
            if done > 0 {
                Err(FitError::Cancelled)
            } else {
                Ok(())
            }
        },
    );
    assert!(matches!(result, Err(FitError::Cancelled)));
    assert_eq!(reports, [0, TILES_PER_REPORT * TILE]);
}

#[test]
fn the_search_names_the_fastest_kernel_that_the_processor_can_run() {
    let settings = crate::FAMILY
        .resolve(None, &bakeoff_core::Settings::new())
        .and_then(|spec| spec.settings())
        .expect("settings");
    let search = super::build(&[1, 2, 3, 4], 2, &settings, &mut |_| Ok(())).expect("an index");
    let names: Vec<&str> = Kernel::available().into_iter().map(Kernel::name).collect();
    assert_eq!(search.kernel(), names.first().copied());
    assert_eq!(names.contains(&"avx2"), Cpu::detected().avx2());
    assert_eq!(names.contains(&"neon"), Cpu::detected().neon());
}
