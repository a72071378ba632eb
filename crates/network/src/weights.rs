//! The values of a network: first values, and in and out of a saved model.
//!
//! First values come from our own seeded streams, one per tensor, and not from the
//! library's generator: that one is global to the process and differs between
//! backends, so neither two fits at once nor two engines would start alike.

use bakeoff_core::{ModelReader, ModelWriter, StoreError, TensorData, derive_seed};
use bakeoff_kernels::{Network, Role, TensorSpec};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Every tensor of a [`Network`], in the order of [`Network::tensors`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weights {
    tensors: Vec<TensorSpec>,
    values: Vec<Vec<f32>>,
}

impl Weights {
    /// First values: weights uniform in ±√(6 / (fan in + fan out)) (Glorot and Bengio
    /// 2010, Keras's default), biases and shifts 0, scales 1, running statistics those
    /// of a standard normal.
    pub(crate) fn initial(network: &Network, seed: u64) -> Self {
        let tensors = network.tensors();
        let values = tensors
            .iter()
            .map(|spec| first_values(spec, seed))
            .collect();
        Self { tensors, values }
    }

    /// Puts values to the tensors of `network`, in the order of [`Network::tensors`].
    ///
    /// # Errors
    /// When there are too few, too many, or one has the wrong length.
    pub(crate) fn from_values(
        network: &Network,
        values: Vec<Vec<f32>>,
    ) -> Result<Self, StoreError> {
        let tensors = network.tensors();
        for (index, spec) in tensors.iter().enumerate() {
            let Some(found) = values.get(index) else {
                return Err(StoreError::Missing {
                    name: spec.name.clone(),
                });
            };
            if found.len() != spec.shape.iter().product::<usize>() {
                return Err(StoreError::Tensor {
                    name: spec.name.clone(),
                    got: format!("{} values", found.len()),
                    expected: format!("{:?}", spec.shape),
                });
            }
        }
        if values.len() > tensors.len() {
            return Err(StoreError::Inconsistent(
                "there are more tensors than the network has".into(),
            ));
        }
        Ok(Self { tensors, values })
    }

    /// Reads the tensors of `network`, whose names begin with `prefix`.
    ///
    /// # Errors
    /// What the reader says, or a negative variance.
    pub(crate) fn load(
        network: &Network,
        prefix: &str,
        reader: &mut dyn ModelReader,
    ) -> Result<Self, StoreError> {
        let mut all = Vec::new();
        for spec in network.tensors() {
            let name = format!("{prefix}{}", spec.name);
            let values = reader.f32(&name, &spec.shape)?;
            if spec.role == Role::RunningVariance && values.iter().any(|&value| value < 0.0) {
                return Err(StoreError::Inconsistent(format!(
                    "tensor `{name}` has a negative variance"
                )));
            }
            all.push(values);
        }
        Self::from_values(network, all)
    }

    /// Writes every tensor under `prefix` and its name.
    ///
    /// # Errors
    /// What the writer says.
    pub(crate) fn save(
        &self,
        prefix: &str,
        writer: &mut dyn ModelWriter,
    ) -> Result<(), StoreError> {
        self.iter().try_for_each(|(spec, values)| {
            let name = format!("{prefix}{}", spec.name);
            writer.tensor(&name, &spec.shape, TensorData::F32(values))
        })
    }

    /// The tensors with their values, row-major, in the order of [`Network::tensors`].
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&TensorSpec, &[f32])> {
        self.tensors
            .iter()
            .zip(self.values.iter().map(Vec::as_slice))
    }

    /// The values of every tensor, in the order of [`Network::tensors`].
    pub(crate) fn values(&self) -> &[Vec<f32>] {
        &self.values
    }

    /// The first tensor that is not finite everywhere, if any.
    pub(crate) fn not_finite(&self) -> Option<&str> {
        self.iter()
            .find(|(_, values)| !values.iter().all(|value| value.is_finite()))
            .map(|(spec, _)| spec.name.as_str())
    }
}

fn first_values(spec: &TensorSpec, seed: u64) -> Vec<f32> {
    let len = spec.shape.iter().product();
    match spec.role {
        Role::Weight { fan_in, fan_out } => {
            let limit = (6.0 / (fan_in + fan_out) as f64).sqrt() as f32;
            let purpose = format!("weights/{}", spec.name);
            let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(seed, &purpose));
            (0..len).map(|_| rng.random_range(-limit..limit)).collect()
        }
        Role::NormScale | Role::RunningVariance => vec![1.0; len],
        Role::Bias | Role::NormShift | Role::RunningMean => vec![0.0; len],
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::ImageShape;

    use super::*;
    use bakeoff_kernels::{Blueprint, NormPlace, Step};

    fn network() -> Network {
        let blueprint = Blueprint {
            steps: vec![Step::Dense { units: 40 }],
            norm: Some(NormPlace::BeforePool),
        };
        Network::new(&blueprint, ImageShape::new(1, 8, 10), 3).unwrap()
    }

    #[test]
    fn first_weights_are_glorot_uniform() {
        let weights = Weights::initial(&network(), 1);
        let (spec, values) = weights.iter().next().unwrap();
        assert_eq!(spec.shape, [40, 80]);
        let limit = 0.05_f32.sqrt();
        assert!(values.iter().all(|value| value.abs() <= limit));
        // The variance of a uniform distribution is limit² / 3.
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((variance - 0.05 / 3.0).abs() < 0.001, "{variance}");
    }

    #[test]
    fn the_seed_decides_and_tensors_have_streams_of_their_own() {
        let (a, b) = (
            Weights::initial(&network(), 1),
            Weights::initial(&network(), 1),
        );
        assert_eq!(a, b);
        assert_ne!(a, Weights::initial(&network(), 2));
        let values: Vec<_> = a.iter().map(|(_, values)| values.to_vec()).collect();
        assert_ne!(values[0][..3], values[5][..3]);
        assert_eq!(values[1], vec![1.0; 40]);
        assert_eq!(values[3], vec![0.0; 40]);
    }

    #[test]
    fn values_must_match_the_network() {
        let network = network();
        let values: Vec<_> = Weights::initial(&network, 1)
            .iter()
            .map(|(_, values)| values.to_vec())
            .collect();
        assert!(Weights::from_values(&network, values.clone()).is_ok());
        let short = values[..values.len() - 1].to_vec();
        assert!(matches!(
            Weights::from_values(&network, short),
            Err(StoreError::Missing { name }) if name == "output.bias"
        ));
        let mut long = values.clone();
        long.push(vec![]);
        assert!(Weights::from_values(&network, long).is_err());
        let mut wrong = values;
        wrong[0].pop();
        assert!(Weights::from_values(&network, wrong).is_err());
    }

    #[test]
    fn weights_that_are_not_finite_are_found_by_name() {
        let mut weights = Weights::initial(&network(), 1);
        assert_eq!(weights.not_finite(), None);
        weights.values[5][2] = f32::NAN;
        assert_eq!(weights.not_finite(), Some("output.weight"));
    }
}
