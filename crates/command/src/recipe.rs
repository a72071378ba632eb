//! Training: a program that is given a folder and leaves a model there.

use bakeoff_core::{
    Classifier, FitContext, FitError, FitEvent, FitSummary, FittedModel, ModelSpec, Samples,
    SpecError, StepUnit,
};

use crate::{
    exchange::{remove_training, write_training},
    fault::disk,
    fitted::FittedCommand,
    model_files::model_files,
    process::Running,
    settings::{CommandSettings, settings},
    work::{Task, Work},
};

/// The recipe.
pub(crate) struct Command {
    spec: ModelSpec,
    settings: CommandSettings,
}

impl Command {
    pub(crate) fn new(spec: &ModelSpec) -> Result<Self, SpecError> {
        Ok(Self {
            spec: spec.clone(),
            settings: settings(spec)?,
        })
    }
}

impl Classifier for Command {
    fn spec(&self) -> ModelSpec {
        self.spec.clone()
    }

    fn fit(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        if train.is_empty() {
            return Err(FitError::Data("there are no training images".into()));
        }
        let total = train.len() as u64;
        ctx.emit(&FitEvent::Started {
            unit: StepUnit::Sample,
            total: Some(total),
        })?;
        let shape = train.images().shape();
        let task = Task::new(
            &self.settings,
            ctx.seed,
            shape,
            train.class_names(),
            train.len(),
        );
        let temporary = std::env::temp_dir();
        let work = Work::new(&self.settings, &task.to_bytes()).map_err(disk(&temporary))?;
        let data = work.data();
        write_training(&data, self.settings.format, train).map_err(disk(&data))?;
        let mut program = Running::start(&self.settings, &task, &work, "fit", false)?;
        let heard = FitEvent::Progress { samples: 0, total };
        program.finish(&mut || ctx.emit(&heard).is_ok())?;
        remove_training(&data);
        let files = model_files(&data);
        let files =
            files.map_err(|why| program.failed_at_last(&format!("left no usable model: {why}")))?;
        if files.is_empty() {
            let why = "ended well, but left no file in FOLDER/model";
            return Err(program.failed_at_last(why).into());
        }
        drop(program);
        ctx.emit(&FitEvent::Progress {
            samples: total,
            total,
        })?;
        ctx.emit(&FitEvent::Finished(FitSummary::default()))?;
        let (spec, settings) = (self.spec.clone(), self.settings.clone());
        Ok(Box::new(FittedCommand::new(spec, settings, task, work)))
    }
}
