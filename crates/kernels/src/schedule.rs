//! In what order a training step visits the operations.
//!
//! A batch is cut into chunks of sixteen samples, and one worker takes a chunk through the
//! forward and backward pass as far as nothing is needed from the other chunks: without batch
//! normalisation through all of both. So a chunk's numbers are still in the worker's cache in
//! the backward pass, and a step has two barriers instead of two per layer. Within a chunk
//! operations on images go sample by sample for the same reason.
//!
//! A dense network is the exception: a worker would keep its weights in the cache, not its
//! samples. Its first layer is computed before the chunks, by shares (`first_dense`).

use super::geometry::Plane;
use super::plan::{Op, Plan};

/// Samples that one worker takes at a time.
///
/// Fixed, and gradients are summed per chunk and then over chunks in order: the number of
/// threads changes no sum.
pub(crate) const CHUNK: usize = 16;

/// One operation of a step, by its index in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Pixels become numbers.
    Load,
    /// The outputs of a first dense layer come from its shares.
    Gather,
    Forward(usize),
    /// Moments of a normalisation's input.
    Measure(usize),
    /// Score and gradient of the logits.
    Loss,
    /// Gradients of a normalisation's scale and shift.
    Sums(usize),
    Backward(usize),
}

/// What happens when all chunks have come to the end of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// Combine the moments of a normalisation's input.
    Moments(usize),
    /// Combine the gradients of its scale and shift.
    Sums(usize),
    /// The step's end.
    End,
}

/// Groups of work that one chunk goes through; a group of several goes sample by sample.
#[derive(Debug, Clone)]
pub(crate) struct Phase {
    pub(crate) groups: Vec<Vec<Work>>,
    pub(crate) barrier: Barrier,
}

/// All phases of a training step; `by_shares` where the first layer was done by its outputs.
pub(crate) fn schedule(plan: &Plan, by_shares: bool) -> Vec<Phase> {
    let mut phases = Vec::new();
    let mut works = vec![if by_shares { Work::Gather } else { Work::Load }];
    for (index, op) in plan.ops.iter().enumerate().skip(usize::from(by_shares)) {
        if matches!(op, Op::Norm(_)) {
            works.push(Work::Measure(index));
            phases.push(phase(
                plan,
                std::mem::take(&mut works),
                Barrier::Moments(index),
            ));
        }
        works.push(Work::Forward(index));
    }
    works.push(Work::Loss);
    for (index, op) in plan.ops.iter().enumerate().rev() {
        if matches!(op, Op::Norm(_)) {
            works.push(Work::Sums(index));
            phases.push(phase(
                plan,
                std::mem::take(&mut works),
                Barrier::Sums(index),
            ));
        }
        works.push(Work::Backward(index));
    }
    phases.push(phase(plan, works, Barrier::End));
    phases
}

fn phase(plan: &Plan, works: Vec<Work>, barrier: Barrier) -> Phase {
    let mut groups: Vec<Vec<Work>> = Vec::new();
    let mut open = false;
    for work in works {
        let alone = by_chunk(plan, work);
        match groups.last_mut() {
            Some(group) if open && !alone => group.push(work),
            _ => groups.push(vec![work]),
        }
        open = !alone;
    }
    Phase { groups, barrier }
}

/// Whether it takes all samples of a chunk at once.
pub(crate) fn by_chunk(plan: &Plan, work: Work) -> bool {
    match work {
        Work::Measure(_) | Work::Loss | Work::Gather => true,
        Work::Forward(op) | Work::Backward(op) => matches!(plan.ops[op], Op::Dense(_)),
        Work::Load | Work::Sums(_) => false,
    }
}

/// For every plane, whether the gradient of one sample is made and used up before the next
/// sample's: then the memory of one sample serves a whole chunk.
pub(crate) fn transient(plan: &Plan, phases: &[Phase]) -> Vec<bool> {
    let groups: Vec<&Vec<Work>> = phases.iter().flat_map(|phase| &phase.groups).collect();
    let touching = |plane: usize| {
        groups.iter().filter(move |group| {
            group.iter().any(|work| match *work {
                Work::Loss => plane + 1 == plan.planes.len(),
                // The update of a dense layer's weights reads the gradients of all samples later;
                // dense layers take whole chunks.
                Work::Backward(op) | Work::Sums(op) => plan.ops[op].planes().contains(&plane),
                Work::Load | Work::Gather | Work::Forward(_) | Work::Measure(_) => false,
            })
        })
    };
    (0..plan.planes.len())
        .map(|plane| {
            let mut groups = touching(plane);
            let single = groups.next().is_some_and(|group| !by_chunk(plan, group[0]));
            single && groups.next().is_none()
        })
        .collect()
}

/// How many numbers the gradients of a plane take.
pub(crate) fn gradient_len(plane: &Plane, samples: usize, transient: bool) -> usize {
    plane.stride()
        * if transient {
            samples.div_ceil(CHUNK)
        } else {
            samples
        }
}
