//! The loss, and the way back.

use super::{Grid, Step, Walk, for_each_mean, for_each_product};

/// The loss is that of the labels, the gradient that of the smoothed targets.
pub(super) fn cross_entropy(
    logits: &Grid,
    labels: &[u16],
    class_weights: &[f32],
    smoothing: f64,
) -> (f64, Grid) {
    let [samples, classes, ..] = logits.shape;
    let mut gradient = Grid::zeroed(logits.shape);
    let mut loss = 0.0;
    for (n, &label) in labels.iter().enumerate() {
        let row = &logits.values[n * classes..][..classes];
        let sum: f64 = row.iter().map(|logit| logit.exp()).sum();
        let weight = class_weights
            .get(usize::from(label))
            .copied()
            .unwrap_or(1.0);
        let share = f64::from(weight) / samples as f64;
        loss += (sum.ln() - row[usize::from(label)]) * share;
        for (class, logit) in row.iter().enumerate() {
            let target = f64::from(u8::from(class == usize::from(label)));
            let target = (1.0 - smoothing) * target + smoothing / classes as f64;
            gradient.add([n, class, 0, 0], (logit.exp() / sum - target) * share);
        }
    }
    (loss, gradient)
}

pub(super) fn back(walk: &Walk<'_>, mut gradient: Grid) -> Vec<Vec<f64>> {
    let (mut reversed, mut sums) = (Vec::new(), Vec::new());
    let mut used = walk.used.iter().rev();
    for step in walk.steps.iter().rev() {
        match step {
            Step::Convolution {
                biased,
                input,
                kernel,
                stride,
                padding,
            } => {
                let weight = used.next().unwrap();
                let mut bias_gradient = vec![0.0; kernel[0]];
                let mut weight_gradient = vec![0.0; weight.len()];
                let mut before = Grid::zeroed(input.shape);
                for at in gradient.places() {
                    bias_gradient[at[1]] += gradient.get(at);
                }
                for_each_product(
                    input,
                    gradient.shape,
                    *kernel,
                    *stride,
                    *padding,
                    |from, w, to| {
                        weight_gradient[w] += input.get(from) * gradient.values[to];
                        before.add(from, weight[w] * gradient.values[to]);
                    },
                );
                if *biased {
                    reversed.push(bias_gradient);
                }
                reversed.push(weight_gradient);
                gradient = before;
            }
            Step::Norm {
                input,
                mean,
                inverse,
                scaled,
            } => {
                let [samples, channels, height, width] = input.shape;
                let count = (samples * height * width) as f64;
                let weight = used.next().unwrap();
                let mut sums = [vec![0.0; channels], vec![0.0; channels]];
                let normed = |at: [usize; 4]| (input.get(at) - mean[at[1]]) * inverse[at[1]];
                for at in input.places() {
                    sums[0][at[1]] += gradient.get(at) * normed(at);
                    sums[1][at[1]] += gradient.get(at);
                }
                let mut before = Grid::zeroed(input.shape);
                for at in input.places() {
                    let c = at[1];
                    let rest = (sums[1][c] + normed(at) * sums[0][c]) / count;
                    before.add(at, (gradient.get(at) - rest) * weight[c] * inverse[c]);
                }
                let [weight_gradient, bias_gradient] = sums;
                reversed.push(bias_gradient);
                if *scaled {
                    reversed.push(weight_gradient);
                }
                gradient = before;
            }
            Step::Relu { output } => {
                for (to, &value) in gradient.values.iter_mut().zip(&output.values) {
                    if value <= 0.0 {
                        *to = 0.0;
                    }
                }
            }
            Step::Pool { shape, from } => {
                let mut before = Grid::zeroed(*shape);
                for (&index, &value) in from.iter().zip(&gradient.values) {
                    before.values[index] += value;
                }
                gradient = before;
            }
            Step::Average {
                shape,
                size,
                stride,
            } => {
                let mut before = Grid::zeroed(*shape);
                for_each_mean(gradient.shape, *size, *stride, |from, to, share| {
                    before.add(to, gradient.get(from) * share);
                });
                gradient = before;
            }
            Step::Add => sums.push(gradient.clone()),
            Step::Skip => {
                let sum = sums.pop().unwrap();
                for (value, more) in gradient.values.iter_mut().zip(&sum.values) {
                    *value += more;
                }
            }
            Step::Flatten { shape } => gradient.shape = *shape,
        }
    }
    reversed.reverse();
    reversed
}
