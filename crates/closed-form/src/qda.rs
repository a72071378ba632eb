//! Quadratic discriminant analysis: normal classes, each with a covariance of its own.
//!
//! Covariances are divided by the number of images of the class and shrunk as those of `lda`; a class's share of the
//! images is its probability before an image is seen. Fitted in double precision; what is kept is
//! `L⁻¹` of each class in single precision, so that an answer is a product of matrices.

use bakeoff_core::{
    EngineCode, Family, FitError, FittedModel, ImageShape, Images, ModelHeader, ModelReader,
    ModelSpec, ModelWriter, PredictError, Probabilities, Samples, StoreError, TensorData,
};
use bakeoff_kernels::{Strided, byte_products, multiply};
use rayon::prelude::*;

use crate::{
    COMMON, NEVER, PIXEL_SCALE,
    covariance::{SHARE, factor, inverse_factor, scatter, shrunk},
    moments::Moments,
    native,
    recipe::recipe,
};

/// Images that are multiplied together.
const ROWS: usize = 64;
/// Their number is a multiple of this: kernels for a few rows would round in another order.
const STEP: usize = 16;

/// Quadratic discriminant analysis, for the registry.
pub static FAMILY: Family = Family {
    name: "qda",
    title: "Quadratic discriminant analysis",
    summary: "classes are normal clouds, each of a shape of its own",
    engines: &[native(
        "exact sums, and a triangular factor for each class",
        EngineCode {
            build: |spec| recipe(spec, spec.settings::<QdaSettings>(), fit),
            load: Qda::load,
        },
    )],
    settings: &[QdaSettings::TABLE],
    ..COMMON
};

bakeoff_core::settings! {
    struct QdaSettings {
        shrinkage: f64 = 0.1, SHARE,
            "share of each class's covariance that is replaced by the same variance for every pixel; 0 needs pixels that all vary in every class";
    }
}

/// `bias − ½ |L⁻¹ (x − mean)|²` of each class, of pixels divided by 255.
struct Qda {
    shape: ImageShape,
    /// Classes × pixels.
    means: Vec<f32>,
    /// Classes × pixels × pixels, lower triangles.
    factors: Vec<f32>,
    bias: Vec<f32>,
}

fn fit(spec: &ModelSpec, train: &Samples) -> Result<Box<dyn FittedModel>, FitError> {
    let settings: QdaSettings = spec.settings()?;
    let moments = Moments::new(train);
    let pixels = moments.pixels;
    let mut model = Qda {
        shape: train.images().shape(),
        means: vec![0.0; train.classes() * pixels],
        factors: vec![0.0; train.classes() * pixels * pixels],
        bias: vec![NEVER; train.classes()],
    };
    let parts = model
        .factors
        .par_chunks_mut(pixels * pixels)
        .zip(model.means.par_chunks_mut(pixels))
        .zip(model.bias.par_iter_mut())
        .enumerate();
    parts
        .filter(|(class, _)| moments.counts[*class] > 0)
        .try_for_each(|(class, ((factors, means), bias))| {
            let labels = train.labels().iter().enumerate();
            let own: Vec<usize> = labels
                .filter(|&(_, &label)| usize::from(label) == class)
                .map(|(index, _)| index)
                .collect();
            let own = train.images().select(&own);
            let products = byte_products(own.pixels(), pixels);
            let count = moments.counts[class];
            let covariance = scatter(&products, moments.sums_of(class), count) / count as f64;
            let factor = factor(shrunk(covariance, settings.shrinkage))?;
            let log_determinant: f64 = factor.diag().iter().map(|value| 2.0 * value.ln()).sum();
            *bias = (moments.log_share(class) - 0.5 * log_determinant) as f32;
            for (value, inverse) in factors.iter_mut().zip(&inverse_factor(&factor)?) {
                *value = *inverse as f32;
            }
            for (value, mean) in means.iter_mut().zip(moments.mean(class)) {
                *value = (mean * PIXEL_SCALE) as f32;
            }
            Ok::<(), FitError>(())
        })?;
    let mut values = model.factors.iter().chain(&model.bias);
    match values.all(|value| value.is_finite()) {
        true => Ok(Box::new(model)),
        false => Err(FitError::Diverged(
            "a covariance is too close to singular; a larger `shrinkage` makes it regular".into(),
        )),
    }
}

impl Qda {
    fn load(
        _: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedModel>, StoreError> {
        let (classes, pixels) = (header.classes, header.input_shape.pixels());
        Ok(Box::new(Self {
            shape: header.input_shape,
            means: reader.f32("means", &[classes, pixels])?,
            factors: reader.f32("factors", &[classes, pixels, pixels])?,
            bias: reader.f32("bias", &[classes])?,
        }))
    }

    /// Writes the scores of at most [`ROWS`] images.
    fn scores(&self, images: &[u8], out: &mut [f32]) {
        let (pixels, classes) = (self.shape.pixels(), self.bias.len());
        let rows = (images.len() / pixels).next_multiple_of(STEP);
        let mut away = vec![0.0; rows * pixels];
        let mut products = vec![0.0; rows * pixels];
        for class in 0..classes {
            let mean = &self.means[class * pixels..][..pixels];
            let differences = away
                .chunks_exact_mut(pixels)
                .zip(images.chunks_exact(pixels));
            for (away, image) in differences {
                for ((away, &value), mean) in away.iter_mut().zip(image).zip(mean) {
                    *away = f32::from(value) * PIXEL_SCALE as f32 - mean;
                }
            }
            let factor = &self.factors[class * pixels * pixels..][..pixels * pixels];
            multiply(
                (rows, pixels, pixels),
                Strided::rows(&away, pixels),
                Strided::rows(factor, pixels).transposed(),
                1.0,
                false,
                &mut products,
                pixels,
            );
            let rows = products
                .chunks_exact(pixels)
                .zip(out.chunks_exact_mut(classes));
            for (products, out) in rows {
                let square: f64 = products.iter().map(|&value| f64::from(value).powi(2)).sum();
                out[class] = (f64::from(self.bias[class]) - 0.5 * square) as f32;
            }
        }
    }
}

impl FittedModel for Qda {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.bias.len()
    }

    /// Of each class its mean, the triangle and the bias.
    fn parameters(&self) -> u64 {
        let pixels = self.shape.pixels() as u64;
        self.bias.len() as u64 * (pixels + pixels * (pixels + 1) / 2 + 1)
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let (pixels, classes) = (self.shape.pixels(), self.classes());
        let mut scores = vec![0.0; images.len() * classes];
        scores
            .par_chunks_mut(ROWS * classes)
            .zip(images.pixels().par_chunks(ROWS * pixels))
            .for_each(|(out, images)| self.scores(images, out));
        Ok(Probabilities::from_logits(classes, scores)?)
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let (classes, pixels) = (self.classes(), self.shape.pixels());
        let means = TensorData::F32(&self.means);
        out.tensor("means", &[classes, pixels], means)?;
        let factors = TensorData::F32(&self.factors);
        out.tensor("factors", &[classes, pixels, pixels], factors)?;
        out.tensor("bias", &[classes], TensorData::F32(&self.bias))
    }
}
