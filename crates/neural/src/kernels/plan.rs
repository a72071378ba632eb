//! From an architecture to operations on planes and ranges of parameters.

use std::ops::Range;

use super::conv::CUT;
use super::conv_first::tap_offsets;
use super::events::EventMap;
use super::geometry::{PANEL, Plane, Pool, Window, round_up};
use super::simd::LANES;
use super::spec::{Architecture, KernelError, Layer, MaxPool, Tensor};

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
    Convolution(ConvOp),
    Norm(NormOp),
    Dense(DenseOp),
    Dropout { plane: usize, rate: f32 },
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
    counts: [usize; 2],
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
            units,
            batch_norm: false,
            relu: false,
        }) = architecture.layers.last()
        else {
            return fail(
                end,
                "the last layer must be dense, without ReLU and norm".to_owned(),
            );
        };
        // A picture keeps its few channels unpadded.
        let picture = Plane {
            stored: channels,
            ..Plane::new(channels, height, width)
        };
        let mut builder = Builder {
            purpose,
            planes: vec![picture],
            ops: Vec::new(),
            summed: 0,
            statistics: 0,
            counts: [0; 2],
        };
        for (index, layer) in architecture.layers.iter().enumerate() {
            let done = match *layer {
                Layer::Convolution {
                    channels,
                    kernel,
                    stride,
                    padding,
                    batch_norm,
                    relu,
                    pool,
                } => builder.convolution(channels, kernel, stride, padding, batch_norm, relu, pool),
                Layer::Dense {
                    units,
                    batch_norm,
                    relu,
                } => builder.dense(units, batch_norm, relu),
                Layer::Dropout { rate } => builder.dropout(rate),
            };
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

    #[allow(clippy::too_many_arguments, reason = "the fields of the layer")]
    fn convolution(
        &mut self,
        channels: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        batch_norm: bool,
        relu: bool,
        pool: Option<MaxPool>,
    ) -> Result<(), String> {
        if self.counts[1] > 0 {
            return Err("a convolution cannot follow a dense layer".to_owned());
        }
        if channels == 0 || kernel.contains(&0) || stride.contains(&0) {
            return Err("channels, kernel and stride must be at least 1".to_owned());
        }
        let input = self.input();
        let plane = &mut self.planes[input];
        [plane.pad_height, plane.pad_width] = padding;
        let plane = *plane;
        let mut output = [0; 2];
        for (i, size) in [plane.height, plane.width].into_iter().enumerate() {
            if kernel[i] > size + 2 * padding[i] {
                return Err(format!(
                    "a kernel of {} on {size} pixels with padding {}: take a smaller kernel or \
                     fewer layers",
                    kernel[i], padding[i]
                ));
            }
            output[i] = (size + 2 * padding[i] - kernel[i]) / stride[i] + 1;
        }
        let pooling = pool_over(output, pool)?;
        let unpooled = Pool::new(output, [1, 1], [1, 1]);
        self.counts[0] += 1;
        let name = format!("conv{}", self.counts[0]);
        let apart = batch_norm && self.purpose == Purpose::Train;
        let pool = if apart { unpooled } else { pooling };
        let out_stored = round_up(channels, LANES);
        let window = Window {
            input: plane,
            out_channels: channels,
            out_stored,
            kernel,
            stride,
            output,
            used: pool.used(),
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
        self.ops.push(Op::Convolution(ConvOp {
            name: name.clone(),
            input,
            output: input + 1,
            window,
            relu: relu && !apart,
            weight,
            bias,
            layout,
        }));
        if apart {
            self.norm(name, pooling, relu);
        }
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

    fn dense(&mut self, units: usize, batch_norm: bool, relu: bool) -> Result<(), String> {
        if units == 0 {
            return Err("a dense layer has at least one unit".to_owned());
        }
        let input = self.input();
        let inputs = self.planes[input].stride();
        let outputs = round_up(units, PANEL);
        self.counts[1] += 1;
        let name = format!("dense{}", self.counts[1]);
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
            first: input == 0,
        }));
        if apart {
            self.norm(name, Pool::new([1, 1], [1, 1], [1, 1]), relu);
        }
        Ok(())
    }

    fn dropout(&mut self, rate: f32) -> Result<(), String> {
        if !(0.0..1.0).contains(&rate) {
            return Err(format!("a dropout rate of {rate} is not from 0 to below 1"));
        }
        if rate > 0.0 && self.purpose == Purpose::Train {
            let plane = self.input();
            self.ops.push(Op::Dropout { plane, rate });
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

fn pool_over(input: [usize; 2], pool: Option<MaxPool>) -> Result<Pool, String> {
    let Some(MaxPool { size, stride }) = pool else {
        return Ok(Pool::new(input, [1, 1], [1, 1]));
    };
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

/// A tensor's name and shape, and where each of its values lies in the network.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) indices: Vec<usize>,
    /// Whether the indices are into the statistics and not the parameters.
    pub(crate) statistic: bool,
    /// Inputs of one unit, for initialisation; zero for what starts at a fixed value.
    pub(crate) fan_in: usize,
}

impl Plan {
    /// All parameters in the order of the layers.
    pub(crate) fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for op in &self.ops {
            match op {
                Op::Convolution(conv) => {
                    let window = &conv.window;
                    let inputs = window.input.channels;
                    let [height, width] = window.kernel;
                    let indices = each(&[window.out_channels, inputs, height, width], |at| {
                        conv.weight.start + conv.index(at[0], at[1], at[2], at[3])
                    });
                    let fan_in = inputs * height * width;
                    places.push(Place {
                        name: format!("{}.weight", conv.name),
                        shape: vec![window.out_channels, inputs, height, width],
                        indices,
                        statistic: false,
                        fan_in,
                    });
                    places.push(vector(
                        &conv.name,
                        "bias",
                        window.out_channels,
                        &conv.bias,
                        fan_in,
                    ));
                }
                Op::Dense(dense) => {
                    let plane = &self.planes[dense.input];
                    let units = self.planes[dense.output].channels;
                    let inputs = plane.channels * plane.height * plane.width;
                    let shape = [units, plane.channels, plane.height, plane.width];
                    let indices = each(&shape, |at| {
                        let input = plane.at(at[2], at[3]) + at[1];
                        let panel = at[0] / PANEL * PANEL;
                        dense.weight.start + panel * dense.inputs + input * PANEL + at[0] - panel
                    });
                    places.push(Place {
                        name: format!("{}.weight", dense.name),
                        shape: vec![units, inputs],
                        indices,
                        statistic: false,
                        fan_in: inputs,
                    });
                    places.push(vector(&dense.name, "bias", units, &dense.bias, inputs));
                }
                Op::Norm(norm) => {
                    let channels = self.planes[norm.input].channels;
                    places.push(vector(&norm.name, "weight", channels, &norm.weight, 0));
                    places.push(vector(&norm.name, "bias", channels, &norm.bias, 0));
                    let variances = norm.running.end..norm.running.end + norm.running.len();
                    for (what, range) in
                        [("running_mean", &norm.running), ("running_var", &variances)]
                    {
                        let place = vector(&norm.name, what, channels, range, 0);
                        places.push(Place {
                            statistic: true,
                            ..place
                        });
                    }
                }
                Op::Dropout { .. } => {}
            }
        }
        places
    }
}

impl ConvOp {
    /// Where, in its weights, the one of out channel, in channel, row and column lies.
    pub(crate) fn index(&self, out: usize, input: usize, y: usize, x: usize) -> usize {
        let window = &self.window;
        let k = x * window.input.stored + input;
        match self.layout {
            ConvLayout::Rows(_) => (y * window.out_channels + out) * window.run() + k,
            ConvLayout::Panels { .. } => {
                let panel = out / PANEL * PANEL;
                let columns = PANEL.min(window.out_stored - panel);
                panel * window.taps() + (y * window.run() + k) * columns + out - panel
            }
        }
    }
}

fn vector(name: &str, what: &str, len: usize, range: &Range<usize>, fan_in: usize) -> Place {
    Place {
        name: format!("{name}.{what}"),
        shape: vec![len],
        indices: (range.start..range.start + len).collect(),
        statistic: false,
        fan_in,
    }
}

/// `f` of every index, the last dimension fastest.
fn each(shape: &[usize; 4], f: impl Fn([usize; 4]) -> usize) -> Vec<usize> {
    let mut all = Vec::with_capacity(shape.iter().product());
    for a in 0..shape[0] {
        for b in 0..shape[1] {
            for c in 0..shape[2] {
                for d in 0..shape[3] {
                    all.push(f([a, b, c, d]));
                }
            }
        }
    }
    all
}

/// Parameters to start from: weights and biases uniform within ±1/√(inputs of a unit), as
/// PyTorch draws them; normalisation as the identity.
///
/// The same seed gives the same numbers everywhere.
///
/// # Errors
///
/// When a layer cannot follow those before it.
pub fn initial_parameters(
    architecture: &Architecture,
    seed: u64,
) -> Result<Vec<Tensor>, KernelError> {
    let plan = Plan::new(architecture, Purpose::Train)?;
    let mut state = seed;
    let mut uniform = move || {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        #[allow(clippy::cast_precision_loss, reason = "24 bits fit")]
        let unit = (bits >> 40) as f32 / 16_777_216.0;
        2.0 * unit - 1.0
    };
    let draw = |place: Place| {
        let len = place.indices.len();
        #[allow(clippy::cast_precision_loss, reason = "a bound needs no more digits")]
        let values = if place.fan_in > 0 {
            let bound = 1.0 / (place.fan_in as f32).sqrt();
            (0..len).map(|_| bound * uniform()).collect()
        } else {
            let one = place.name.ends_with(".weight") || place.name.ends_with(".running_var");
            vec![if one { 1.0 } else { 0.0 }; len]
        };
        Tensor {
            name: place.name,
            shape: place.shape,
            values,
        }
    };
    Ok(plan.places().into_iter().map(draw).collect())
}
