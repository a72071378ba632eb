//! "Training": the file is read, and checked against the data.

use std::{path::Path, sync::Arc};

use bakeoff_core::{
    Classifier, DataShape, FitContext, FitError, FitEvent, FitSummary, FittedModel, ImageShape,
    ModelSpec, Samples, SpecError, StepUnit,
};

use super::{
    answers, checked, file,
    fitted::{ENGINE, FittedFile, Network},
    settings::GivenSettings,
};

/// The recipe.
pub(crate) struct Given {
    spec: ModelSpec,
    settings: GivenSettings,
    network: Arc<Network>,
}

impl Given {
    pub(crate) fn new(spec: &ModelSpec) -> Result<Self, SpecError> {
        let settings: GivenSettings = spec.settings()?;
        let path = Path::new(&settings.path);
        // The plan has read it, so what is wrong now is the place.
        let elsewhere = |reason: String| SpecError::File {
            family: spec.family.clone(),
            key: "path".into(),
            reason,
        };
        let bytes = file::read(path).map_err(elsewhere)?;
        let shown = path.display();
        if file::hash(&bytes) != settings.sha256 {
            return Err(elsewhere(format!(
                "{shown} is another file than when the run was planned; put that one there, or plan again"
            )));
        }
        let named = |why: String| spec.unsupported("path", format!("{shown} {why}"));
        let checked = checked::check(&bytes, &settings).map_err(named)?;
        let network = Network::new(bytes, checked).map_err(named)?;
        Ok(Self {
            spec: spec.clone(),
            settings,
            network: Arc::new(network),
        })
    }

    fn fitted(&self, shape: ImageShape, order: Vec<u16>) -> Result<FittedFile, String> {
        let network = self.network.clone();
        FittedFile::new(network, &self.settings, shape, order)
            .map_err(|why| format!("{}: {why}", self.settings.path))
    }
}

impl Given {
    /// For each class of the data, the position of its output.
    fn order(&self, names: &[String]) -> Result<Vec<u16>, String> {
        let stated = &self.settings.classes;
        let (outputs, by) = match (&self.network.checked.class_names, stated.is_empty()) {
            (_, false) => (stated, "`classes` of the experiment"),
            (Some(own), true) => (own, "its metadata"),
            (None, true) => return Ok((0..names.len()).map(|class| class as u16).collect()),
        };
        answers::order(outputs, names, by).map_err(|why| format!("{}: {why}", self.settings.path))
    }
}

impl Classifier for Given {
    fn spec(&self) -> ModelSpec {
        self.spec.clone()
    }

    fn check(&self, data: &DataShape) -> Result<(), SpecError> {
        let order = (0..data.classes).map(|class| class as u16).collect();
        let fitted = self.fitted(data.image, order);
        let fitted = fitted.map_err(|why| self.spec.bad_data(why))?;
        fitted
            .try_out()
            .map_err(|why| self.spec.bad_data(format!("{}: {why}", self.settings.path)))
    }

    fn check_classes(&self, names: &[String]) -> Result<(), SpecError> {
        let order = self.order(names);
        order.map(|_| ()).map_err(|why| self.spec.bad_data(why))
    }

    fn fit(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        ctx.emit(&FitEvent::Started {
            unit: StepUnit::Sample,
            total: Some(0),
        })?;
        let names = train.class_names();
        let failed = |reason| FitError::Engine {
            engine: ENGINE,
            reason,
        };
        let order = self.order(names).map_err(failed)?;
        let fitted = self.fitted(train.images().shape(), order).map_err(failed)?;
        ctx.emit(&FitEvent::Finished(FitSummary::default()))?;
        Ok(Box::new(fitted))
    }
}
