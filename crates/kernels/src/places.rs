//! Where the parameters of the world outside lie in the network.

use std::ops::Range;

use super::geometry::PANEL;
use super::plan::{ConvLayout, ConvOp, Op, Plan, Purpose};
use super::spec::{Architecture, KernelError, Tensor};

/// A tensor's name and shape, and where each of its values lies in the network.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) indices: Vec<usize>,
    /// Whether the indices are into the statistics and not the parameters.
    pub(crate) statistic: bool,
}

impl Plan {
    /// All parameters, in the order of the layers.
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
                    places.push(Place {
                        name: format!("{}.weight", conv.name),
                        shape: vec![window.out_channels, inputs, height, width],
                        indices,
                        statistic: false,
                    });
                    if conv.biased {
                        places.push(vector(&conv.name, "bias", window.out_channels, &conv.bias));
                    }
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
                    });
                    if dense.biased {
                        places.push(vector(&dense.name, "bias", units, &dense.bias));
                    }
                }
                Op::Norm(norm) => {
                    let channels = self.planes[norm.input].channels;
                    places.push(vector(&norm.name, "weight", channels, &norm.weight));
                    places.push(vector(&norm.name, "bias", channels, &norm.bias));
                    let variances = norm.running.end..norm.running.end + norm.running.len();
                    for (what, range) in
                        [("running_mean", &norm.running), ("running_var", &variances)]
                    {
                        let place = vector(&norm.name, what, channels, range);
                        places.push(Place {
                            statistic: true,
                            ..place
                        });
                    }
                }
                Op::Pool(_) | Op::Dropout(_) => {}
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

fn vector(name: &str, what: &str, len: usize, range: &Range<usize>) -> Place {
    Place {
        name: format!("{name}.{what}"),
        shape: vec![len],
        indices: (range.start..range.start + len).collect(),
        statistic: false,
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

/// The parameters that a network of this architecture has, in the order of the layers: scales
/// and variances are one, all else is zero. Whoever trains replaces the weights by random ones.
///
/// # Errors
///
/// When a layer cannot follow those before it.
pub fn blank_parameters(architecture: &Architecture) -> Result<Vec<Tensor>, KernelError> {
    let blank = |place: Place| {
        let one = place.name.ends_with(".norm.weight") || place.name.ends_with(".running_var");
        let values = vec![if one { 1.0 } else { 0.0 }; place.indices.len()];
        Tensor {
            name: place.name,
            shape: place.shape,
            values,
        }
    };
    Ok(Plan::new(architecture, Purpose::Train)?
        .places()
        .into_iter()
        .map(blank)
        .collect())
}
