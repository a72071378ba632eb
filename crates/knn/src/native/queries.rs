//! Queries as the kernels read them.

use super::{
    NativeIndex,
    kernel::{LANES, QueryForm},
    packed::Sum,
    projection::AXES,
    score::QueryFacts,
};
use crate::settings::Metric;

/// Some queries, prepared for one index.
pub(super) struct Queries {
    facts: Vec<QueryFacts>,
    /// Packed columns in the form of the kernel.
    full: Strided,
    /// Projections, where the index has them, with their sums of squares and their slacks.
    coarse: Strided,
    coarse_facts: Vec<(i32, f64)>,
}

/// The bytes of up to [`LANES`] queries.
#[derive(Clone, Copy)]
pub(super) struct QueryLanes<'a> {
    /// Lanes beyond the last query repeat it.
    pub(super) bytes: [&'a [u8]; LANES],
    /// How many lanes count: 1, 2, 4 or [`LANES`], at least one for each query.
    pub(super) lanes: usize,
}

/// As many bytes for each query.
struct Strided {
    bytes: Vec<u8>,
    stride: usize,
}

impl Strided {
    fn new(form: QueryForm, group: usize, queries: &[u8], stride: usize) -> Self {
        let mut bytes = Vec::with_capacity(queries.len() * form.widening());
        for group in queries.chunks_exact(group) {
            form.push(group, &mut bytes);
        }
        Self {
            bytes,
            stride: stride * form.widening(),
        }
    }

    fn get(&self, query: usize) -> &[u8] {
        &self.bytes[query * self.stride..][..self.stride]
    }

    fn lanes(&self, which: &[u32]) -> QueryLanes<'_> {
        let last = which.len().saturating_sub(1);
        QueryLanes {
            bytes: std::array::from_fn(|lane| {
                which
                    .get(lane.min(last))
                    .map_or(&[][..], |&query| self.get(query as usize))
            }),
            lanes: which.len().next_power_of_two(),
        }
    }
}

impl Queries {
    /// Prepares whole queries.
    pub(super) fn prepare(index: &NativeIndex, queries: &[u8]) -> Self {
        let sum = index.packed.sum();
        let stride = index.packed.groups() * sum.group();
        let total = index.columns.total();
        let count = queries.len() / total;
        let mut gathered = vec![0; count * stride];
        let mut projected = Vec::new();
        let mut facts = Vec::with_capacity(count);
        let mut coarse_facts = Vec::new();
        for (at, query) in queries.chunks_exact(total).enumerate() {
            let varying = &mut gathered[at * stride..][..stride];
            index.columns.gather(query, varying);
            let counted = match index.metric {
                // The cosine divides by the norm of the whole query.
                Metric::Cosine => query,
                Metric::L2 | Metric::L1 => varying,
            };
            facts.push(QueryFacts {
                constant: index.columns.constant_share(query, index.metric),
                norm: counted.iter().map(|&b| u64::from(b) * u64::from(b)).sum(),
            });
            if let Some(coarse) = &index.coarse {
                let found = coarse.project(varying);
                projected.extend(found.bytes);
                coarse_facts.push((found.norm, found.slack));
            }
        }
        Self {
            facts,
            full: Strided::new(index.kernel.query_form(sum), sum.group(), &gathered, stride),
            coarse: Strided::new(
                index.kernel.query_form(Sum::Dot),
                Sum::Dot.group(),
                &projected,
                AXES,
            ),
            coarse_facts,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.facts.len()
    }

    /// What each adds to a key.
    pub(super) fn facts(&self) -> &[QueryFacts] {
        &self.facts
    }

    /// The sum of squares of a query's projection, and its slack.
    pub(super) fn coarse_facts(&self, query: usize) -> (i32, f64) {
        self.coarse_facts.get(query).copied().unwrap_or_default()
    }

    /// The packed columns of up to [`LANES`] queries, for the kernel.
    pub(super) fn full(&self, which: &[u32]) -> QueryLanes<'_> {
        self.full.lanes(which)
    }

    /// The projections of up to [`LANES`] queries, for the kernel.
    pub(super) fn coarse(&self, which: &[u32]) -> QueryLanes<'_> {
        self.coarse.lanes(which)
    }
}
