//! A fitted ensemble.

use std::borrow::Cow;

use bakeoff_core::{
    FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelWriter, OpenBytes,
    PredictError, Probabilities, StoreError, TensorData, TrainingNeighbour,
};

use super::member::Member;

/// Models with their weights; at least one.
pub(super) struct Ensemble {
    pub(super) members: Vec<(f64, Box<dyn FittedModel>)>,
}

impl Ensemble {
    /// Reads back what [`FittedModel::save`] wrote.
    pub(super) fn load(
        members: &[Member],
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedModel>, StoreError> {
        let mut loaded = Vec::with_capacity(members.len());
        for (at, member) in members.iter().enumerate() {
            let mut own = Prefixed {
                prefix: prefix(at),
                inner: &mut *reader,
            };
            let model = member.family.load(&member.spec, header, &mut own)?;
            loaded.push((member.weight, model));
        }
        Ok(Box::new(Self { members: loaded }))
    }

    /// The first member: all have seen the same images and classes.
    fn first(&self) -> &dyn FittedModel {
        &*self.members[0].1
    }
}

impl FittedModel for Ensemble {
    fn input_shape(&self) -> ImageShape {
        self.first().input_shape()
    }

    fn classes(&self) -> usize {
        self.first().classes()
    }

    fn parameters(&self) -> u64 {
        self.members
            .iter()
            .map(|(_, model)| model.parameters())
            .sum()
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let all: f64 = self.members.iter().map(|(weight, _)| weight).sum();
        let mut sum = vec![0.0_f64; images.len() * self.classes()];
        for (weight, model) in &self.members {
            let own = model.predict_proba(images)?;
            for (sum, &own) in sum.iter_mut().zip(own.values()) {
                *sum += weight / all * f64::from(own);
            }
        }
        let mean = sum.into_iter().map(|sum| sum.min(1.0) as f32).collect();
        Ok(Probabilities::new(self.classes(), mean)?)
    }

    /// Those of the first member that has some.
    fn training_neighbours(
        &self,
        images: &Images,
        count: usize,
    ) -> Result<Option<Vec<TrainingNeighbour>>, PredictError> {
        for (_, model) in &self.members {
            if let Some(found) = model.training_neighbours(images, count)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        for (at, (_, model)) in self.members.iter().enumerate() {
            model.save(&mut Prefixed {
                prefix: prefix(at),
                inner: &mut *out,
            })?;
        }
        Ok(())
    }

    fn why_no_layers(&self) -> &'static str {
        "it is the mean of several models; export its members instead"
    }
}

/// The names of a member's tensors begin so.
fn prefix(at: usize) -> String {
    format!("members.{at}.")
}

/// A writer or reader under whose names each member has its own.
struct Prefixed<'a, T: ?Sized> {
    prefix: String,
    inner: &'a mut T,
}

impl<T: ?Sized> Prefixed<'_, T> {
    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl ModelWriter for Prefixed<'_, dyn ModelWriter + '_> {
    fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        data: TensorData<'_>,
    ) -> Result<(), StoreError> {
        self.inner.tensor(&self.name(name), shape, data)
    }

    fn bytes(&mut self, name: &str, shape: &[usize], bytes: Vec<u8>) -> Result<(), StoreError> {
        self.inner.bytes(&self.name(name), shape, bytes)
    }

    fn stream(&mut self, name: &str, length: usize, open: OpenBytes) -> Result<(), StoreError> {
        self.inner.stream(&self.name(name), length, open)
    }
}

impl ModelReader for Prefixed<'_, dyn ModelReader + '_> {
    fn shape(&mut self, name: &str) -> Result<Vec<usize>, StoreError> {
        self.inner.shape(&self.name(name))
    }

    fn f32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, StoreError> {
        self.inner.f32(&self.name(name), shape)
    }

    fn u8(&mut self, name: &str, shape: &[usize]) -> Result<Cow<'_, [u8]>, StoreError> {
        self.inner.u8(&self.name(name), shape)
    }

    fn copy_u8(
        &mut self,
        name: &str,
        length: usize,
        out: &mut dyn std::io::Write,
    ) -> Result<(), StoreError> {
        self.inner.copy_u8(&self.name(name), length, out)
    }

    fn u16(&mut self, name: &str, shape: &[usize]) -> Result<Vec<u16>, StoreError> {
        self.inner.u16(&self.name(name), shape)
    }

    fn u32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<u32>, StoreError> {
        self.inner.u32(&self.name(name), shape)
    }
}
