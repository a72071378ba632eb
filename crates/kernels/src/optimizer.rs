//! Which rule moves the trained values.

use super::adam::{Adam, AdamStep};
use super::muon::{Muon, MuonStep};
use super::sgd::{Sgd, SgdStep};

/// A rule with its constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// Adam and AdamW.
    Adam(Adam),
    /// Gradient descent with Nesterov's momentum.
    Sgd(Sgd),
    /// Muon for the matrices between the first and the last layer, AdamW for all else.
    Muon(Muon),
}

impl From<Adam> for Optimizer {
    fn from(adam: Adam) -> Self {
        Self::Adam(adam)
    }
}

/// What all parameters share in one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UpdateStep {
    pub(crate) rule: Rule,
    /// Of the matrices that are Muon's, instead of the rule.
    pub(crate) muon: Option<MuonStep>,
    /// The share of the average that stays.
    pub(crate) average: Option<f32>,
}

/// What is done to each parameter by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    Adam(AdamStep),
    Sgd(SgdStep),
}

impl Optimizer {
    /// Step number `step`, counted from 1.
    pub(crate) fn step(&self, step: u64, rate: f32, average: Option<f32>) -> UpdateStep {
        let (rule, muon) = match self {
            Self::Adam(adam) => (Rule::Adam(adam.step(step, rate)), None),
            Self::Sgd(sgd) => (Rule::Sgd(sgd.step(rate)), None),
            Self::Muon(muon) => {
                let adam = muon.adam.step(step, rate);
                (Rule::Adam(adam), Some(muon.step(rate)))
            }
        };
        UpdateStep {
            rule,
            muon,
            average,
        }
    }
}
