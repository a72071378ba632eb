//! The plainest network there is, in `f64`, sample by sample and index by index: what the
//! kernels are compared with.

mod backward;

use backward::{back, cross_entropy};

use crate::{Layer, NORM_EPSILON, Network, NormPlace, PIXEL_SCALE};

/// Numbers of a batch, N×C×H×W.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    pub(crate) shape: [usize; 4],
    pub(crate) values: Vec<f64>,
}

impl Grid {
    fn zeroed(shape: [usize; 4]) -> Self {
        Self {
            shape,
            values: vec![0.0; shape.iter().product()],
        }
    }

    fn index(&self, [n, c, y, x]: [usize; 4]) -> usize {
        let [_, channels, height, width] = self.shape;
        ((n * channels + c) * height + y) * width + x
    }

    fn get(&self, at: [usize; 4]) -> f64 {
        self.values[self.index(at)]
    }

    fn add(&mut self, at: [usize; 4], value: f64) {
        let index = self.index(at);
        self.values[index] += value;
    }

    fn places(&self) -> impl Iterator<Item = [usize; 4]> + use<> {
        places(self.shape)
    }
}

/// All places of a grid, the last dimension fastest.
fn places([a, b, c, d]: [usize; 4]) -> impl Iterator<Item = [usize; 4]> {
    (0..a * b * c * d).map(move |i| [i / d / c / b, i / d / c % b, i / d % c, i % d])
}

/// What one batch gives.
pub(crate) struct Outcome {
    pub(crate) logits: Grid,
    /// Mean cross-entropy.
    pub(crate) loss: f64,
    /// In the order of the parameters, without running statistics.
    pub(crate) gradients: Vec<Vec<f64>>,
    /// Batch means and variances of every normalisation.
    pub(crate) statistics: Vec<[Vec<f64>; 2]>,
    /// How close the closest decision of ReLU and pooling was: below the rounding errors of
    /// `f32` the kernels may decide otherwise, and the gradients differ.
    pub(crate) margin: f64,
    /// How many times normalisation magnifies errors: largest input over standard deviation,
    /// multiplied over the layers.
    pub(crate) magnified: f64,
}

/// One step of the forward pass, with what the backward pass needs.
enum Step {
    Convolution {
        biased: bool,
        input: Grid,
        kernel: [usize; 4],
        stride: [usize; 2],
        padding: [usize; 4],
    },
    Norm {
        input: Grid,
        mean: Vec<f64>,
        inverse: Vec<f64>,
        scaled: bool,
    },
    Relu {
        output: Grid,
    },
    Pool {
        shape: [usize; 4],
        from: Vec<usize>,
    },
    Average {
        shape: [usize; 4],
        size: [usize; 2],
        stride: [usize; 2],
    },
    Skip,
    Add,
    Flatten {
        shape: [usize; 4],
    },
}

struct Walk<'a> {
    parameters: std::slice::Iter<'a, Vec<f32>>,
    /// Parameters of every step that has some.
    used: Vec<Vec<f64>>,
    steps: Vec<Step>,
    statistics: Vec<[Vec<f64>; 2]>,
    margin: f64,
    magnified: f64,
    /// Whether the batch's own moments are used, or the running ones.
    training: bool,
}

