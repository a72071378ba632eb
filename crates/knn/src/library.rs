//! What the engines that borrow a library's search have in common.
//!
//! The libraries break ties as it happens to suit them, and their trees may stop just
//! short of a row exactly as far away as the worst one found. So each is asked for one
//! neighbour more than is needed: where that one is farther than the k-th, everything
//! nearer was found, and the k best by (distance, index) are certain. Where it is not,
//! there is a tie across the boundary, and more is asked for until it is not. This
//! costs nothing when there are no ties, and makes every engine give the same
//! neighbours.

use bakeoff_core::PredictError;

use crate::{Neighbour, settings::Metric};

/// The `k` nearest of `rows` rows, from a search that may break ties in any way.
///
/// `ask` gives the indices of so many nearest rows in any order; `key` an exact
/// measure of a row's distance.
pub(crate) fn settle(
    engine: &'static str,
    rows: usize,
    k: usize,
    ask: impl Fn(usize) -> Result<Vec<usize>, PredictError>,
    key: impl Fn(usize) -> u64,
) -> Result<Vec<(u64, usize)>, PredictError> {
    let mut wanted = (k + 1).min(rows);
    loop {
        let mut found: Vec<(u64, usize)> = ask(wanted)?
            .into_iter()
            .map(|index| (key(index), index))
            .collect();
        found.sort_unstable();
        let certain = match (found.get(k - 1), found.last()) {
            (Some(kth), Some(last)) => found.len() == rows || kth.0 < last.0,
            _ => false,
        };
        if certain {
            found.truncate(k);
            return Ok(found);
        }
        if wanted == rows {
            return Err(PredictError::Engine {
                engine,
                reason: format!(
                    "its search found {} of {rows} training pictures when asked for all",
                    found.len()
                ),
            });
        }
        wanted = (2 * wanted).min(rows);
    }
}

/// Squared (L2) or plain (L1) distance between pictures held as floats. Pixels are whole
/// numbers, so the sum is exact.
pub(crate) fn key<A, B>(metric: Metric, query: &[A], row: &[B]) -> u64
where
    A: Copy + Into<f64>,
    B: Copy + Into<f64>,
{
    let differences = query
        .iter()
        .zip(row)
        .map(|(&a, &b)| (a.into() - b.into()).abs());
    let sum: f64 = match metric {
        Metric::L1 => differences.sum(),
        _ => differences.map(|difference| difference * difference).sum(),
    };
    sum as u64
}

/// The neighbours that exact keys stand for.
pub(crate) fn neighbours(metric: Metric, found: Vec<(u64, usize)>) -> Vec<Neighbour> {
    found
        .into_iter()
        .map(|(key, index)| Neighbour {
            index,
            distance: match metric {
                Metric::L1 => key as f64,
                _ => (key as f64).sqrt(),
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A library that keeps the highest indices among ties.
    fn lazy(keys: &[u64], wanted: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..keys.len()).rev().collect();
        order.sort_by_key(|&index| keys[index]);
        order.truncate(wanted);
        order
    }

    #[test]
    fn ties_across_the_boundary_are_settled_by_the_lower_index() {
        let keys = [5, 3, 3, 1, 3, 3, 3, 9];
        for (k, expected) in [(1, vec![3]), (2, vec![3, 1]), (4, vec![3, 1, 2, 4])] {
            let found = settle("lazy", 8, k, |n| Ok(lazy(&keys, n)), |i| keys[i]);
            let indices: Vec<usize> = found.expect("found").into_iter().map(|f| f.1).collect();
            assert_eq!(indices, expected);
        }
        let all = settle("lazy", 8, 8, |n| Ok(lazy(&keys, n)), |i| keys[i]).expect("found");
        assert_eq!(all.last(), Some(&(9, 7)));
    }

    #[test]
    fn a_search_that_loses_rows_is_an_error() {
        let keys = [1; 8];
        let lossy = |n: usize| Ok(lazy(&keys, n.min(5)));
        let error = settle("lossy", 8, 3, lossy, |i| keys[i]).expect_err("rows are lost");
        assert!(error.to_string().contains("5 of 8"), "{error}");
    }
}
