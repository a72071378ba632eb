//! Every chart: pure functions from numbers to SVG in one theme.
//!
//! A chart is a list of shapes in our own words ([`shape`]); `backend` is the only file that
//! talks to plotters and draws them.

mod axis;
mod backend;
mod bars;
mod canvas;
mod cells;
mod chart;
mod class_errors;
mod confusion;
mod curves;
mod heat;
mod intervals;
mod labels;
mod legend;
mod lines;
mod panels;
mod pareto;
mod plot;
mod ranks;
mod robustness;
mod roc;
mod shape;
mod text;
pub(crate) mod theme;

pub(crate) use bars::class_counts;
pub(crate) use chart::Chart;
pub(crate) use class_errors::{ClassErrors, class_errors};
pub(crate) use confusion::{Shown, confusion};
pub(crate) use curves::{Curve, precision_recall, reliability};
pub(crate) use heat::{Heat, heats};
pub(crate) use intervals::{ScoreRow, intervals};
pub(crate) use lines::{Line, Quantity, learning_curves, training_curves};
pub(crate) use pareto::{Candidate, pareto, unbeaten};
pub(crate) use ranks::{Ranked, ranks};
pub(crate) use robustness::robustness;
pub(crate) use roc::{
    ClassRocs, MOST_PANELS, RocView, class_rocs, height_at as roc_height_at, roc,
};
pub(crate) use theme::{css, series_class};

/// With more classes, charts that give each of them a row are not drawn: they would be
/// megabytes that nobody can read. The tables of classes stay.
pub(crate) const MOST_CLASSES: usize = 100;