impl Walk<'_> {
    fn take(&mut self) -> Vec<f64> {
        let values = self.parameters.next().expect("values for every layer");
        values.iter().map(|&value| f64::from(value)).collect()
    }

    fn convolution(
        &mut self,
        input: Grid,
        kernel: [usize; 4],
        stride: [usize; 2],
        padding: [usize; 4],
        biased: bool,
    ) -> Grid {
        let [samples, _, rows, columns] = input.shape;
        let [channels, _, height, width] = kernel;
        let weight = self.take();
        let bias = if biased {
            self.take()
        } else {
            vec![0.0; channels]
        };
        let mut output = Grid::zeroed([
            samples,
            channels,
            (rows + padding[0] + padding[2] - height) / stride[0] + 1,
            (columns + padding[1] + padding[3] - width) / stride[1] + 1,
        ]);
        for at in output.places() {
            output.add(at, bias[at[1]]);
        }
        for_each_product(
            &input,
            output.shape,
            kernel,
            stride,
            padding,
            |from, w, to| {
                let product = input.get(from) * weight[w];
                output.values[to] += product;
            },
        );
        self.used.push(weight);
        self.steps.push(Step::Convolution {
            biased,
            input,
            kernel,
            stride,
            padding,
        });
        output
    }

    fn norm(&mut self, input: Grid, place: NormPlace) -> Grid {
        let [samples, channels, height, width] = input.shape;
        let scaled = place.is_scaled();
        let weight = match scaled {
            true => self.take(),
            false => vec![1.0; channels],
        };
        let bias = self.take();
        let (mut mean, mut variance) = (self.take(), self.take());
        let count = (samples * height * width) as f64;
        if self.training {
            mean = vec![0.0; channels];
            variance = vec![0.0; channels];
            for at in input.places() {
                mean[at[1]] += input.get(at) / count;
            }
            for at in input.places() {
                variance[at[1]] += (input.get(at) - mean[at[1]]).powi(2) / count;
            }
            self.statistics.push([mean.clone(), variance.clone()]);
        }
        let inverse: Vec<f64> = variance
            .iter()
            .map(|v| 1.0 / (v + NORM_EPSILON).sqrt())
            .collect();
        let largest = input
            .places()
            .map(|at| input.get(at).abs() * inverse[at[1]]);
        self.magnified *= largest.fold(1.0, f64::max);
        let mut output = Grid::zeroed(input.shape);
        for at in input.places() {
            let c = at[1];
            output.add(
                at,
                (input.get(at) - mean[c]) * inverse[c] * weight[c] + bias[c],
            );
        }
        self.used.push(weight);
        self.steps.push(Step::Norm {
            input,
            mean,
            inverse,
            scaled,
        });
        output
    }

    fn relu(&mut self, mut grid: Grid) -> Grid {
        let scale = grid
            .values
            .iter()
            .fold(0.0_f64, |most, v| most.max(v.abs()));
        for value in &mut grid.values {
            if *value != 0.0 {
                self.margin = self.margin.min(value.abs() / scale);
            }
            *value = value.max(0.0);
        }
        self.steps.push(Step::Relu {
            output: grid.clone(),
        });
        grid
    }

    fn pool(&mut self, input: &Grid, size: [usize; 2], stride: [usize; 2]) -> Grid {
        let [samples, channels, rows, columns] = input.shape;
        let scale = input
            .values
            .iter()
            .fold(0.0_f64, |most, v| most.max(v.abs()));
        let mut output = Grid::zeroed([
            samples,
            channels,
            (rows - size[0]) / stride[0] + 1,
            (columns - size[1]) / stride[1] + 1,
        ]);
        let mut from = Vec::new();
        for [n, c, y, x] in output.places() {
            let mut best = [n, c, y * stride[0], x * stride[1]];
            for dy in 0..size[0] {
                for dx in 0..size[1] {
                    let at = [n, c, y * stride[0] + dy, x * stride[1] + dx];
                    let ahead = input.get(at) - input.get(best);
                    if ahead != 0.0 {
                        self.margin = self.margin.min(ahead.abs() / scale);
                    }
                    if ahead > 0.0 {
                        best = at;
                    }
                }
            }
            output.add([n, c, y, x], input.get(best));
            from.push(input.index(best));
        }
        self.steps.push(Step::Pool {
            shape: input.shape,
            from,
        });
        output
    }

    fn average(&mut self, input: &Grid, size: [usize; 2], stride: [usize; 2]) -> Grid {
        let [samples, channels, rows, columns] = input.shape;
        let mut output = Grid::zeroed([
            samples,
            channels,
            (rows - size[0]) / stride[0] + 1,
            (columns - size[1]) / stride[1] + 1,
        ]);
        for_each_mean(output.shape, size, stride, |to, from, share| {
            output.add(to, input.get(from) * share);
        });
        self.steps.push(Step::Average {
            shape: input.shape,
            size,
            stride,
        });
        output
    }

    fn flatten(&mut self, grid: Grid) -> Grid {
        let [samples, channels, height, width] = grid.shape;
        self.steps.push(Step::Flatten { shape: grid.shape });
        Grid {
            shape: [samples, channels * height * width, 1, 1],
            values: grid.values,
        }
    }
}

/// Calls `f` with the place of every mean and of every value in its window, and the value's share.
fn for_each_mean(
    output: [usize; 4],
    size: [usize; 2],
    stride: [usize; 2],
    mut f: impl FnMut([usize; 4], [usize; 4], f64),
) {
    let share = 1.0 / (size[0] * size[1]) as f64;
    for [n, c, y, x] in places(output) {
        for dy in 0..size[0] {
            for dx in 0..size[1] {
                let from = [n, c, y * stride[0] + dy, x * stride[1] + dx];
                f([n, c, y, x], from, share);
            }
        }
    }
}

