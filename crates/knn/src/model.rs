//! The fitted model: training images prepared for the search, and their labels.

use bakeoff_core::{
    FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelSpec, ModelWriter,
    PredictError, Probabilities, StoreError, TensorData, TrainingNeighbour,
};

use crate::{
    engines::KnnEngine,
    search::{Neighbour, Search},
    settings::KnnSettings,
    vote::vote,
};

/// Name of the saved training images, N×D bytes.
const IMAGES: &str = "images";
/// Name of the saved labels, N.
const LABELS: &str = "labels";

/// Neighbours in memory at once while a batch is answered (16 bytes each).
const NEIGHBOURS_AT_ONCE: usize = 1 << 22;

/// k nearest neighbours, fitted.
pub(crate) struct KnnModel {
    pub(crate) shape: ImageShape,
    pub(crate) classes: usize,
    pub(crate) settings: KnnSettings,
    /// The labels of the training images, by [`Neighbour::index`].
    pub(crate) labels: Vec<u16>,
    pub(crate) search: Box<dyn Search>,
}

impl KnnModel {
    /// Reads back what [`FittedModel::save`] wrote.
    pub(crate) fn load(
        spec: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Self, StoreError> {
        let inconsistent = StoreError::Inconsistent;
        let (engine, settings) =
            KnnEngine::of(spec).map_err(|error| inconsistent(error.to_string()))?;
        let &ModelHeader {
            input_shape: shape,
            classes,
        } = header;
        let rows = reader.shape(LABELS)?.first().copied().unwrap_or_default();
        let labels = reader.u16(LABELS, &[rows])?;
        if rows < settings.k.get() || u32::try_from(rows).is_err() {
            return Err(inconsistent(format!(
                "k is {}, but {rows} training images are stored",
                settings.k
            )));
        }
        if let Some(label) = labels.iter().find(|&&label| usize::from(label) >= classes) {
            return Err(inconsistent(format!(
                "tensor `{LABELS}` holds label {label}, but there are {classes} classes"
            )));
        }
        let pixels = reader.u8(IMAGES, &[rows, shape.pixels()])?;
        let search = engine
            .prepare(&pixels, shape, &settings, &mut |_| Ok(()))
            .map_err(|error| inconsistent(error.to_string()))?;
        Ok(Self {
            shape,
            classes,
            settings,
            labels,
            search,
        })
    }
}

impl FittedModel for KnnModel {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn parameters(&self) -> u64 {
        self.labels.len() as u64 * self.shape.pixels() as u64
    }

    /// A batch gives the same bits as its images one by one, with every engine.
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let k = self.settings.k.get();
        let at_once = (NEIGHBOURS_AT_ONCE / k).max(1) * self.shape.pixels();
        let mut shares = vec![0.0; images.len() * self.classes];
        let mut rows = shares.chunks_exact_mut(self.classes);
        let mut votes = Vec::new();
        for queries in images.pixels().chunks(at_once) {
            let found = self.search.nearest(queries, k)?;
            for (neighbours, shares) in found.chunks_exact(k).zip(&mut rows) {
                let how = &self.settings;
                let how = (how.weights, how.smoothing, how.ties);
                vote(neighbours, &self.labels, how, &mut votes, shares);
            }
        }
        Ok(Probabilities::new(self.classes, shares)?)
    }

    fn training_neighbours(
        &self,
        images: &Images,
        count: usize,
    ) -> Result<Option<Vec<TrainingNeighbour>>, PredictError> {
        self.check_shape(images)?;
        let count = count.min(self.labels.len());
        let found = match images.get(0) {
            Some(first) if count > 0 => self.search.nearest(first, count)?,
            _ => Vec::new(),
        };
        let known = |Neighbour { index, distance }| TrainingNeighbour {
            index,
            label: self.labels[index],
            distance,
            pixels: self.search.row(index),
        };
        Ok(Some(found.into_iter().map(known).collect()))
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let rows = self.labels.len();
        let pixels = self.search.rows();
        let shape = [rows, self.shape.pixels()];
        out.bytes(IMAGES, &shape, pixels)?;
        out.tensor(LABELS, &[rows], TensorData::U16(&self.labels))
    }
}
