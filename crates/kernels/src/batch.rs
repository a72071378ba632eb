//! Samples for one training step, and why they or a network are refused.

use std::borrow::Cow;

use crate::Network;

/// Why the kernels cannot compute a network, or were given what does not fit it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KernelError(pub(crate) String);

/// One training batch: some or all samples of a set.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Step of the optimiser: from 0 over the whole fit, one after the other.
    pub step: u64,
    /// The set's images, M×C×H×W bytes; an engine scales them by 1/255.
    pub pixels: &'a [u8],
    /// The set's M labels, each below the number of classes.
    pub labels: &'a [u16],
    /// The N of them that are in the batch, in this order; all of them if `None`. So an
    /// engine that reads images where they lie needs no copy of a shuffled batch.
    pub rows: Option<&'a [usize]>,
    /// The learning rate of this step.
    pub rate: f64,
}

impl Batch<'_> {
    /// Number of samples in the batch.
    pub(crate) fn len(&self) -> usize {
        self.rows.map_or(self.labels.len(), <[usize]>::len)
    }

    /// The set's row of the batch's sample.
    pub(crate) fn row(&self, sample: usize) -> usize {
        self.rows.map_or(sample, |rows| rows[sample])
    }

    /// A copy of the batch's own pixels and labels, one sample after the other. Rows that the
    /// set does not have are left out.
    pub fn gather(&self) -> (Cow<'_, [u8]>, Cow<'_, [u16]>) {
        let Some(rows) = self.rows else {
            return (self.pixels.into(), self.labels.into());
        };
        let each = self.pixels.len() / self.labels.len().max(1);
        let pictures = rows
            .iter()
            .filter_map(|&row| self.pixels.get(row * each..(row + 1) * each));
        let labels = rows.iter().filter_map(|&row| self.labels.get(row));
        (
            pictures.flatten().copied().collect(),
            labels.copied().collect(),
        )
    }

    /// Checks once what the kernels then rely on.
    pub(crate) fn check(&self, network: &Network) -> Result<(), KernelError> {
        let bad = |reason| Err(KernelError(format!("batch: {reason}")));
        let (picture, classes) = (network.input().pixels(), network.classes());
        let count = self.labels.len();
        if self.len() == 0 {
            return bad("it has no samples".to_owned());
        }
        if self.pixels.len() != count * picture {
            return bad(format!(
                "{} pixels for {count} labels, where an image has {picture}",
                self.pixels.len()
            ));
        }
        for sample in 0..self.len() {
            let row = self.row(sample);
            match self.labels.get(row) {
                None => return bad(format!("row {row} of {count}")),
                Some(&label) if usize::from(label) >= classes => {
                    return bad(format!("label {label} in row {row}, of {classes} classes"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Checks that there are values for every tensor of the network, in the order of
/// [`Network::tensors`].
pub(crate) fn check_values(network: &Network, values: &[Vec<f32>]) -> Result<(), KernelError> {
    let tensors = network.tensors();
    if tensors.len() != values.len() {
        return Err(KernelError(format!(
            "values of {} tensors, where the network has {}",
            values.len(),
            tensors.len()
        )));
    }
    for (tensor, values) in tensors.iter().zip(values) {
        if values.len() != tensor.shape.iter().product::<usize>() {
            return Err(KernelError(format!(
                "parameter {}: {} values, where {:?} is needed",
                tensor.name,
                values.len(),
                tensor.shape
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gathers_its_rows_in_their_order() {
        let set = Batch {
            step: 0,
            pixels: &[1, 2, 3, 4, 5, 6],
            labels: &[7, 8, 9],
            rows: None,
            rate: 0.0,
        };
        let (pixels, labels) = set.gather();
        assert_eq!((&*pixels, &*labels), (set.pixels, set.labels));
        let some = Batch {
            rows: Some(&[2, 0, 2]),
            ..set
        };
        let (pixels, labels) = some.gather();
        assert_eq!(*pixels, [5, 6, 1, 2, 5, 6]);
        assert_eq!(*labels, [9, 7, 9]);
    }
}
