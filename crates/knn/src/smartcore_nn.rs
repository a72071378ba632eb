//! The search of smartcore: linear and cover tree.
//!
//! smartcore's own classifier gives no probabilities, so only the search is the
//! library's; [`crate::library`] settles ties and [`crate::vote`] counts votes. Pixels
//! are `f32`, which hold them and the squares of their differences exactly; smartcore
//! adds those up in `f64`.
//!
//! Its cosine distance is not offered: it puts a black picture infinitely far from
//! every other instead of at 1, and would not give the same neighbours.

use std::sync::Arc;

use bakeoff_core::{FitError, PredictError};
use rayon::prelude::*;
use smartcore::{
    algorithm::neighbour::{cover_tree::CoverTree, linear_search::LinearKNNSearch},
    error::Failed,
    metrics::distance::{Distance, euclidian::Euclidian, manhattan::Manhattan},
};

use crate::{
    Neighbour,
    family::SMARTCORE,
    library::{key, neighbours, settle},
    search::Search,
    settings::{IndexKind, Metric},
};

/// Indexes `rows`, N×`columns` bytes.
pub(crate) fn build(
    rows: &[u8],
    columns: usize,
    metric: Metric,
    kind: IndexKind,
) -> Result<Box<dyn Search>, FitError> {
    let rows: Vec<Row> = rows.chunks_exact(columns).map(Row::new).collect();
    Ok(match metric {
        Metric::L2 => Box::new(Indexed::build(rows, metric, kind, Euclidian::new())?),
        _ => Box::new(Indexed::build(rows, metric, kind, Manhattan::new())?),
    })
}

/// One picture. Shared, because smartcore's indices own their rows and do not show
/// them, and saving needs them too.
#[derive(Clone, Debug, PartialEq)]
struct Row(Arc<Vec<f32>>);

impl Row {
    fn new(bytes: &[u8]) -> Self {
        Self(Arc::new(bytes.iter().copied().map(f32::from).collect()))
    }
}

/// smartcore's distance `D` between the vectors in two rows.
#[derive(Clone)]
struct Between<D>(D);

impl<D: Distance<Vec<f32>>> Distance<Row> for Between<D> {
    fn distance(&self, a: &Row, b: &Row) -> f64 {
        self.0.distance(&a.0, &b.0)
    }
}

enum Algorithm<D: Distance<Vec<f32>>> {
    Linear(LinearKNNSearch<Row, Between<D>>),
    CoverTree(CoverTree<Row, Between<D>>),
}

impl<D: Distance<Vec<f32>>> Algorithm<D> {
    fn find(&self, query: &Row, wanted: usize) -> Result<Vec<usize>, Failed> {
        let found = match self {
            Self::Linear(index) => index.find(query, wanted),
            Self::CoverTree(index) => index.find(query, wanted),
        }?;
        Ok(found.into_iter().map(|(row, _, _)| row).collect())
    }
}

/// Training rows in an index of smartcore.
struct Indexed<D: Distance<Vec<f32>>> {
    algorithm: Algorithm<D>,
    rows: Vec<Row>,
    metric: Metric,
}

impl<D: Distance<Vec<f32>>> Indexed<D> {
    fn build(
        rows: Vec<Row>,
        metric: Metric,
        kind: IndexKind,
        distance: D,
    ) -> Result<Self, FitError> {
        let data = rows.clone();
        let algorithm = match kind {
            IndexKind::CoverTree => {
                CoverTree::new(data, Between(distance)).map(Algorithm::CoverTree)
            }
            _ => LinearKNNSearch::new(data, Between(distance)).map(Algorithm::Linear),
        };
        Ok(Self {
            algorithm: algorithm.map_err(|error| FitError::Engine {
                engine: SMARTCORE,
                reason: error.to_string(),
            })?,
            rows,
            metric,
        })
    }
}

impl<D: Distance<Vec<f32>> + Send + Sync> Search for Indexed<D> {
    fn nearest(&self, queries: &[u8], k: usize) -> Result<Vec<Neighbour>, PredictError> {
        let columns = self.rows.first().map_or(1, |row| row.0.len());
        let found: Vec<Vec<Neighbour>> = queries
            .par_chunks(columns)
            .map(|query| {
                let query = Row::new(query);
                let ask = |wanted| {
                    self.algorithm
                        .find(&query, wanted)
                        .map_err(|error| PredictError::Engine {
                            engine: SMARTCORE,
                            reason: error.to_string(),
                        })
                };
                let distance = |row: usize| key(self.metric, &query.0, &self.rows[row].0);
                let found = settle(SMARTCORE, self.rows.len(), k, ask, distance)?;
                Ok(neighbours(self.metric, found))
            })
            .collect::<Result<_, PredictError>>()?;
        Ok(found.concat())
    }

    fn rows(&self) -> Vec<u8> {
        let values = self.rows.iter().flat_map(|row| row.0.iter());
        values.map(|&value| value as u8).collect()
    }

    fn row(&self, index: usize) -> Vec<u8> {
        let values = self.rows[index].0.iter();
        values.map(|&value| value as u8).collect()
    }
}
