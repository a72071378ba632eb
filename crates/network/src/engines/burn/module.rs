//! A [`Network`] as a Burn module.

use bakeoff_kernels::{
    Conv, Dense, Dropout, Layer, NORM_EPSILON, NORM_MOMENTUM, Network, NormPlace, Pooling,
    dropout_mask,
};
use burn::{
    module::{Module, Param, RunningState},
    nn::{
        BatchNorm, Linear, PaddingConfig2d,
        conv::Conv2d,
        pool::{AvgPool2d, MaxPool2d},
    },
    tensor::{Device, Tensor, TensorData, activation::relu},
};

use crate::weights::Weights;

/// A tensor's values, row-major.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    tensor
        .try_into_data()
        .map_err(|error| error.to_string())?
        .try_into_vec::<f32>()
        .map_err(|error| format!("{error:?}"))
}

/// Whether a forward pass drops values.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// Dropout with these masks.
    Train {
        /// Where the masks come from.
        dropout_seed: u64,
        /// Step of the optimiser.
        step: u64,
    },
    /// No dropout.
    Predict,
}

/// The layers in order.
#[derive(Module, Debug)]
pub(super) struct BurnNetwork {
    layers: Vec<BurnLayer>,
}

#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a handful of layers, never moved in bulk"
)]
enum BurnLayer {
    Conv(ConvBlock),
    MaxPool(MaxPool2d),
    AveragePool(AvgPool2d),
    Skip(Skip),
    Add(Add),
    Dense(DenseBlock),
    Dropout(DropoutBlock),
}

#[derive(Module, Debug)]
struct ConvBlock {
    conv: Conv2d,
    /// Where the norm comes after it.
    pool: Option<MaxPool2d>,
    norm: Option<NormBlock>,
    relu: bool,
}

#[derive(Module, Debug)]
struct DenseBlock {
    linear: Linear,
    norm: Option<NormBlock>,
    relu: bool,
}

#[derive(Module, Debug)]
struct NormBlock {
    norm: BatchNorm,
    /// Otherwise its factors are and stay 1.
    scaled: bool,
}

#[derive(Module, Debug)]
struct DropoutBlock {
    index: usize,
    values: usize,
    rate: f64,
}

/// Remembers the values.
#[derive(Module, Debug)]
struct Skip {}

/// Adds the ones remembered last.
#[derive(Module, Debug)]
struct Add {}

/// The values between two layers.
enum Values {
    Pictures(Tensor<4>),
    Flat(Tensor<2>),
}

impl Values {
    fn flat(self) -> Tensor<2> {
        match self {
            // Channel by channel, row by row: PyTorch's order, not Keras's.
            Self::Pictures(pictures) => pictures.flatten(1, 3),
            Self::Flat(values) => values,
        }
    }
}

/// Hands out the values of [`Weights`] in order as Burn parameters.
struct Source<'a, I> {
    tensors: I,
    device: &'a Device,
}

