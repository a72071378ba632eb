//! Queries as the kernels read them.

use super::{
    index::NativeIndex,
    kernel::block::{QueryForm, QueryLanes, Sum},
    projection::PROJECTED,
    score::QueryTerms,
};
use crate::settings::Metric;

/// Some queries, prepared for one index.
pub(super) struct Queries {
    /// What each query adds to a key.
    pub(super) terms: Vec<QueryTerms>,
    /// Packed columns in the form of the kernel.
    pub(super) full: QueryBytes,
    /// Projections, where the index has them.
    pub(super) projected: QueryBytes,
    /// The sum of squares of each projection, and its slack.
    pub(super) projected_terms: Vec<(i32, f64)>,
}

/// The same number of bytes for each query.
pub(super) struct QueryBytes {
    bytes: Vec<u8>,
    stride: usize,
}

impl QueryBytes {
    fn new(form: QueryForm, sum: Sum, queries: &[u8], stride: usize) -> Self {
        let mut bytes = Vec::with_capacity(queries.len() * form.widening());
        for group in queries.chunks_exact(sum.group()) {
            form.push(group, &mut bytes);
        }
        Self {
            bytes,
            stride: stride * form.widening(),
        }
    }

    /// The bytes of up to [`LANES`](super::kernel::block::LANES) queries, for the kernel.
    pub(super) fn lanes(&self, ids: &[u32]) -> QueryLanes<'_> {
        let query = |&id: &u32| &self.bytes[id as usize * self.stride..][..self.stride];
        QueryLanes {
            bytes: std::array::from_fn(|lane| ids.get(lane).or(ids.last()).map_or(&[][..], query)),
            count: ids.len().next_power_of_two(),
        }
    }
}

impl Queries {
    /// Prepares whole queries.
    pub(super) fn prepare(index: &NativeIndex, queries: &[u8]) -> Self {
        let sum = index.packed.sum;
        let stride = index.packed.padded_columns();
        let total = index.columns.total();
        let count = queries.len() / total;
        let mut gathered = vec![0; count * stride];
        let mut projected = Vec::new();
        let mut terms = Vec::with_capacity(count);
        let mut projected_terms = Vec::new();
        for (at, query) in queries.chunks_exact(total).enumerate() {
            let varying = &mut gathered[at * stride..][..stride];
            index.columns.gather(query, varying);
            let counted = match index.metric {
                // The cosine divides by the norm of the whole query.
                Metric::Cosine => query,
                Metric::L2 | Metric::L1 => varying,
            };
            terms.push(QueryTerms {
                constant: index.columns.constant_share(query, index.metric),
                norm: counted.iter().map(|&b| u64::from(b) * u64::from(b)).sum(),
            });
            if let Some(coarse) = &index.coarse {
                let projection = coarse.projection.query(varying);
                projected.extend(projection.bytes);
                projected_terms.push((projection.norm, projection.slack));
            }
        }
        let form = |sum| index.kernel.query_form(sum);
        Self {
            terms,
            full: QueryBytes::new(form(sum), sum, &gathered, stride),
            projected: QueryBytes::new(form(Sum::Dot), Sum::Dot, &projected, PROJECTED),
            projected_terms,
        }
    }

    /// The number of queries.
    pub(super) fn len(&self) -> usize {
        self.terms.len()
    }

    /// The numbers of all queries.
    pub(super) fn ids(&self) -> Vec<u32> {
        (0..self.len()).map(|query| query as u32).collect()
    }
}
