//! A trained program, which answers one request after the other.

use std::{
    io::{self, Read as _},
    sync::{Mutex, PoisonError},
};

use bakeoff_core::{
    FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelSpec, ModelWriter,
    PredictError, Probabilities, StoreError, TensorData, to_hex,
};
use sha2::{Digest, Sha256};

use crate::{
    exchange::{answers_are_too_large, blocks, read_answers, write_request},
    fault::{Fault, disk, is_of_the_program},
    left::open,
    model_files::{ModelFile, model_files},
    process::Running,
    settings::{CommandSettings, settings},
    trust,
    work::{Task, Work},
};

/// The names of the tensors: the task, a list of the model's files, those of them that can be run,
/// if there are any, and each file.
const TASK: &str = "task";
const FILES: &str = "files";
const EXECUTABLE: &str = "executable";
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
        let files = names(reader, FILES)?;
        let executable = match reader.shape(EXECUTABLE) {
            Err(StoreError::Missing { .. }) => Vec::new(),
            _ => names(reader, EXECUTABLE)?,
        };
        // Nothing is unpacked of a model that is not trusted, and no file is in memory as a whole.
        let mut hash = ModelHash::new(spec, &task_bytes);
        let mut lengths = Vec::with_capacity(files.len().min(1000));
        for name in &files {
            if !crate::files::is_own_name(name) {
                return Err(inconsistent(FILES, &name.escape_debug()));
            }
            let tensor = format!("{FILE}{name}");
            let [bytes] = length(reader, &tensor)?;
            hash.part(name.as_bytes());
            hash.begin_part(bytes as u64);
            reader.copy_u8(&tensor, bytes, &mut hash)?;
            lengths.push(bytes);
        }
        if !executable.is_empty() {
            hash.part(&serde_json::to_vec(&executable).unwrap_or_default());
        }
        trust::check(&hash.end()).map_err(StoreError::Inconsistent)?;
        let temporary = std::env::temp_dir();
        let work = Work::new(&settings, &task_bytes).map_err(StoreError::io(&temporary))?;
        for (name, bytes) in files.iter().zip(lengths) {
            let mut file = work
                .new_model_file(name, executable.contains(name))
                .map_err(StoreError::io(&temporary))?;
            reader.copy_u8(&format!("{FILE}{name}"), bytes, &mut file)?;
        }
        Ok(Self::new(spec.clone(), settings, task, work))
    }

    /// Asks about one block of images.
    fn ask(&self, running: &mut Option<Running>, pixels: &[u8]) -> Result<Vec<f32>, Fault> {
        let (format, classes) = (self.settings.format, self.task.classes);
        let images = pixels.len() / self.shape.pixels().max(1);
        let folder = self.work.data();
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
        write_request(&folder, &self.work.outbox(), format, self.shape, pixels).map_err(
            |error| match is_of_the_program(&error) {
                true => program.failed(&format!(
                    "changed FOLDER, so that no images can be written there: {error}"
                )),
                false => disk(&folder)(error),
            },
        )?;
        let is_endless = || answers_are_too_large(&folder, format, images, classes);
        program.ask(images, self.settings.answer_seconds, &is_endless)?;
        read_answers(&folder, format, images, classes)
            .map_err(|why| program.failed(&format!("gave no valid answer: {why}")))
    }
}

/// The shape of a tensor of bytes, of any length.
fn length(reader: &mut dyn ModelReader, name: &str) -> Result<[usize; 1], StoreError> {
    let shape = reader.shape(name)?;
    <[usize; 1]>::try_from(shape).map_err(|shape| StoreError::Tensor {
        name: name.into(),
        got: format!("{shape:?}"),
        expected: "bytes in one dimension".into(),
    })
}

/// The bytes of a small tensor.
fn bytes(reader: &mut dyn ModelReader, name: &str) -> Result<Vec<u8>, StoreError> {
    let length = length(reader, name)?;
    Ok(reader.u8(name, &length)?.into_owned())
}

/// A list of names.
fn names(reader: &mut dyn ModelReader, tensor: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_slice(&bytes(reader, tensor)?)
        .map_err(|error| StoreError::Inconsistent(format!("{tensor}: {error}")))
}

/// Hashes all that decides what a model runs: its settings, its task, and each file's name and
/// content.
struct ModelHash(Sha256);

impl ModelHash {
    fn new(spec: &ModelSpec, task: &[u8]) -> Self {
        // Plain data: serialising to memory cannot fail.
        let settings = serde_json::to_vec(&spec.settings).unwrap_or_default();
        let mut hash = Self(Sha256::new());
        hash.part(&settings);
        hash.part(task);
        hash
    }

    /// With lengths, no two lists of parts are the same bytes.
    fn begin_part(&mut self, length: u64) {
        self.0.update(length.to_le_bytes());
    }

    fn part(&mut self, bytes: &[u8]) {
        self.begin_part(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn end(self) -> String {
        to_hex(&self.0.finalize())
    }
}

impl io::Write for ModelHash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
        // While it is saved, nothing of it changes.
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let task = self.task.to_bytes();
        let files = model_files(&self.work.data()).map_err(StoreError::Inconsistent)?;
        let mut hash = ModelHash::new(&self.spec, &task);
        for file in &files {
            hash.part(file.name.as_bytes());
            hash.begin_part(file.bytes);
            let read = open(&file.path)
                .and_then(|content| io::copy(&mut content.take(file.bytes), &mut hash));
            match read {
                Ok(read) if read == file.bytes => {}
                Ok(_) => return Err(changed(file, &"it became shorter")),
                Err(error) if is_of_the_program(&error) => return Err(changed(file, &error)),
                Err(error) => return Err(StoreError::io(&file.path)(error)),
            }
        }
        let list = |names: Vec<&str>| {
            serde_json::to_vec(&names).map_err(|error| StoreError::Inconsistent(error.to_string()))
        };
        let executable = files.iter().filter(|file| file.is_executable);
        let executable: Vec<&str> = executable.map(|file| file.name.as_str()).collect();
        let names = list(files.iter().map(|file| file.name.as_str()).collect())?;
        out.tensor(TASK, &[task.len()], TensorData::U8(&task))?;
        out.tensor(FILES, &[names.len()], TensorData::U8(&names))?;
        if !executable.is_empty() {
            let executable = list(executable)?;
            hash.part(&executable);
            out.tensor(EXECUTABLE, &[executable.len()], TensorData::U8(&executable))?;
        }
        for file in files {
            let length = usize::try_from(file.bytes)
                .map_err(|error| StoreError::Inconsistent(error.to_string()))?;
            let path = file.path;
            let content = move || Ok(Box::new(open(&path)?) as Box<dyn io::Read>);
            out.stream(&format!("{FILE}{}", file.name), length, Box::new(content))?;
        }
        trust::note(hash.end());
        Ok(())
    }
}

/// A file of the model that cannot be saved, because the program did something to it.
fn changed(file: &ModelFile, how: &dyn std::fmt::Display) -> StoreError {
    StoreError::Inconsistent(format!("model/{} cannot be saved: {how}", file.name))
}
