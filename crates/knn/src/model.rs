//! The fitted model: training pictures arranged for the search, and their labels.

use bakeoff_core::{
    FitError, FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelSpec, ModelWriter,
    PredictError, Probabilities, Samples, StoreError, TensorData, TrainingNeighbour,
};

use crate::{
    Neighbour,
    family::{LINFA_NN, NATIVE},
    linfa_nn::LinfaIndex,
    native::NativeIndex,
    search::Search,
    settings::KnnSettings,
    smartcore_nn,
    vote::vote,
};

/// Name of the saved training pictures, N×D bytes.
const IMAGES: &str = "images";
/// Name of the saved labels, N.
const LABELS: &str = "labels";

/// Neighbours held in memory at once while a batch is answered (16 bytes each).
const NEIGHBOURS_AT_ONCE: usize = 1 << 22;

/// k nearest neighbours, fitted.
pub struct KnnModel {
    shape: ImageShape,
    classes: usize,
    settings: KnnSettings,
    labels: Vec<u16>,
    search: Box<dyn Search>,
}

impl KnnModel {
    /// Arranges `train` for the search. `progress` is told the pictures stored so far.
    pub(crate) fn index(
        spec: &ModelSpec,
        settings: KnnSettings,
        train: &Samples,
        progress: &mut dyn FnMut(usize) -> Result<(), FitError>,
    ) -> Result<Self, FitError> {
        let images = train.images();
        Ok(Self {
            shape: images.shape(),
            classes: train.classes(),
            settings,
            labels: train.labels().to_vec(),
            search: arrange(spec, settings, images.pixels(), images.shape(), progress)?,
        })
    }

    /// Reads back what [`FittedModel::save`] wrote.
    ///
    /// # Errors
    /// What the reader says, and [`StoreError::Inconsistent`] where the tensors and
    /// the spec do not fit together.
    pub fn load(
        spec: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Self, StoreError> {
        let inconsistent =
            |error: &dyn std::fmt::Display| StoreError::Inconsistent(error.to_string());
        let settings = KnnSettings::from_spec(spec).map_err(|error| inconsistent(&error))?;
        let rows = reader.shape(LABELS)?.first().copied().unwrap_or_default();
        let labels = reader.u16(LABELS, &[rows])?;
        if rows < settings.k || u32::try_from(rows).is_err() {
            return Err(StoreError::Inconsistent(format!(
                "k is {}, but {rows} training pictures are stored",
                settings.k
            )));
        }
        if let Some(label) = labels
            .iter()
            .find(|&&label| usize::from(label) >= header.classes)
        {
            return Err(StoreError::Inconsistent(format!(
                "tensor `{LABELS}` holds label {label}, but there are {} classes",
                header.classes
            )));
        }
        let pixels = reader.u8(IMAGES, &[rows, header.input_shape.pixels()])?;
        let search = arrange(spec, settings, &pixels, header.input_shape, &mut |_| Ok(()))
            .map_err(|error| inconsistent(&error))?;
        Ok(Self {
            shape: header.input_shape,
            classes: header.classes,
            settings,
            labels,
            search,
        })
    }

    /// The settings it was fitted with.
    pub fn settings(&self) -> KnnSettings {
        self.settings
    }

    /// The labels of the training pictures, by [`Neighbour::index`].
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// The `k` nearest training pictures of each picture, nearest first, the lower
    /// index first among equals; all training pictures where there are fewer than `k`.
    ///
    /// # Errors
    /// [`PredictError::Shape`] for pictures of another shape.
    pub fn neighbours(
        &self,
        images: &Images,
        k: usize,
    ) -> Result<Vec<Vec<Neighbour>>, PredictError> {
        self.check_shape(images)?;
        let k = k.min(self.labels.len());
        if k == 0 {
            return Ok(vec![Vec::new(); images.len()]);
        }
        let found = self.search.nearest(images.pixels(), k)?;
        Ok(found.chunks_exact(k).map(<[_]>::to_vec).collect())
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

    /// A batch gives the same bits as its pictures one by one, with every engine.
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let k = self.settings.k;
        let at_once = (NEIGHBOURS_AT_ONCE / k).max(1) * self.shape.pixels();
        let mut shares = vec![0.0; images.len() * self.classes];
        let mut rows = shares.chunks_exact_mut(self.classes);
        let mut votes = Vec::new();
        for queries in images.pixels().chunks(at_once) {
            let found = self.search.nearest(queries, k)?;
            for (neighbours, shares) in found.chunks_exact(k).zip(&mut rows) {
                vote(
                    neighbours,
                    &self.labels,
                    self.settings.weights,
                    &mut votes,
                    shares,
                );
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
        let first = match images.single(0) {
            Some(first) => self.neighbours(&first, count)?,
            None => Vec::new(),
        };
        let known = |&Neighbour { index, distance }: &Neighbour| TrainingNeighbour {
            index,
            label: self.labels[index],
            distance,
            pixels: self.search.row(index),
        };
        Ok(Some(first.iter().flatten().map(known).collect()))
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let rows = self.labels.len();
        out.tensor(
            IMAGES,
            &[rows, self.shape.pixels()],
            TensorData::U8(&self.search.rows()),
        )?;
        out.tensor(LABELS, &[rows], TensorData::U16(&self.labels))
    }
}

/// Builds the search structure of the spec's engine.
fn arrange(
    spec: &ModelSpec,
    settings: KnnSettings,
    pixels: &[u8],
    shape: ImageShape,
    progress: &mut dyn FnMut(usize) -> Result<(), FitError>,
) -> Result<Box<dyn Search>, FitError> {
    let columns = shape.pixels();
    let KnnSettings { metric, index, .. } = settings;
    if spec.engine == NATIVE {
        return Ok(Box::new(NativeIndex::build(
            pixels, columns, metric, progress,
        )?));
    }
    // The libraries index in one call that cannot be interrupted.
    progress(0)?;
    let search: Box<dyn Search> = if spec.engine == LINFA_NN {
        Box::new(LinfaIndex::build(pixels, columns, metric, index)?)
    } else {
        smartcore_nn::build(pixels, columns, metric, index)?
    };
    progress(pixels.len() / columns)?;
    Ok(search)
}
