//! The plainest search there is: the measure of every other one.

use bakeoff_core::PredictError;

use crate::{Neighbour, search::Search, settings::Metric};

/// Looks at every row in turn, in exact integers where the metric allows.
pub(crate) struct Reference {
    pub(crate) rows: Vec<u8>,
    pub(crate) columns: usize,
    pub(crate) metric: Metric,
}

impl Reference {
    fn distance(&self, a: &[u8], b: &[u8]) -> f64 {
        let sum = |f: fn(i64, i64) -> i64| -> f64 {
            a.iter()
                .zip(b)
                .map(|(&a, &b)| f(i64::from(a), i64::from(b)))
                .sum::<i64>() as f64
        };
        match self.metric {
            Metric::L2 => sum(|a, b| (a - b) * (a - b)).sqrt(),
            Metric::L1 => sum(|a, b| (a - b).abs()),
            Metric::Cosine => {
                let norms = (sum(|a, _| a * a) * sum(|_, b| b * b)).sqrt();
                if norms == 0.0 {
                    1.0
                } else {
                    1.0 - sum(|a, b| a * b) / norms
                }
            }
        }
    }
}

impl Search for Reference {
    fn nearest(&self, queries: &[u8], k: usize) -> Result<Vec<Neighbour>, PredictError> {
        let mut found = Vec::new();
        for query in queries.chunks_exact(self.columns) {
            let mut all: Vec<_> = self
                .rows
                .chunks_exact(self.columns)
                .enumerate()
                .map(|(index, row)| Neighbour {
                    index,
                    distance: self.distance(query, row),
                })
                .collect();
            all.sort_by(|a, b| {
                a.distance
                    .total_cmp(&b.distance)
                    .then(a.index.cmp(&b.index))
            });
            found.extend_from_slice(&all[..k]);
        }
        Ok(found)
    }

    fn rows(&self) -> Vec<u8> {
        self.rows.clone()
    }
}
