//! Where the values of a network's tensors lie among the parameters of the kernels.

use std::ops::Range;

use super::geometry::PANEL;
use super::plan::{ConvLayout, ConvOp, Op, Plan};

/// Where each value of one tensor lies.
pub(crate) struct Placement {
    pub(crate) indices: Vec<usize>,
    /// Whether the indices are into the running statistics and not the parameters.
    pub(crate) statistic: bool,
}

impl Plan {
    /// Of every tensor, in the order of [`Network::tensors`](crate::Network::tensors).
    pub(crate) fn placements(&self) -> Vec<Placement> {
        let mut placements = Vec::new();
        let mut add = |indices: Vec<usize>, statistic| {
            placements.push(Placement { indices, statistic });
        };
        let first = |range: &Range<usize>, len| (range.start..range.start + len).collect();
        for op in &self.ops {
            match op {
                Op::Convolution(conv) => {
                    let window = &conv.window;
                    let [height, width] = window.kernel;
                    let shape = [window.out_channels, window.input.channels, height, width];
                    let index = |at: [usize; 4]| conv.weight.start + conv.index(at);
                    add(each(&shape, index), false);
                    if conv.biased {
                        add(first(&conv.bias, window.out_channels), false);
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
                    add(each(&shape, index), false);
                    if dense.biased {
                        add(first(&dense.bias, units), false);
                    }
                }
                Op::Norm(norm) => {
                    let channels = self.planes[norm.input].channels;
                    let variances = norm.running.end..norm.running.end + norm.running.len();
                    add(first(&norm.weight, channels), false);
                    add(first(&norm.bias, channels), false);
                    add(first(&norm.running, channels), true);
                    add(first(&variances, channels), true);
                }
                Op::Pool(_) | Op::Dropout(_) => {}
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
