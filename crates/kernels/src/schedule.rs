//! In what order a training step visits the operations.
//!
//! A batch is cut into chunks of sixteen samples, and one worker takes a chunk through the
//! network and back as far as nothing is needed from the other chunks: without batch
//! normalisation through all of it. So a chunk's numbers are still in the worker's cache on
//! the way back, and a step has two meeting points instead of two per layer. Within a chunk
//! operations on pictures go sample by sample for the same reason.
//!
//! A dense network is the exception: what a worker would keep in its cache is not its samples
//! but its weights. Its first layer goes before the chunks, by shares (`first_dense`).

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

/// What all chunks wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meeting {
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
    pub(crate) meeting: Meeting,
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
                Meeting::Moments(index),
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
                Meeting::Sums(index),
            ));
        }
        works.push(Work::Backward(index));
    }
    phases.push(phase(plan, works, Meeting::End));
    phases
}

fn phase(plan: &Plan, works: Vec<Work>, meeting: Meeting) -> Phase {
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
    Phase { groups, meeting }
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
/// sample's: then one sample's room serves a whole chunk.
pub(crate) fn passing(plan: &Plan, phases: &[Phase]) -> Vec<bool> {
    let groups: Vec<&Vec<Work>> = phases.iter().flat_map(|phase| &phase.groups).collect();
    let touching = |plane: usize| {
        groups.iter().filter(move |group| {
            group.iter().any(|work| match *work {
                Work::Loss => plane + 1 == plan.planes.len(),
                Work::Backward(op) | Work::Sums(op) => match &plan.ops[op] {
                    Op::Convolution(conv) => conv.input == plane || conv.output == plane,
                    Op::Norm(norm) => norm.input == plane || norm.output == plane,
                    // The update of the weights reads its gradients of all samples later.
                    Op::Dense(dense) => dense.input == plane || dense.output == plane,
                    Op::Pool(pool) => pool.input == plane || pool.output == plane,
                    Op::Dropout(dropout) => dropout.plane == plane,
                },
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

/// Numbers of room for the gradients of a plane.
pub(crate) fn gradient_len(plane: &Plane, samples: usize, passing: bool) -> usize {
    plane.stride()
        * if passing {
            samples.div_ceil(CHUNK)
        } else {
            samples
        }
}
