//! One layer after the other becomes operations, planes and ranges.

use std::ops::Range;

use super::super::batch::KernelError;
use super::super::conv_first::tap_offsets;
use super::super::conv_products::goes_back_by_products;
use super::super::events::EventMap;
use super::super::geometry::{PANEL, Plane, Pool, Window};
use super::super::pool::CUT;
use super::super::simd::LANES;
use super::{
    AddOp, Back, ConvLayout, ConvOp, DenseOp, DepthwiseOp, DropoutOp, NormOp, Op, Plan, PoolOp,
    Purpose, SkipOp,
};
use crate::{Conv, Dense, Dropout, Layer, Network, NormPlace, Pooling};

/// Numbers a sample may have between two layers: offsets within a sample are 32 bits.
const MOST_NUMBERS: usize = 1 << 31;

impl Plan {
    pub(crate) fn new(network: &Network, purpose: Purpose) -> Result<Self, KernelError> {
        let input = network.input();
        let mut picture = Plane::new(input.channels, input.height, input.width);
        let mut layers = network.layers().iter();
        let first = layers.find(|layer| !matches!(layer, Layer::Dropout(_)));
        let by_channel = match first {
            Some(Layer::Conv(conv)) => conv.depthwise,
            Some(Layer::MaxPool(_) | Layer::AveragePool(_)) => true,
            _ => false,
        };
        if !by_channel {
            // A convolution or dense layer takes an image's few channels unpadded.
            picture.stored = input.channels;
        }
        let mut builder = Builder::new(purpose, picture);
        let mut fused = None;
        for (index, layer) in network.layers().iter().enumerate() {
            let next = match network.layers().get(index + 1) {
                Some(Layer::MaxPool(pool)) => Some(pool),
                _ => None,
            };
            let done = match layer {
                Layer::Conv(conv) if conv.depthwise => {
                    fused = next.filter(|_| conv.norm.is_some());
                    builder.depthwise(conv, fused)
                }
                Layer::Conv(conv) => {
                    fused = next;
                    builder.convolution(conv, next)
                }
                Layer::MaxPool(_) if fused.take().is_some() => Ok(()),
                Layer::MaxPool(pool) => builder.max_pool(pool),
                Layer::AveragePool(pool) => {
                    builder.pool(pool_of(pool), true);
                    Ok(())
                }
                Layer::Skip => {
                    builder.skip();
                    Ok(())
                }
                Layer::Add => builder.add(),
                Layer::Dense(dense) => {
                    builder.dense(dense);
                    Ok(())
                }
                Layer::Dropout(dropout) => {
                    builder.dropout(dropout);
                    Ok(())
                }
            };
            let fail = |reason: String| KernelError(format!("layer {}: {reason}", index + 1));
            done.map_err(fail)?;
            if builder.exceeds(MOST_NUMBERS) {
                return Err(fail("its result has too many numbers".to_owned()));
            }
        }
        Ok(builder.finish(network.classes()))
    }
}

/// The state of [`Plan::new`].
struct Builder {
    purpose: Purpose,
    planes: Vec<Plane>,
    ops: Vec<Op>,
    summed: usize,
    statistics: usize,
    /// Operations where residual connections begin that have not ended.
    open: Vec<usize>,
}

impl Builder {
    fn new(purpose: Purpose, image: Plane) -> Self {
        Self {
            purpose,
            planes: vec![image],
            ops: Vec::new(),
            summed: 0,
            statistics: 0,
            open: Vec::new(),
        }
    }

    /// Whether a sample has as many numbers between two layers.
    fn exceeds(&self, numbers: usize) -> bool {
        self.planes.iter().any(|plane| plane.stride() >= numbers)
    }

    fn dropout(&mut self, dropout: &Dropout) {
        self.ops.push(Op::Dropout(DropoutOp {
            plane: self.input(),
            // A mask has no finer resolution.
            rate: dropout.rate as f32,
            index: dropout.index,
        }));
    }

    /// A range among the parameters that are summed over chunks.
    fn summed(&mut self, len: usize) -> Range<usize> {
        let start = self.summed;
        self.summed += len.next_multiple_of(LANES);
        start..start + len
    }

    fn input(&self) -> usize {
        self.planes.len() - 1
    }

    /// A convolution with the max-pooling behind it, if there is any.
    fn convolution(&mut self, conv: &Conv, pool: Option<&Pooling>) -> Result<(), String> {
        let input = self.input();
        let plane = &mut self.planes[input];
        plane.border = conv.pad;
        let plane = *plane;
        let channels = conv.output.channels;
        let output = [conv.output.height, conv.output.width];
        let unpooled = Pool::new(output, [1, 1], [1, 1]);
        let pooling = pool.map_or(Ok(unpooled), max_pool_of)?;
        // The pool that is part of the convolution, and the one that is part of its norm.
        let (pool, norm_pool) = match conv.norm {
            Some(NormPlace::BeforePool) => (unpooled, pooling),
            Some(NormPlace::AfterPool) | None => {
                (pooling, Pool::new(pooling.output, [1, 1], [1, 1]))
            }
        };
        let out_stored = channels.next_multiple_of(LANES);
        let window = Window {
            input: plane,
            out_channels: channels,
            out_stored,
            kernel: conv.kernel,
            stride: conv.stride,
            output,
            used: pool.used(),
            pool,
        };
        let rows = self.purpose == Purpose::Train && input > 0;
        let weights = if rows {
            conv.kernel[0] * channels * window.run()
        } else {
            window.taps() * out_stored
        };
        let weight = self.summed(weights);
        let bias = self.summed(out_stored);
        let layout = if rows {
            ConvLayout::Rows(
                match goes_back_by_products(&window, conv.relu && conv.norm.is_none()) {
                    true => Back::Products,
                    false => Back::Events(EventMap::new(&window)),
                },
            )
        } else {
            ConvLayout::Panels {
                offsets: window.pooled_offsets(),
                taps: tap_offsets(&window),
            }
        };
        self.planes
            .push(Plane::new(channels, pool.output[0], pool.output[1]));
        self.ops.push(Op::Convolution(Box::new(ConvOp {
            input,
            output: input + 1,
            window,
            relu: conv.relu && conv.norm.is_none(),
            weight,
            bias,
            biased: conv.norm.is_none(),
            layout,
        })));
        if let Some(place) = conv.norm {
            self.norm(place, norm_pool, conv.relu);
        }
        Ok(())
    }

