//! Where the values of a network's tensors lie among the parameters of the kernels.

use std::ops::Range;

use super::geometry::PANEL;
use super::plan::{ConvLayout, ConvOp, Op, Plan};

/// Where each value of one tensor lies. Computed when it is asked for: a list of a large dense
/// layer would take twice the memory of its weights.
pub(crate) struct Placement<'a> {
    shape: [usize; 4],
    index: Box<dyn Fn([usize; 4]) -> usize + 'a>,
    /// Whether the indices are into the running statistics and not the parameters.
    pub(crate) statistic: bool,
}

impl Placement<'_> {
    /// The index of every value, the last dimension fastest.
    pub(crate) fn indices(&self) -> impl Iterator<Item = usize> {
        let [a, b, c, d] = self.shape;
        (0..a).flat_map(move |a| {
            (0..b).flat_map(move |b| {
                (0..c).flat_map(move |c| (0..d).map(move |d| (self.index)([a, b, c, d])))
            })
        })
    }
}

impl Plan {
    /// Of every tensor, in the order of [`Network::tensors`](crate::Network::tensors).
    pub(crate) fn placements<'a>(&'a self) -> Vec<Placement<'a>> {
        let mut placements = Vec::new();
        let mut add = |shape, index: Box<dyn Fn([usize; 4]) -> usize + 'a>, statistic| {
            placements.push(Placement {
                shape,
                index,
                statistic,
            });
        };
        let vector = |len| [1, 1, 1, len];
        let first = |range: &Range<usize>| {
            let start = range.start;
            Box::new(move |[.., at]: [usize; 4]| start + at)
        };
        for op in &self.ops {
            match op {
                Op::Convolution(conv) => {
                    let window = &conv.window;
                    let [height, width] = window.kernel;
                    let shape = [window.out_channels, window.input.channels, height, width];
                    let index = |at: [usize; 4]| conv.weight.start + conv.index(at);
                    add(shape, Box::new(index), false);
                    if conv.biased {
                        add(vector(window.out_channels), first(&conv.bias), false);
                    }
                }
                Op::Depthwise(op) => {
                    let window = &op.window;
                    let [height, width] = window.kernel;
                    let (start, stored) = (op.weight.start, window.input.stored);
                    let index = move |[channel, _, y, x]: [usize; 4]| {
                        start + (y * width + x) * stored + channel
                    };
                    add(
                        [window.out_channels, 1, height, width],
                        Box::new(index),
                        false,
                    );
                    if op.biased {
                        add(vector(window.out_channels), first(&op.bias), false);
                    }
                }
                Op::Dense(dense) => {
                    let plane = &self.planes[dense.input];
                    let units = self.planes[dense.output].channels;
                    let shape = [units, plane.channels, plane.height, plane.width];
                    let index = |at: [usize; 4]| {
                        let input = plane.at(at[2], at[3]) + at[1];
                        let panel = at[0] / PANEL * PANEL;
                        dense.weight.start + panel * dense.inputs + input * PANEL + at[0] - panel
                    };
                    add(shape, Box::new(index), false);
                    if dense.biased {
                        add(vector(units), first(&dense.bias), false);
                    }
                }
                Op::Norm(norm) => {
                    let channels = vector(self.planes[norm.input].channels);
                    let variances = norm.running.end..norm.running.end + norm.running.len();
                    if norm.scaled {
                        add(channels, first(&norm.weight), false);
                    }
                    add(channels, first(&norm.bias), false);
                    add(channels, first(&norm.running), true);
                    add(channels, first(&variances), true);
                }
                Op::Pool(_) | Op::Skip(_) | Op::Add(_) | Op::Dropout(_) => {}
            }
        }
        placements
    }
}

impl ConvOp {
    /// Where, in its weights, the one of out channel, in channel, row and column lies.
    fn index(&self, [out, input, y, x]: [usize; 4]) -> usize {
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
