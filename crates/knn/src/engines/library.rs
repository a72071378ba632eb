//! What the engines that use the search of a library have in common.
//!
//! The libraries break ties in different ways, and their trees may miss a row that is exactly
//! as far away as the farthest one found. So a library is asked for one neighbour more than
//! needed. If that one is farther than the k-th, everything nearer was found, and the k best
//! by (distance, index) are certain. If it is not, there is a tie at the k-th place, and the
//! library is asked for more until it is. This costs nothing when there are no ties, and makes
//! every engine find the same neighbours.

use bakeoff_core::{FitError, PredictError};
use rayon::prelude::*;

use crate::{
    search::{Neighbour, Progress, Search},
    settings::Metric,
};

/// The search of a library: the indices of the nearest rows to a query (its bytes), as many
/// as asked for, in any order; or the reason why there are none.
pub(super) type Find = Box<dyn Fn(&[u8], usize) -> Result<Vec<usize>, String> + Send + Sync>;

/// Training rows in the index of a library.
struct Library {
    engine: &'static str,
    rows: Vec<u8>,
    columns: usize,
    metric: Metric,
    find: Find,
}

/// Builds a search with `index`, which indexes the rows in one call that cannot be interrupted.
pub(super) fn build(
    engine: &'static str,
    rows: &[u8],
    columns: usize,
    metric: Metric,
    progress: &mut Progress<'_>,
    index: impl FnOnce() -> Result<Find, String>,
) -> Result<Box<dyn Search>, FitError> {
    progress(0)?;
    let search = Library {
        engine,
        rows: rows.to_vec(),
        columns,
        metric,
        find: index().map_err(|reason| FitError::Engine { engine, reason })?,
    };
    progress(rows.len() / columns)?;
    Ok(Box::new(search))
}

impl Search for Library {
    fn nearest(&self, queries: &[u8], k: usize) -> Result<Vec<Neighbour>, PredictError> {
        let count = self.rows.len() / self.columns;
        let found: Vec<Vec<Neighbour>> = queries
            .par_chunks(self.columns)
            .map(|query| {
                let find = |wanted| (self.find)(query, wanted);
                let found = break_ties(count, k, find, |index| self.key(query, index));
                let found = found.map_err(|reason| PredictError::Engine {
                    engine: self.engine,
                    reason,
                })?;
                let neighbour = |(key, index)| Neighbour {
                    index,
                    distance: match self.metric {
                        Metric::L1 => key as f64,
                        _ => (key as f64).sqrt(),
                    },
                };
                Ok(found.into_iter().map(neighbour).collect())
            })
            .collect::<Result<_, PredictError>>()?;
        Ok(found.concat())
    }

    fn rows(&self) -> Vec<u8> {
        self.rows.clone()
    }

    fn row(&self, index: usize) -> Vec<u8> {
        self.rows[index * self.columns..][..self.columns].to_vec()
    }
}

impl Library {
    /// The exact distance of a row from a query: squared (L2) or plain (L1).
    fn key(&self, query: &[u8], index: usize) -> u64 {
        let row = &self.rows[index * self.columns..][..self.columns];
        let differences = query.iter().zip(row).map(|(a, b)| a.abs_diff(*b).into());
        match self.metric {
            Metric::L1 => differences.sum(),
            _ => differences.map(|difference: u64| difference.pow(2)).sum(),
        }
    }
}

/// The `k` nearest of `rows` rows, as (key, index), from a search that may break ties in any
/// way. `find` gives the indices of the nearest rows, as many as asked for, in any order;
/// `key` an exact measure of a row's distance.
fn break_ties(
    rows: usize,
    k: usize,
    find: impl Fn(usize) -> Result<Vec<usize>, String>,
    key: impl Fn(usize) -> u64,
) -> Result<Vec<(u64, usize)>, String> {
    let mut wanted = (k + 1).min(rows);
    loop {
        let found = find(wanted)?.into_iter();
        let mut found: Vec<(u64, usize)> = found.map(|index| (key(index), index)).collect();
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
            return Err(format!(
                "its search found {} of {rows} training images when asked for all",
                found.len()
            ));
        }
        wanted = (2 * wanted).min(rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A library that keeps the highest indices among ties.
    fn highest_first(keys: &[u64], wanted: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..keys.len()).rev().collect();
        order.sort_by_key(|&index| keys[index]);
        order.truncate(wanted);
        order
    }

    #[test]
    fn ties_across_the_boundary_are_settled_by_the_lower_index() {
        let keys = [5, 3, 3, 1, 3, 3, 3, 9];
        let find = |n| Ok(highest_first(&keys, n));
        for (k, expected) in [(1, vec![3]), (2, vec![3, 1]), (4, vec![3, 1, 2, 4])] {
            let found = break_ties(8, k, find, |i| keys[i]);
            let indices: Vec<usize> = found.expect("found").into_iter().map(|f| f.1).collect();
            assert_eq!(indices, expected);
        }
        let all = break_ties(8, 8, find, |i| keys[i]).expect("found");
        assert_eq!(all.last(), Some(&(9, 7)));
    }

    #[test]
    fn a_search_that_loses_rows_is_an_error() {
        let keys = [1; 8];
        let find = |n: usize| Ok(highest_first(&keys, n.min(5)));
        let error = break_ties(8, 3, find, |i| keys[i]).expect_err("rows are lost");
        assert!(error.contains("5 of 8"), "{error}");
    }
}
