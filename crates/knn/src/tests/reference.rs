//! A plain search that every other one is tested against; and helpers of the tests.

use crate::{search::Neighbour, settings::Metric};

/// Compares every row.
pub(crate) struct Reference {
    rows: Vec<u8>,
    columns: usize,
    metric: Metric,
}

impl Reference {
    pub(crate) fn new(rows: &[u8], columns: usize, metric: Metric) -> Self {
        Self {
            rows: rows.to_vec(),
            columns,
            metric,
        }
    }

    /// With whole numbers only.
    fn compare(&self, query: &[u8], row: &[u8]) -> Compared {
        let sum = |f: fn(u64, u64) -> u64, a: &[u8], b: &[u8]| -> u64 {
            a.iter()
                .zip(b)
                .map(|(&a, &b)| f(u64::from(a), u64::from(b)))
                .sum()
        };
        let whole = |order: u64, distance| Compared {
            order: (u128::from(order), 1),
            distance,
        };
        match self.metric {
            Metric::L2 => {
                let squared = sum(|a, b| a.abs_diff(b).pow(2), query, row);
                whole(squared, (squared as f64).sqrt())
            }
            Metric::L1 => {
                let distance = sum(|a, b| a.abs_diff(b), query, row);
                whole(distance, distance as f64)
            }
            Metric::Cosine => {
                let dot = sum(|a, b| a * b, query, row);
                let norm = sum(|a, b| a * b, row, row);
                let norms = (norm as f64 * sum(|a, b| a * b, query, query) as f64).sqrt();
                if dot == 0 {
                    return Compared {
                        order: (1, 0),
                        distance: 1.0,
                    };
                }
                Compared {
                    order: (u128::from(norm), u128::from(dot) * u128::from(dot)),
                    distance: (1.0 - dot as f64 / norms).max(0.0),
                }
            }
        }
    }
}

/// How far a row is from a query.
struct Compared {
    /// A fraction (numerator, denominator) that grows with the distance.
    order: (u128, u128),
    distance: f64,
}

impl Reference {
    /// The `k` nearest rows of each query, nearest first.
    pub(crate) fn nearest(&self, queries: &[u8], k: usize) -> Vec<Neighbour> {
        let mut found = Vec::new();
        for query in queries.chunks_exact(self.columns) {
            let rows = self.rows.chunks_exact(self.columns);
            let mut all: Vec<_> = rows
                .map(|row| self.compare(query, row))
                .enumerate()
                .collect();
            // The sort is stable: equal rows stay in the order of their indices.
            all.sort_by(|(_, a), (_, b)| (a.order.0 * b.order.1).cmp(&(b.order.0 * a.order.1)));
            let nearest = all.iter().take(k).map(|(index, compared)| Neighbour {
                index: *index,
                distance: compared.distance,
            });
            found.extend(nearest);
        }
        found
    }
}

/// Bytes that look random, the same for the same seed.
pub(crate) fn random_bytes(seed: u64, len: usize) -> Vec<u8> {
    // SplitMix64: https://prng.di.unimi.it/splitmix64.c
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Runs `work` in a pool of this many threads.
pub(crate) fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool")
        .install(work)
}
