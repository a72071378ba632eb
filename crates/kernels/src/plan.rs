//! From an architecture to operations on planes and ranges of parameters.

use std::ops::Range;

use super::conv_first::tap_offsets;
use super::events::EventMap;
use super::geometry::{PANEL, Plane, Pool, Window, round_up};
use super::pool::CUT;
use super::simd::LANES;
use super::spec::{Architecture, KernelError, Layer};

/// Numbers a sample may have between two layers: offsets within a sample are 32 bits.
const MOST_NUMBERS: usize = 1 << 31;

/// Operations, planes between them, and where parameters lie.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) classes: usize,
    pub(crate) planes: Vec<Plane>,
    pub(crate) ops: Vec<Op>,
    /// Parameters whose gradients are summed over chunks; they come first.
    pub(crate) summed: usize,
    /// All parameters.
    pub(crate) parameters: usize,
    /// Running statistics of all normalisations.
    pub(crate) statistics: usize,
}

/// One operation; dropout works in place, all others go from plane `i` to a new one.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Convolution(Box<ConvOp>),
    Norm(NormOp),
    Pool(PoolOp),
    Dense(DenseOp),
    Dropout(DropoutOp),
}

/// Convolution with what is fused to it.
#[derive(Debug, Clone)]
pub(crate) struct ConvOp {
    pub(crate) name: String,
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) window: Window,
    pub(crate) relu: bool,
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
    /// Otherwise normalisation follows, and the bias is and stays zero.
    pub(crate) biased: bool,
    pub(crate) layout: ConvLayout,
}

/// How the weights that the optimiser moves are laid out.
#[derive(Debug, Clone)]
pub(crate) enum ConvLayout {
    /// Panels, as the way there wants them. For the way back of a first convolution.
    Panels { offsets: Vec<u32>, taps: Vec<u32> },
    /// Kernel height × out channels × run, as the way back wants them.
    Rows(EventMap),
}

/// Batch normalisation with what is fused to it.
#[derive(Debug, Clone)]
pub(crate) struct NormOp {
    pub(crate) name: String,
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) pool: Pool,
    pub(crate) relu: bool,
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
    /// Running means in the statistics; the variances follow.
    pub(crate) running: Range<usize>,
}

/// Max-pooling that could not be fused to a convolution.
#[derive(Debug, Clone)]
pub(crate) struct PoolOp {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) pool: Pool,
}

/// Dropout.
#[derive(Debug, Clone)]
pub(crate) struct DropoutOp {
    pub(crate) plane: usize,
    pub(crate) rate: f32,
    /// Its number among the dropout layers.
    pub(crate) ordinal: usize,
}

/// Dense layer with what is fused to it.
#[derive(Debug, Clone)]
pub(crate) struct DenseOp {
    pub(crate) name: String,
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) relu: bool,
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
    /// Otherwise normalisation follows, and the bias is and stays zero.
    pub(crate) biased: bool,
    /// Nothing before it learns, so its input needs no gradient.
    pub(crate) first: bool,
}

/// Whether normalisation is an operation of its own, or folded into the layer before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Train,
    Predict,
}

/// The state of [`Plan::new`].
struct Builder {
    purpose: Purpose,
    planes: Vec<Plane>,
    ops: Vec<Op>,
    summed: usize,
    statistics: usize,
    /// Convolutions, dense layers and dropouts so far.
    counts: [usize; 3],
}

