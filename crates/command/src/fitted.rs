//! A trained program, which answers one request after the other.

use std::{
    fs,
    sync::{Mutex, PoisonError},
};

use bakeoff_core::{
    FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelSpec, ModelWriter,
    PredictError, Probabilities, StoreError, TensorData, to_hex,
};
use sha2::{Digest, Sha256};

use crate::{
    exchange::{answers_are_too_large, blocks, read_answers, write_request},
    fault::Fault,
    process::{Running, disk},
    settings::{CommandSettings, settings},
    trust,
    work::{Task, Work},
};

/// The names of the tensors: the task, a list of the model's files, and each of them.
const TASK: &str = "task";
const FILES: &str = "files";
const FILE: &str = "file/";

/// A trained program.
pub(crate) struct FittedCommand {
    spec: ModelSpec,
    settings: CommandSettings,
    task: Task,
    shape: ImageShape,
    /// Started by the first question, and again where it has ended. Before the folders, because
    /// it is ended before they are removed.
    running: Mutex<Option<Running>>,
    work: Work,
}

impl FittedCommand {
    pub(crate) fn new(spec: ModelSpec, settings: CommandSettings, task: Task, work: Work) -> Self {
        Self {
            spec,
            settings,
            shape: ImageShape::new(task.channels, task.height, task.width),
            task,
            running: Mutex::new(None),
            work,
        }
    }

    /// Reads a saved model; starts nothing.
    pub(crate) fn load(
        spec: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Self, StoreError> {
        let inconsistent = |what: &str, error: &dyn std::fmt::Display| {
            StoreError::Inconsistent(format!("{what}: {error}"))
        };
        let settings = settings(spec).map_err(|error| inconsistent("settings", &error))?;
        let task_bytes = bytes(reader, TASK)?;
        let task: Task =
            serde_json::from_slice(&task_bytes).map_err(|error| inconsistent(TASK, &error))?;
        if !task.is_of(header.input_shape, header.classes) {
            return Err(inconsistent(TASK, &"it is for other images or classes"));
        }
        let names = bytes(reader, FILES)?;
        let names: Vec<String> =
            serde_json::from_slice(&names).map_err(|error| inconsistent(FILES, &error))?;
        let mut files = Vec::with_capacity(names.len().min(1000));
        for name in names {
            if !crate::files::is_own_name(&name) {
                return Err(inconsistent(FILES, &name.escape_debug()));
            }
            let content = bytes(reader, &format!("{FILE}{name}"))?;
            files.push((name, content));
        }
        if !trust::is_trusted(&hash(spec, &task_bytes, &files)) {
            return Err(StoreError::Inconsistent(
                "this model is a program, and was not trained here by this user. To answer it runs \
                 the command and the files in its manifest; if you know where it comes from, allow \
                 it with --allow-commands"
                    .into(),
            ));
        }
        let temporary = std::env::temp_dir();
        let work = Work::new(&settings, &task_bytes).map_err(StoreError::io(&temporary))?;
        for (name, content) in &files {
            work.write_model(name, content)
                .map_err(StoreError::io(&temporary))?;
        }
        Ok(Self::new(spec.clone(), settings, task, work))
    }

    /// Asks about one block of images.
    fn ask(&self, running: &mut Option<Running>, pixels: &[u8]) -> Result<Vec<f32>, Fault> {
        let (format, classes) = (self.settings.format, self.task.classes);
        let images = pixels.len() / self.shape.pixels().max(1);
        let folder = self.work.data();
        write_request(&folder, format, self.shape, pixels).map_err(disk(&folder))?;
        let program = match running {
            Some(program) => program,
            None => running.insert(Running::start(
                &self.settings,
                &self.task,
                &self.work,
                "predict",
                true,
            )?),
        };
        let is_endless = || answers_are_too_large(&folder, format, images, classes);
        program.ask(images, self.settings.answer_seconds, &is_endless)?;
        read_answers(&folder, format, images, classes)
            .map_err(|why| program.failed(&format!("gave no valid answer: {why}")))
    }
}

/// A tensor of bytes of any length.
fn bytes(reader: &mut dyn ModelReader, name: &str) -> Result<Vec<u8>, StoreError> {
    let shape = reader.shape(name)?;
    let [length] = shape[..] else {
        return Err(StoreError::Tensor {
            name: name.into(),
            got: format!("{shape:?}"),
            expected: "bytes in one dimension".into(),
        });
    };
    Ok(reader.u8(name, &[length])?.into_owned())
}

/// A hash over all that decides what a model runs.
fn hash(spec: &ModelSpec, task: &[u8], files: &[(String, Vec<u8>)]) -> String {
    let mut hasher = Sha256::new();
    // Plain data: serialising to memory cannot fail.
    let settings = serde_json::to_vec(&spec.settings).unwrap_or_default();
    let files = files
        .iter()
        .flat_map(|(name, content)| [name.as_bytes(), content.as_slice()]);
    for part in [&settings[..], task].into_iter().chain(files) {
        // With lengths, no two lists of parts are the same bytes.
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    to_hex(&hasher.finalize())
}

impl FittedModel for FittedCommand {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.task.classes
    }

    fn parameters(&self) -> u64 {
        0
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut values = Vec::with_capacity(images.len() * self.task.classes);
        for pixels in blocks(images) {
            match self.ask(&mut running, pixels) {
                Ok(answers) => values.extend(answers),
                Err(fault) => {
                    // The next question starts it anew.
                    *running = None;
                    return Err(fault.into());
                }
            }
        }
        Ok(Probabilities::new(self.task.classes, values)?)
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let task = self.task.to_bytes();
        let mut files = Vec::new();
        for (name, path) in self.work.model_files().map_err(StoreError::Inconsistent)? {
            let content = fs::read(&path).map_err(StoreError::io(&path))?;
            files.push((name, content));
        }
        trust::note(hash(&self.spec, &task, &files));
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        let names = serde_json::to_vec(&names)
            .map_err(|error| StoreError::Inconsistent(error.to_string()))?;
        out.tensor(TASK, &[task.len()], TensorData::U8(&task))?;
        out.tensor(FILES, &[names.len()], TensorData::U8(&names))?;
        for (name, content) in files {
            out.bytes(&format!("{FILE}{name}"), &[content.len()], content)?;
        }
        Ok(())
    }
}
