//! A network in the runtime rten.
//!
//! Each call computes on one thread, and several calls run at once: so the bits cannot depend on the
//! number of threads, whatever the runtime splits. They also do not depend on which other images are in
//! a call, except that an image alone may differ in the last bits (its matrices are vectors): a call
//! of several never leaves one alone.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use bakeoff_core::panic_text;
use rten::{ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::{Layout as _, Tensor, prelude::*};

use super::{
    checked::{Checked, Element},
    pixels::Pixels,
};

/// Images of one call: their values stay in the processor's caches.
const CALL: usize = 16;

/// A network, ready to answer.
pub(crate) struct Session {
    model: rten::Model,
    input: NodeId,
    output: NodeId,
    /// The number of images that every call takes, where the file fixes it.
    fixed: Option<usize>,
    /// A thread for each call that runs at once.
    lanes: Mutex<Vec<Arc<ThreadPool>>>,
}

/// A panic in the runtime is an error of this file.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(format!("the runtime failed on it: {}", panic_text(&*panic))))
}

impl Session {
    /// Loads the graph; its operators become known or are named.
    pub(crate) fn new(checked: &Checked) -> Result<Self, String> {
        let bytes = checked.bytes.clone();
        let model = guarded(|| ModelOptions::with_all_ops().load(bytes).map_err(refusal))?;
        let id = |name: &str| model.node_id(name).map_err(|error| error.to_string());
        Ok(Self {
            input: id(&checked.input)?,
            output: id(&checked.output)?,
            fixed: checked.fixed(),
            model,
            lanes: Mutex::default(),
        })
    }

    /// The numbers of every image, and how many there are for each.
    pub(crate) fn run(
        &self,
        pixels: &Pixels,
        images: &[u8],
        each: usize,
    ) -> Result<Vec<f32>, String> {
        let calls = split(
            images.len() / each.max(1),
            self.fixed.unwrap_or(CALL),
            self.fixed,
        );
        let each = each.max(1);
        let calls: Vec<&[u8]> = calls
            .into_iter()
            .filter_map(|(from, to)| images.get(from * each..to * each))
            .collect();
        let lanes = self.lanes(rayon::current_num_threads().min(calls.len()).max(1));
        if let ([call], [lane, ..]) = (&calls[..], &lanes[..]) {
            return self.call(pixels, call, each, lane);
        }
        let mut answers: Vec<Result<Vec<f32>, String>> = Vec::new();
        answers.resize_with(calls.len(), || Ok(Vec::new()));
        let next = Mutex::new(calls.iter().zip(&mut answers));
        // Threads that wait for their lane: those of rayon would take up further calls meanwhile.
        thread::scope(|scope| {
            for lane in &lanes {
                let next = &next;
                scope.spawn(move || {
                    loop {
                        let task = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some((call, answer)) = task else { break };
                        *answer = self.call(pixels, call, each, lane);
                    }
                });
            }
        });
        let mut values = Vec::new();
        for answer in answers {
            values.extend(answer?);
        }
        Ok(values)
    }

    fn lanes(&self, count: usize) -> Vec<Arc<ThreadPool>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        while lanes.len() < count {
            lanes.push(Arc::new(ThreadPool::with_num_threads(1)));
        }
        lanes.iter().take(count).cloned().collect()
    }

    fn call(
        &self,
        pixels: &Pixels,
        call: &[u8],
        each: usize,
        lane: &Arc<ThreadPool>,
    ) -> Result<Vec<f32>, String> {
        let images = call.len() / each;
        let full;
        // The last call of a fixed number is filled with its last image again.
        let given = match self.fixed {
            Some(fixed) if images < fixed => {
                let last = call.get(call.len() - each..).unwrap_or_default();
                full = [call, &last.repeat(fixed - images)].concat();
                &full
            }
            _ => call,
        };
        let asked = given.len() / each;
        let axes = pixels.axes(asked);
        let input = || -> Value {
            match pixels.element() {
                Element::Bytes => Tensor::from_data(&axes, pixels.bytes(given)).into(),
                Element::Floats => Tensor::from_data(&axes, pixels.floats(given)).into(),
            }
        };
        let mut values = guarded(|| {
            let options = RunOptions::default().with_thread_pool(Some(lane.clone()));
            let inputs = vec![(self.input, ValueOrView::from(input()))];
            let found = self.model.run(inputs, &[self.output], Some(options));
            let found = found.map_err(|error| error.to_string())?;
            let value = found.into_iter().next().ok_or("it gave no output")?;
            let tensor: Tensor<f32> = value
                .try_into()
                .map_err(|_| "its output is no tensor of float32".to_owned())?;
            match tensor.shape().as_ref().first() {
                Some(&rows) if rows == asked => Ok(tensor.to_vec()),
                _ => Err(format!(
                    "its output has the shape {:?} for {asked} images",
                    tensor.shape()
                )),
            }
        })?;
        values.truncate(values.len() / asked.max(1) * images);
        Ok(values)
    }
}

/// The runtime's words, with what to do.
fn refusal(error: rten::LoadError) -> String {
    let words = error.to_string();
    match words.contains("not supported") {
        false => format!("cannot be loaded: {words}"),
        true => format!(
            "has an operator that is not supported: {words}. A program that runs the file can be compared instead \
             (docs/command.md), or its predictions imported (docs/external.md)"
        ),
    }
}

/// From and to, of calls of `most` images; none of several leaves one alone.
fn split(images: usize, most: usize, fixed: Option<usize>) -> Vec<(usize, usize)> {
    let most = most.max(1);
    let mut calls: Vec<(usize, usize)> = (0..images)
        .step_by(most)
        .map(|from| (from, images.min(from + most)))
        .collect();
    if fixed.is_none()
        && let [.., before, (from, to)] = &mut calls[..]
        && *to - *from == 1
    {
        before.1 = *to;
        calls.pop();
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_image_is_left_alone() {
        assert_eq!(split(0, 16, None), []);
        assert_eq!(split(1, 16, None), [(0, 1)]);
        assert_eq!(split(17, 16, None), [(0, 17)]);
        assert_eq!(split(18, 16, None), [(0, 16), (16, 18)]);
        assert_eq!(split(3, 2, Some(2)), [(0, 2), (2, 3)]);
    }
}