impl<'a, I: Iterator<Item = &'a [f32]>> Source<'a, I> {
    fn values(&mut self) -> Result<&'a [f32], String> {
        self.tensors
            .next()
            .ok_or_else(|| "the network has more tensors than the weights".into())
    }

    fn tensor<const D: usize>(
        &self,
        values: Vec<f32>,
        dims: [usize; D],
    ) -> Result<Tensor<D>, String> {
        if values.len() == dims.iter().product::<usize>() {
            Ok(Tensor::from_data(
                TensorData::new(values, dims),
                self.device,
            ))
        } else {
            Err(format!("{} values for a tensor of {dims:?}", values.len()))
        }
    }

    fn param<const D: usize>(&mut self, dims: [usize; D]) -> Result<Param<Tensor<D>>, String> {
        let values = self.values()?.to_vec();
        Ok(Param::from_tensor(self.tensor(values, dims)?))
    }

    /// The bias, or the batch norm in its place.
    #[allow(clippy::type_complexity)]
    fn bias_or_norm(
        &mut self,
        outputs: usize,
        norm: Option<NormPlace>,
    ) -> Result<(Option<Param<Tensor<1>>>, Option<NormBlock>), String> {
        let Some(place) = norm else {
            return Ok((Some(self.param([outputs])?), None));
        };
        let scaled = place.is_scaled();
        let gamma = match scaled {
            true => self.param([outputs])?,
            false => {
                let ones = self.tensor(vec![1.0; outputs], [outputs])?;
                Param::from_tensor(ones).set_require_grad(false)
            }
        };
        let beta = self.param([outputs])?;
        let mean = self.values()?.to_vec();
        let variance = self.values()?.to_vec();
        let norm = BatchNorm {
            gamma,
            beta,
            training: Param::from_bool(true),
            running_mean: RunningState::new(self.tensor(mean, [outputs])?),
            running_var: RunningState::new(self.tensor(variance, [outputs])?),
            momentum: NORM_MOMENTUM,
            epsilon: NORM_EPSILON,
        };
        Ok((None, Some(NormBlock { norm, scaled })))
    }

    /// A convolution, with the pool behind it if its norm comes after that.
    fn conv(&mut self, conv: &Conv, next: Option<&Pooling>) -> Result<ConvBlock, String> {
        let [height, width] = conv.kernel;
        let (channels, filters) = (conv.seen_channels(), conv.output.channels);
        let groups = conv.input.channels / channels;
        let weight = self.param([filters, channels, height, width])?;
        let (bias, norm) = self.bias_or_norm(filters, conv.norm)?;
        let [top, left, bottom, right] = conv.pad;
        let relu = conv.relu;
        let conv = Conv2d {
            weight,
            bias,
            stride: conv.stride,
            kernel_size: conv.kernel,
            dilation: [1, 1],
            groups,
            padding: PaddingConfig2d::Explicit(top, left, bottom, right),
        };
        Ok(ConvBlock {
            conv,
            pool: next.map(pool),
            norm,
            relu,
        })
    }

    fn dense(&mut self, dense: &Dense) -> Result<DenseBlock, String> {
        let (inputs, outputs) = (dense.inputs, dense.outputs);
        // Ours is outputs×inputs, Burn's inputs×outputs.
        let weight = transposed(self.values()?, inputs);
        let weight = Param::from_tensor(self.tensor(weight, [inputs, outputs])?);
        let (bias, norm) = self.bias_or_norm(outputs, dense.norm)?;
        Ok(DenseBlock {
            linear: Linear { weight, bias },
            norm,
            relu: dense.relu,
        })
    }
}

fn pool(pool: &Pooling) -> MaxPool2d {
    MaxPool2d {
        stride: pool.stride,
        kernel_size: pool.size,
        padding: PaddingConfig2d::Valid,
        dilation: [1, 1],
        ceil_mode: false,
    }
}

fn average_pool(pool: &Pooling) -> AvgPool2d {
    AvgPool2d {
        stride: pool.stride,
        kernel_size: pool.size,
        padding: PaddingConfig2d::Valid,
        count_include_pad: true,
        ceil_mode: false,
    }
}

/// The transpose of a row-major matrix of `columns` columns.
fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(matrix.len());
    for column in 0..columns {
        out.extend(matrix.iter().skip(column).step_by(columns));
    }
    out
}

impl BurnNetwork {
    /// The layers of `network` with these weights, on `device`.
    pub(super) fn new(
        network: &Network,
        weights: &Weights,
        device: &Device,
    ) -> Result<Self, String> {
        let mut source = Source {
            tensors: weights.iter().map(|(_, values)| values),
            device,
        };
        let mut layers = Vec::new();
        let mut all = network.layers().iter().peekable();
        while let Some(layer) = all.next() {
            layers.push(match layer {
                Layer::Conv(conv) => {
                    let pool = match (conv.norm, all.peek()) {
                        (Some(NormPlace::AfterPool), Some(Layer::MaxPool(pool))) => Some(pool),
                        _ => None,
                    };
                    if pool.is_some() {
                        all.next();
                    }
                    BurnLayer::Conv(source.conv(conv, pool)?)
                }
                Layer::MaxPool(layer) => BurnLayer::MaxPool(pool(layer)),
                Layer::AveragePool(layer) => BurnLayer::AveragePool(average_pool(layer)),
                Layer::Skip => BurnLayer::Skip(Skip {}),
                Layer::Add => BurnLayer::Add(Add {}),
                Layer::Dense(dense) => BurnLayer::Dense(source.dense(dense)?),
                Layer::Dropout(dropout) => BurnLayer::Dropout(DropoutBlock {
                    index: dropout.index,
                    values: dropout.values,
                    rate: dropout.rate,
                }),
            });
        }
        Ok(Self { layers })
    }