    /// A depthwise convolution with its norm, and the max-pooling behind it if `pool` is given.
    fn depthwise(&mut self, conv: &Conv, pool: Option<&Pooling>) -> Result<(), String> {
        let input = self.input();
        let plane = &mut self.planes[input];
        plane.border = conv.pad;
        let plane = *plane;
        let output = [conv.output.height, conv.output.width];
        let unpooled = Pool::new(output, [1, 1], [1, 1]);
        let window = Window {
            input: plane,
            out_channels: plane.channels,
            out_stored: plane.stored,
            kernel: conv.kernel,
            stride: conv.stride,
            output,
            used: output,
            pool: unpooled,
        };
        let weight = self.summed(window.taps());
        let bias = self.summed(plane.stored);
        self.planes
            .push(Plane::new(plane.channels, output[0], output[1]));
        self.ops.push(Op::Depthwise(Box::new(DepthwiseOp {
            input,
            output: input + 1,
            window,
            relu: conv.relu && conv.norm.is_none(),
            weight,
            bias,
            biased: conv.norm.is_none(),
        })));
        let Some(place) = conv.norm else {
            return Ok(());
        };
        let norm_pool = match (place, pool) {
            (_, None) => unpooled,
            (NormPlace::BeforePool, Some(pool)) => max_pool_of(pool)?,
            (NormPlace::AfterPool, Some(pool)) => {
                self.max_pool(pool)?;
                Pool::new([pool.output.height, pool.output.width], [1, 1], [1, 1])
            }
        };
        self.norm(place, norm_pool, conv.relu);
        Ok(())
    }

    fn max_pool(&mut self, pool: &Pooling) -> Result<(), String> {
        self.pool(max_pool_of(pool)?, false);
        Ok(())
    }

    fn pool(&mut self, pool: Pool, average: bool) {
        let input = self.input();
        let channels = self.planes[input].channels;
        self.planes
            .push(Plane::new(channels, pool.output[0], pool.output[1]));
        self.ops.push(Op::Pool(PoolOp {
            input,
            output: input + 1,
            pool,
            average,
        }));
    }

    fn skip(&mut self) {
        self.open.push(self.ops.len());
        let plane = self.input();
        self.ops.push(Op::Skip(SkipOp { plane, sum: plane }));
    }

    fn add(&mut self) -> Result<(), String> {
        let input = self.input();
        let open = self.open.pop().and_then(|index| self.ops.get_mut(index));
        let Some(Op::Skip(skip)) = open else {
            return Err("there is nothing to add".to_owned());
        };
        skip.sum = input + 1;
        let skipped = skip.plane;
        let plane = self.planes[input];
        self.planes
            .push(Plane::new(plane.channels, plane.height, plane.width));
        self.ops.push(Op::Add(AddOp {
            input,
            skipped,
            output: input + 1,
        }));
        Ok(())
    }

    fn norm(&mut self, place: NormPlace, pool: Pool, relu: bool) {
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
            input,
            output: input + 1,
            pool,
            relu,
            scaled: place.is_scaled(),
            weight,
            bias,
            running,
        }));
    }

    fn dense(&mut self, dense: &Dense) {
        let input = self.input();
        let inputs = self.planes[input].stride();
        let outputs = dense.outputs.next_multiple_of(PANEL);
        let bias = self.summed(outputs);
        self.planes.push(Plane {
            stored: outputs,
            ..Plane::new(dense.outputs, 1, 1)
        });
        self.ops.push(Op::Dense(DenseOp {
            input,
            output: input + 1,
            inputs,
            outputs,
            relu: dense.relu && dense.norm.is_none(),
            weight: 0..0,
            bias,
            biased: dense.norm.is_none(),
            first: input == 0,
        }));
        if let Some(place) = dense.norm {
            self.norm(place, Pool::new([1, 1], [1, 1], [1, 1]), dense.relu);
        }
    }

    fn finish(mut self, classes: usize) -> Plan {
        let summed = self.summed.next_multiple_of(PANEL);
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

/// The pool of a layer, whose windows fit: [`Network`] has checked them.
fn pool_of(pool: &Pooling) -> Pool {
    let input = [pool.input.height, pool.input.width];
    Pool::new(input, pool.size, pool.stride)
}

/// The same where the places of maxima are kept.
fn max_pool_of(pool: &Pooling) -> Result<Pool, String> {
    if pool.size[0] * pool.size[1] >= usize::from(CUT) {
        return Err(format!("a pooling window has fewer than {CUT} pixels"));
    }
    Ok(pool_of(pool))
}
