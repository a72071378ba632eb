//! A network that answers, and its saved form: the file as it was given.

use std::{borrow::Cow, sync::Arc};

use bakeoff_core::{
    FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelSpec, ModelWriter,
    PredictError, Probabilities, StoreError, TensorData,
};

use super::{
    answers,
    checked::{self, Checked},
    pixels::Pixels,
    session::Session,
    settings::{GivenSettings, Outputs},
};

/// The name of the engine.
pub(crate) const ENGINE: &str = "rten";

/// The names of the tensors: the file, and for each class the position of its output.
const FILE: &str = "model.onnx";
const ORDER: &str = "order";

/// A file in the runtime.
pub(crate) struct Network {
    bytes: Vec<u8>,
    pub(crate) checked: Checked,
    session: Session,
}

impl Network {
    pub(crate) fn new(bytes: Vec<u8>, mut checked: Checked) -> Result<Self, String> {
        let session = Session::new(&checked)?;
        // The runtime has its own copy.
        checked.bytes = Vec::new();
        Ok(Self {
            bytes,
            checked,
            session,
        })
    }
}

/// A network for images of one shape.
pub(crate) struct FittedFile {
    network: Arc<Network>,
    pixels: Pixels,
    outputs: Outputs,
    shape: ImageShape,
    order: Vec<u16>,
}

impl FittedFile {
    pub(crate) fn new(
        network: Arc<Network>,
        settings: &GivenSettings,
        shape: ImageShape,
        order: Vec<u16>,
    ) -> Result<Self, String> {
        Ok(Self {
            pixels: Pixels::new(&network.checked, settings, shape)?,
            network,
            outputs: settings.outputs,
            shape,
            order,
        })
    }

    /// Reads a saved model.
    pub(crate) fn load(
        spec: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Self, StoreError> {
        let wrong = |why: String| StoreError::Inconsistent(format!("{FILE}: {why}"));
        let settings: GivenSettings = spec
            .settings()
            .map_err(|error| StoreError::Inconsistent(error.to_string()))?;
        let shape = reader.shape(FILE)?;
        let [length] = shape[..] else {
            return Err(wrong(format!("it is {shape:?} and not one row of bytes")));
        };
        let bytes = reader.u8(FILE, &[length]).map(Cow::into_owned)?;
        let order = reader.u16(ORDER, &[header.classes])?;
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if !sorted
            .iter()
            .map(|&it| usize::from(it))
            .eq(0..header.classes)
        {
            return Err(StoreError::Inconsistent(format!(
                "{ORDER}: {order:?} is no order"
            )));
        }
        let checked = checked::check(&bytes, &settings).map_err(wrong)?;
        let network = Network::new(bytes, checked).map_err(wrong)?;
        let fitted = Self::new(Arc::new(network), &settings, header.input_shape, order);
        let fitted = fitted.map_err(wrong)?;
        fitted.try_out().map_err(wrong)?;
        Ok(fitted)
    }

    /// Asks about two images, to learn what is wrong before it matters: in an exported network that still
    /// learns, the answer about one depends on the other.
    pub(crate) fn try_out(&self) -> Result<(), String> {
        let each = self.shape.pixels();
        let ask = |second| self.ask(&[vec![0; each], vec![second; each]].concat(), 2);
        let (other, same) = (ask(255)?, ask(0)?);
        let first = |found: &Probabilities| {
            found
                .values()
                .iter()
                .take(self.order.len())
                .copied()
                .collect()
        };
        let (other, same): (Vec<f32>, Vec<f32>) = (first(&other), first(&same));
        match other.iter().zip(&same).any(|(a, b)| (a - b).abs() > 1e-3) {
            false => Ok(()),
            true => Err(
                "its answer about an image depends on the other images of the batch; export the network in \
                 evaluation mode (in PyTorch, net.eval())"
                    .into(),
            ),
        }
    }

    fn ask(&self, pixels: &[u8], images: usize) -> Result<Probabilities, String> {
        let each = self.shape.pixels();
        let values = self.network.session.run(&self.pixels, pixels, each)?;
        answers::probabilities(values, images, &self.order, self.outputs)
    }
}

impl FittedModel for FittedFile {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.order.len()
    }

    fn parameters(&self) -> u64 {
        self.network.checked.parameters
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        self.ask(images.pixels(), images.len())
            .map_err(|reason| PredictError::Engine {
                engine: ENGINE,
                reason,
            })
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let bytes = &self.network.bytes;
        out.tensor(FILE, &[bytes.len()], TensorData::U8(bytes))?;
        out.tensor(ORDER, &[self.order.len()], TensorData::U16(&self.order))
    }
}