    /// N×K scores before the softmax.
    pub(super) fn forward(&self, pictures: Tensor<4>, mode: Mode) -> Tensor<2> {
        let mut input = Values::Pictures(pictures);
        let mut skipped = Vec::new();
        for layer in &self.layers {
            input = match (layer, input) {
                (BurnLayer::Conv(block), Values::Pictures(x)) => Values::Pictures(block.forward(x)),
                (BurnLayer::MaxPool(pool), Values::Pictures(x)) => {
                    Values::Pictures(pool.forward(x))
                }
                (BurnLayer::AveragePool(pool), Values::Pictures(x)) => {
                    Values::Pictures(pool.forward(x))
                }
                (BurnLayer::Skip(_), Values::Pictures(x)) => {
                    skipped.push(x.clone());
                    Values::Pictures(x)
                }
                // `Network::new` lets no sum be without a skip.
                (BurnLayer::Add(_), Values::Pictures(x)) => Values::Pictures(match skipped.pop() {
                    Some(more) => x + more,
                    None => x,
                }),
                (BurnLayer::Dense(block), input) => Values::Flat(block.forward(input.flat())),
                (BurnLayer::Dropout(block), input) => block.forward(input, mode),
                // `Network::new` lets no image layer follow a dense one.
                (_, input @ Values::Flat(_)) => input,
            };
        }
        input.flat()
    }

    /// The values of every tensor in the order of [`Network::tensors`].
    pub(super) fn tensors(&self) -> Result<Vec<Vec<f32>>, String> {
        let mut out = Vec::new();
        for layer in &self.layers {
            let (bias, norm) = match layer {
                BurnLayer::Conv(block) => {
                    out.push(values(block.conv.weight.val())?);
                    (&block.conv.bias, &block.norm)
                }
                BurnLayer::Dense(block) => {
                    let weight = block.linear.weight.val();
                    let [_, outputs] = weight.dims();
                    out.push(transposed(&values(weight)?, outputs));
                    (&block.linear.bias, &block.norm)
                }
                _ => continue,
            };
            if let Some(bias) = bias {
                out.push(values(bias.val())?);
            }
            if let Some(NormBlock { norm, scaled }) = norm {
                if *scaled {
                    out.push(values(norm.gamma.val())?);
                }
                out.push(values(norm.beta.val())?);
                out.push(values(norm.running_mean.value_sync())?);
                out.push(values(norm.running_var.value_sync())?);
            }
        }
        Ok(out)
    }
}

impl ConvBlock {
    fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        let mut x = self.conv.forward(pictures);
        if let Some(pool) = &self.pool {
            x = pool.forward(x);
        }
        norm_and_relu(x, &self.norm, self.relu)
    }
}

impl DenseBlock {
    fn forward(&self, values: Tensor<2>) -> Tensor<2> {
        norm_and_relu(self.linear.forward(values), &self.norm, self.relu)
    }
}

fn norm_and_relu<const D: usize>(
    x: Tensor<D>,
    norm: &Option<NormBlock>,
    with_relu: bool,
) -> Tensor<D> {
    let x = match norm {
        Some(block) => block.norm.forward(x),
        None => x,
    };
    if with_relu { relu(x) } else { x }
}

impl DropoutBlock {
    fn forward(&self, input: Values, mode: Mode) -> Values {
        let Mode::Train { dropout_seed, step } = mode else {
            return input;
        };
        if self.rate == 0.0 {
            return input;
        }
        let layer = Dropout {
            index: self.index,
            values: self.values,
            rate: self.rate,
        };
        match input {
            Values::Pictures(x) => Values::Pictures(with_mask(&layer, dropout_seed, step, x)),
            Values::Flat(x) => Values::Flat(with_mask(&layer, dropout_seed, step, x)),
        }
    }
}

fn with_mask<const D: usize>(layer: &Dropout, seed: u64, step: u64, x: Tensor<D>) -> Tensor<D> {
    let mask = dropout_mask(layer, seed, step, x.dims()[0]);
    let mask = Tensor::from_data(TensorData::new(mask, x.dims()), &x.device());
    x * mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_turned_over() {
        let matrix = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(transposed(&matrix, 3), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert_eq!(transposed(&transposed(&matrix, 3), 2), matrix);
    }
}
