//! The data of a trial: as a packed dataset of the planned fingerprint, or where they were when the
//! run was planned.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bakeoff_core::{Dataset, StoreError, record::DataRef};
use bakeoff_data::{open_pack, pack_name};
use bakeoff_store::atomic;

use crate::{error::BenchError, run_folder::RunFolder};

/// The folder of a run for packed datasets.
pub(crate) const FOLDER: &str = "data";

/// A packed dataset on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Its file.
    pub path: PathBuf,
    /// The size of the file.
    pub bytes: u64,
}

/// Packs a dataset into a folder, which is made where it is missing. A file that is there and
/// whole stays.
///
/// # Errors
/// When the disk refuses.
pub fn write_pack(dataset: &Dataset, folder: &Path) -> Result<Packed, BenchError> {
    fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
    let path = folder.join(pack_name(dataset.fingerprint()));
    let is_there = path.exists()
        && open_pack(&path).is_ok_and(|found| found.fingerprint() == dataset.fingerprint());
    if !is_there {
        let mut write = |file: &mut fs::File| bakeoff_data::write_pack(dataset, file);
        atomic::write_whole_with(&path, &mut write).map_err(StoreError::io(&path))?;
    }
    let bytes = fs::metadata(&path).map_err(StoreError::io(&path))?.len();
    Ok(Packed { path, bytes })
}

impl RunFolder {
    /// [`Self::pack_data`] of a run that was planned just now: without its data it is taken back, and the
    /// next one takes its folder over.
    ///
    /// # Errors
    /// As there.
    pub fn pack_data_or_take_back(&self) -> Result<Vec<Packed>, BenchError> {
        self.pack_data().inspect_err(|_| {
            let _ = fs::remove_file(self.path().join("run.json"));
        })
    }

    /// Packs those of its datasets that are not built in, into its folder `data`.
    ///
    /// # Errors
    /// When data cannot be read or are not those of the plan, or the disk refuses.
    pub fn pack_data(&self) -> Result<Vec<Packed>, BenchError> {
        let mut packed = Vec::new();
        for data in self.data()? {
            let is_built_in = bakeoff_data::builtins()
                .iter()
                .any(|builtin| builtin.name == data.source);
            if !is_built_in {
                let dataset = planned_dataset(self, &data, None)?;
                packed.push(write_pack(&dataset, &self.path().join(FOLDER))?);
            }
        }
        Ok(packed)
    }

    /// The datasets of its trials.
    fn data(&self) -> Result<Vec<DataRef>, BenchError> {
        let mut found: Vec<DataRef> = Vec::new();
        for trial in self.plan()? {
            let data = trial.trial.data;
            if found
                .iter()
                .all(|other| other.fingerprint != data.fingerprint)
            {
                found.push(data);
            }
        }
        Ok(found)
    }
}

/// Opens the data of a trial. A pack comes first, because it cannot be another dataset than the
/// planned one and needs no images to be decoded; one that cannot be used stands in nobody's way.
pub(crate) fn planned_dataset(
    run: &RunFolder,
    data: &DataRef,
    packs: Option<&Path>,
) -> Result<Dataset, BenchError> {
    let own = run.path().join(FOLDER);
    let mut tried = Vec::new();
    for folder in [Some(own.as_path()), packs].into_iter().flatten() {
        let path = folder.join(pack_name(&data.fingerprint));
        if !path.exists() {
            continue;
        }
        match open_pack(&path) {
            Ok(dataset) if dataset.fingerprint() == data.fingerprint => return Ok(dataset),
            Ok(_) => tried.push(format!("{}: it holds another dataset", path.display())),
            Err(error) => tried.push(error.to_string()),
        }
    }
    let problem = match bakeoff_data::open_with(&data.source, &data.options) {
        Ok(opened) if opened.dataset.fingerprint() == data.fingerprint => {
            return Ok(opened.dataset);
        }
        Ok(_) => BenchError::Request(format!(
            "`{}` has changed since the run was planned; restore it, or start a new run",
            data.source
        )),
        Err(error) => error.into(),
    };
    if tried.is_empty() {
        return Err(problem);
    }
    tried.push(problem.to_string());
    Err(BenchError::Request(tried.join("; and ")))
}

#[cfg(test)]
mod tests {
    use bakeoff_core::{ImageShape, Images, OpenOptions, Samples};

    use super::*;

    fn dataset(value: u8) -> Dataset {
        let images = Images::new(ImageShape::new(1, 2, 2), vec![value; 16]).expect("whole images");
        let names = ["a", "b"].map(String::from);
        let samples = Samples::new(images, vec![0, 1, 0, 1], names).expect("samples");
        Dataset::new("d", samples.clone(), samples).expect("a dataset")
    }

    #[test]
    fn data_come_from_the_pack_of_their_fingerprint_and_from_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let run_path = folder.path().join("run");
        fs::create_dir_all(&run_path).expect("a folder");
        for file in ["run.json", "plan.jsonl"] {
            fs::write(run_path.join(file), "").expect("a file");
        }
        let run = RunFolder::open(&run_path).expect("a run");
        let (planned, other) = (dataset(1), dataset(2));
        let data = DataRef {
            name: "d".into(),
            source: "/nowhere/d".into(),
            fingerprint: planned.fingerprint().into(),
            limit_train: None,
            limit_test: None,
            train_fraction: None,
            options: OpenOptions::default(),
        };
        let open = |packs: Option<&Path>| planned_dataset(&run, &data, packs);
        let said = |packs| open(packs).expect_err("no data").to_string();
        assert!(said(None).contains("/nowhere/d"), "{}", said(None));

        let packs = folder.path().join("packs");
        let written = write_pack(&planned, &packs).expect("a pack");
        assert_eq!(open(Some(&packs)).expect("the pack"), planned);
        // One under the name of another dataset, and a damaged one.
        let foreign = write_pack(&other, &packs).expect("a pack").path;
        fs::copy(&foreign, &written.path).expect("a copy");
        assert!(said(Some(&packs)).contains("another dataset"));
        fs::write(&written.path, b"no pack").expect("a file");
        let both = said(Some(&packs));
        assert!(
            both.contains("cannot be used") && both.contains("/nowhere/d"),
            "{both}"
        );
        // Packing again mends it, and the run's own folder comes first.
        assert_eq!(write_pack(&planned, &packs).expect("a pack"), written);
        assert_eq!(open(Some(&packs)).expect("the pack"), planned);
        fs::write(&written.path, b"no pack").expect("a file");
        write_pack(&planned, &run_path.join(FOLDER)).expect("a pack");
        assert_eq!(open(Some(&packs)).expect("the pack"), planned);
    }
}