/// Calls `f` with the input's place, the weight's index and the output's index of every product.
fn for_each_product(
    input: &Grid,
    output: [usize; 4],
    [_, inputs, height, width]: [usize; 4],
    stride: [usize; 2],
    padding: [usize; 4],
    mut f: impl FnMut([usize; 4], usize, usize),
) {
    for (to, [n, o, y, x]) in places(output).enumerate() {
        for c in 0..inputs {
            for ky in 0..height {
                for kx in 0..width {
                    let (row, column) = (y * stride[0] + ky, x * stride[1] + kx);
                    let inside = (padding[0]..padding[0] + input.shape[2]).contains(&row)
                        && (padding[1]..padding[1] + input.shape[3]).contains(&column);
                    if inside {
                        // A filter of fewer channels than there are sees its own.
                        let channel = if inputs < input.shape[1] { o } else { c };
                        let from = [n, channel, row - padding[0], column - padding[1]];
                        f(from, ((o * inputs + c) * height + ky) * width + kx, to);
                    }
                }
            }
        }
    }
}

/// Forward, loss and backward; dropout is left out.
pub(crate) fn run(
    network: &Network,
    values: &[Vec<f32>],
    pixels: &[u8],
    labels: &[u16],
    class_weights: &[f32],
    smoothing: f64,
    training: bool,
) -> Outcome {
    let input = network.input();
    let shape = [labels.len(), input.channels, input.height, input.width];
    let mut grid = Grid::zeroed(shape);
    for (value, &pixel) in grid.values.iter_mut().zip(pixels) {
        *value = f64::from(pixel) * f64::from(PIXEL_SCALE);
    }
    let mut walk = Walk {
        parameters: values.iter(),
        used: Vec::new(),
        steps: Vec::new(),
        statistics: Vec::new(),
        margin: f64::INFINITY,
        magnified: 1.0,
        training,
    };
    let (mut after_pool, mut skipped) = (None, Vec::new());
    for (index, layer) in network.layers().iter().enumerate() {
        let pool_is_next = matches!(network.layers().get(index + 1), Some(Layer::MaxPool(_)));
        let (norm, relu) = match layer {
            Layer::Conv(conv) => {
                let filters = conv.output.channels;
                let [height, width] = conv.kernel;
                let kernel = [filters, conv.seen_channels(), height, width];
                grid = walk.convolution(grid, kernel, conv.stride, conv.pad, conv.norm.is_none());
                if pool_is_next && conv.norm == Some(NormPlace::AfterPool) {
                    after_pool = Some((conv.norm, conv.relu));
                    continue;
                }
                (conv.norm, conv.relu)
            }
            Layer::Dense(dense) => {
                grid = walk.flatten(grid);
                let kernel = [dense.outputs, dense.inputs, 1, 1];
                grid = walk.convolution(grid, kernel, [1, 1], [0; 4], dense.norm.is_none());
                (dense.norm, dense.relu)
            }
            Layer::MaxPool(pool) => {
                grid = walk.pool(&grid, pool.size, pool.stride);
                after_pool.take().unwrap_or((None, false))
            }
            Layer::AveragePool(pool) => {
                grid = walk.average(&grid, pool.size, pool.stride);
                (None, false)
            }
            Layer::Skip => {
                skipped.push(grid.clone());
                walk.steps.push(Step::Skip);
                (None, false)
            }
            Layer::Add => {
                let remembered = skipped.pop().unwrap();
                for (value, more) in grid.values.iter_mut().zip(&remembered.values) {
                    *value += more;
                }
                walk.steps.push(Step::Add);
                (None, false)
            }
            Layer::Dropout(_) => (None, false),
        };
        if let Some(place) = norm {
            grid = walk.norm(grid, place);
        }
        if relu {
            grid = walk.relu(grid);
        }
    }
    let logits = grid;
    let (loss, gradient) = cross_entropy(&logits, labels, class_weights, smoothing);
    let gradients = back(&walk, gradient);
    let Walk {
        statistics,
        margin,
        magnified,
        ..
    } = walk;
    Outcome {
        logits,
        loss,
        gradients,
        statistics,
        margin,
        magnified,
    }
}