impl Plan {
    pub(crate) fn new(architecture: &Architecture, purpose: Purpose) -> Result<Self, KernelError> {
        let [channels, height, width] = architecture.input;
        let end = architecture.layers.len();
        let fail = |index, reason: String| Err(KernelError::Layer { index, reason });
        if channels == 0 || height == 0 || width == 0 {
            return fail(0, "the picture has no pixels".to_owned());
        }
        let Some(&Layer::Dense {
            units: units @ 1..,
            batch_norm: false,
            relu: false,
        }) = architecture.layers.last()
        else {
            return fail(
                end,
                "the last layer must be dense, without ReLU and norm, with a unit per class"
                    .to_owned(),
            );
        };
        let mut picture = Plane::new(channels, height, width);
        let pools = |layer: &Layer| matches!(layer, Layer::MaxPool { .. });
        let drops = |layer: &&Layer| matches!(layer, Layer::Dropout { .. });
        if !architecture
            .layers
            .iter()
            .find(|layer| !drops(layer))
            .is_some_and(pools)
        {
            // A convolution or dense layer takes a picture's few channels unpadded.
            picture.stored = channels;
        }
        let mut builder = Builder {
            purpose,
            planes: vec![picture],
            ops: Vec::new(),
            summed: 0,
            statistics: 0,
            counts: [0; 3],
        };
        let mut fused = false;
        for (index, &layer) in architecture.layers.iter().enumerate() {
            let pool = match architecture.layers.get(index + 1) {
                Some(&Layer::MaxPool { size, stride }) => Some([size, stride]),
                _ => None,
            };
            let done = match layer {
                Layer::Convolution { .. } => builder.convolution(layer, pool),
                Layer::MaxPool { .. } if fused => Ok(()),
                Layer::MaxPool { size, stride } => builder.pool([size, stride]),
                Layer::Dense { units: 0, .. } => Err("a dense layer has a unit".to_owned()),
                Layer::Dense {
                    units,
                    batch_norm,
                    relu,
                } => {
                    builder.dense(units, batch_norm, relu, index + 1 == end);
                    Ok(())
                }
                Layer::Dropout { rate } => builder.dropout(rate),
            };
            fused = matches!(layer, Layer::Convolution { .. });
            if let Err(reason) = done {
                return fail(index, reason);
            }
            if builder
                .planes
                .iter()
                .any(|plane| plane.stride() >= MOST_NUMBERS)
            {
                return fail(index, "its result has too many numbers".to_owned());
            }
        }
        Ok(builder.finish(units))
    }
}

impl Builder {
    /// A range among the parameters that are summed over chunks.
    fn summed(&mut self, len: usize) -> Range<usize> {
        let start = self.summed;
        self.summed += round_up(len, LANES);
        start..start + len
    }

    fn input(&self) -> usize {
        self.planes.len() - 1
    }

    /// A convolution with the max-pooling behind it, if there is any.
    fn convolution(&mut self, layer: Layer, pool: Option<[[usize; 2]; 2]>) -> Result<(), String> {
        let Layer::Convolution {
            channels,
            kernel,
            stride,
            padding,
            batch_norm,
            relu,
        } = layer
        else {
            return Ok(());
        };
        if self.counts[1] > 0 {
            return Err("a convolution cannot follow a dense layer".to_owned());
        }
        if channels == 0 || kernel.contains(&0) || stride.contains(&0) {
            return Err("channels, kernel and stride must be at least 1".to_owned());
        }
        let input = self.input();
        let plane = &mut self.planes[input];
        plane.border = padding;
        let plane = *plane;
        let mut output = [0; 2];
        for (i, size) in [plane.height, plane.width].into_iter().enumerate() {
            let padded = size + padding[i] + padding[i + 2];
            if kernel[i] > padded {
                return Err(format!(
                    "a kernel of {} on {padded} pixels: take a smaller one or fewer layers",
                    kernel[i]
                ));
            }
            output[i] = (padded - kernel[i]) / stride[i] + 1;
        }
        let unpooled = Pool::new(output, [1, 1], [1, 1]);
        let pooling = pool.map_or(Ok(unpooled), |pool| pool_over(output, pool))?;
        self.counts[0] += 1;
        let name = format!("conv{}", self.counts[0]);
        let apart = batch_norm && self.purpose == Purpose::Train;
        let pool = if apart { unpooled } else { pooling };
        let out_stored = round_up(channels, LANES);
        let used = pool.used();
        let window = Window {
            input: plane,
            out_channels: channels,
            out_stored,
            kernel,
            stride,
            output,
            used,
            pool,
        };
        let rows = self.purpose == Purpose::Train && input > 0;
        let weights = if rows {
            kernel[0] * channels * window.run()
        } else {
            window.taps() * out_stored
        };
        let weight = self.summed(weights);
        let bias = self.summed(out_stored);
        let layout = if rows {
            ConvLayout::Rows(EventMap::new(&window))
        } else {
            ConvLayout::Panels {
                offsets: window.pooled_offsets(),
                taps: tap_offsets(&window),
            }
        };
        self.planes
            .push(Plane::new(channels, pool.output[0], pool.output[1]));
        self.ops.push(Op::Convolution(Box::new(ConvOp {
            name: name.clone(),
            input,
            output: input + 1,
            window,
            relu: relu && !apart,
            weight,
            bias,
            biased: !apart,
            layout,
        })));
        if apart {
            self.norm(name, pooling, relu);
        }
        Ok(())
    }

