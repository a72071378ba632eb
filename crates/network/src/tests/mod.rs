//! What engines compute, compared with each other and with other libraries.

mod engines;
mod golden;
mod random_networks;

use bakeoff_kernels::{Adam, Network, NormPlace};

use crate::{
    engine::{Learner, NetworkEngine, Scorer, Start},
    weights::Weights,
};

/// Every way to normalise.
pub(crate) const NORMS: [Option<NormPlace>; 3] = [
    None,
    Some(NormPlace::BeforePool),
    Some(NormPlace::AfterPool),
];

impl NetworkEngine {
    fn learner(
        &self,
        network: &Network,
        weights: &Weights,
        adam: Adam,
        dropout_seed: u64,
    ) -> Box<dyn Learner> {
        let start = Start {
            network,
            weights,
            optimizer: adam.into(),
            dropout_seed,
            class_weights: &[],
            label_smoothing: 0.0,
            average: 0.0,
        };
        (self.functions.unwrap().learner)(&start).unwrap()
    }

    fn scorer(&self, network: &Network, weights: &Weights) -> Scorer {
        (self.functions.unwrap().scorer)(network, weights).unwrap()
    }
}