    fn pool(&mut self, pool: [[usize; 2]; 2]) -> Result<(), String> {
        if self.counts[1] > 0 {
            return Err("max-pooling cannot follow a dense layer".to_owned());
        }
        let input = self.input();
        let plane = self.planes[input];
        let pool = pool_over([plane.height, plane.width], pool)?;
        self.planes
            .push(Plane::new(plane.channels, pool.output[0], pool.output[1]));
        self.ops.push(Op::Pool(PoolOp {
            input,
            output: input + 1,
            pool,
        }));
        Ok(())
    }

    fn norm(&mut self, name: String, pool: Pool, relu: bool) {
        let input = self.input();
        let plane = self.planes[input];
        let weight = self.summed(plane.stored);
        let bias = self.summed(plane.stored);
        let running = self.statistics..self.statistics + plane.stored;
        self.statistics += 2 * plane.stored;
        self.planes.push(Plane {
            height: pool.output[0],
            width: pool.output[1],
            ..plane
        });
        self.ops.push(Op::Norm(NormOp {
            name: format!("{name}.norm"),
            input,
            output: input + 1,
            pool,
            relu,
            weight,
            bias,
            running,
        }));
    }

    fn dense(&mut self, units: usize, batch_norm: bool, relu: bool, last: bool) {
        let input = self.input();
        let inputs = self.planes[input].stride();
        let outputs = round_up(units, PANEL);
        self.counts[1] += 1;
        let name = if last {
            "output".to_owned()
        } else {
            format!("dense{}", self.counts[1])
        };
        let apart = batch_norm && self.purpose == Purpose::Train;
        let bias = self.summed(outputs);
        self.planes.push(Plane {
            stored: outputs,
            ..Plane::new(units, 1, 1)
        });
        self.ops.push(Op::Dense(DenseOp {
            name: name.clone(),
            input,
            output: input + 1,
            inputs,
            outputs,
            relu: relu && !apart,
            weight: 0..0,
            bias,
            biased: !apart,
            first: input == 0,
        }));
        if apart {
            self.norm(name, Pool::new([1, 1], [1, 1], [1, 1]), relu);
        }
    }

    fn dropout(&mut self, rate: f32) -> Result<(), String> {
        if !(0.0..1.0).contains(&rate) {
            return Err(format!("a dropout rate of {rate} is not from 0 to below 1"));
        }
        if self.purpose == Purpose::Train {
            let plane = self.input();
            let ordinal = self.counts[2];
            self.ops.push(Op::Dropout(DropoutOp {
                plane,
                rate,
                ordinal,
            }));
            self.counts[2] += 1;
        }
        Ok(())
    }

    fn finish(mut self, classes: usize) -> Plan {
        let summed = round_up(self.summed, PANEL);
        let mut parameters = summed;
        for op in &mut self.ops {
            if let Op::Dense(dense) = op {
                let end = parameters + dense.inputs * dense.outputs;
                dense.weight = parameters..end;
                parameters = end;
            }
        }
        Plan {
            classes,
            planes: self.planes,
            ops: self.ops,
            summed,
            parameters,
            statistics: self.statistics,
        }
    }
}

/// A pool of this size and stride over this many rows and columns.
fn pool_over(input: [usize; 2], [size, stride]: [[usize; 2]; 2]) -> Result<Pool, String> {
    if size.contains(&0) || stride.contains(&0) {
        return Err("size and stride of pooling must be at least 1".to_owned());
    }
    if size[0] * size[1] >= usize::from(CUT) {
        return Err(format!("a pooling window has fewer than {CUT} pixels"));
    }
    if size[0] > input[0] || size[1] > input[1] {
        return Err(format!(
            "pooling {} × {} on {} × {} pixels: pool less or take fewer layers",
            size[0], size[1], input[0], input[1]
        ));
    }
    Ok(Pool::new(input, size, stride))
}
