//! A run in a store, and the folder that a machine keeps of it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use bakeoff_core::{StoreError, record::DataRef};
use bakeoff_data::pack_name;
use bakeoff_store::atomic::{self, OwnedFolder, TEMPORARY_PREFIX};

use crate::{
    error::BenchError,
    files::sha256,
    objects::{Objects, objects},
    packs,
    reported_parts::FOLDERS,
    run_folder::RunFolder,
};

/// A folder for what arrives; removes what killed processes left of theirs.
pub(super) fn temporary(parent: &Path) -> Result<OwnedFolder, StoreError> {
    const PREFIX: &str = ".arriving-";
    fs::create_dir_all(parent).map_err(StoreError::io(parent))?;
    atomic::remove_unowned_folders(parent, PREFIX);
    OwnedFolder::new(parent, PREFIX).map_err(StoreError::io(parent))
}

/// A run in a store of objects: `s3://BUCKET/PREFIX`, `file:///FOLDER` or the path of a folder.
#[derive(Debug)]
pub struct SharedRun {
    pub(super) objects: Box<dyn Objects>,
}

/// An empty folder, or a temporary file of ours.
fn is_nothing(entry: &fs::DirEntry) -> bool {
    let name = entry.file_name();
    let is_temporary = name.to_string_lossy().starts_with(TEMPORARY_PREFIX);
    is_temporary || fs::read_dir(entry.path()).is_ok_and(|mut entries| entries.next().is_none())
}

impl SharedRun {
    /// The run at an address, whether it is there or not.
    ///
    /// # Errors
    /// For an address of no store, and where the environment lacks what the store needs.
    pub fn at(address: &str) -> Result<Self, BenchError> {
        Ok(Self {
            objects: objects(address)?,
        })
    }

    /// Fetches description and plan into a folder below `cache`, unless they are there. It is
    /// named by the description, so that another run at the same address has another folder.
    ///
    /// # Errors
    /// When no run is there, it is damaged, or the store or the disk refuses.
    pub fn in_cache(&self, cache: &Path) -> Result<RunFolder, BenchError> {
        let here = temporary(cache)?;
        let info = here.path().join("run.json");
        let hash = self.fetch_info(&info)?;
        let path = cache.join(&hash[..16]);
        if path.join("run.json").exists() {
            return RunFolder::open(&path);
        }
        self.fetch_rest(&path, &info, &[])
    }

    /// The whole run as a folder: a new one, or one that has this run.
    ///
    /// # Errors
    /// When no run is there or the folder has another one, and as [`SharedRun::in_cache`].
    pub(super) fn in_folder(&self, path: &Path) -> Result<RunFolder, BenchError> {
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let here = temporary(parent)?;
        let info = here.path().join("run.json");
        let hash = self.fetch_info(&info)?;
        let own = path.join("run.json");
        if own.exists() {
            let bytes = fs::read(&own).map_err(StoreError::io(&own))?;
            return match sha256(&bytes) == hash {
                true => RunFolder::open(path),
                false => Err(BenchError::Request(format!(
                    "{} has another run than {}; choose another folder",
                    path.display(),
                    self.objects.address("run.json")
                ))),
            };
        }
        // A fetch that was cut off left empty folders and temporary files.
        let has_files = fs::read_dir(path).is_ok_and(|mut entries| {
            entries.any(|entry| !entry.is_ok_and(|entry| is_nothing(&entry)))
        });
        if has_files && !path.join("plan.jsonl").exists() {
            return Err(BenchError::Request(format!(
                "{} is neither a run nor empty; choose another folder",
                path.display()
            )));
        }
        self.fetch_rest(path, &info, &FOLDERS)
    }

    /// Fetches the description and returns its hash.
    fn fetch_info(&self, to: &Path) -> Result<String, BenchError> {
        let fetched = self.objects.fetch_one("run.json", to);
        let address = self.objects.address("");
        if !fetched? {
            return Err(BenchError::Request(format!(
                "{address} is no run: it has no run.json (`bakeoff push RUN {address}` puts one there)"
            )));
        }
        let bytes = fs::read(to).map_err(StoreError::io(to))?;
        Ok(sha256(&bytes))
    }

    /// Makes a run's folder; its description comes last.
    fn fetch_rest(
        &self,
        path: &Path,
        info: &Path,
        folders: &[&str],
    ) -> Result<RunFolder, BenchError> {
        let records = path.join("records");
        fs::create_dir_all(&records).map_err(StoreError::io(&records))?;
        let mut wanted = vec![("plan.jsonl".to_owned(), path.join("plan.jsonl"))];
        for folder in folders {
            for name in self.objects.names(&format!("{folder}/"))? {
                let file = name.rsplit('/').next().unwrap_or_default();
                wanted.push((name.clone(), path.join(folder).join(file)));
            }
        }
        let fetched = self.objects.fetch(&wanted)?;
        if let Some((_, (name, _))) = fetched.iter().zip(&wanted).find(|(found, _)| !**found) {
            return Err(BenchError::Objects {
                address: self.objects.address(name),
                reason: "it is not there; push the run again".into(),
            });
        }
        let own = path.join("run.json");
        fs::rename(info, &own).map_err(StoreError::io(&own))?;
        let run = RunFolder::open(path)?;
        if let Err(error) = run.plan() {
            // What is no run must not look like one.
            fs::remove_file(&own).map_err(StoreError::io(&own))?;
            return Err(error);
        }
        Ok(run)
    }

    /// Fetches the packed dataset of a trial into the run's folder `data`, unless it is there or the
    /// store has none. Several processes of a machine wait for each other here.
    ///
    /// # Errors
    /// When the store or the disk refuses.
    pub fn fetch_data(&self, run: &RunFolder, data: &DataRef) -> Result<(), BenchError> {
        let folder = run.path().join(packs::FOLDER);
        let name = pack_name(&data.fingerprint);
        let path = folder.join(&name);
        if path.exists() {
            return Ok(());
        }
        fs::create_dir_all(&folder).map_err(StoreError::io(&folder))?;
        let lock_path: PathBuf = folder.join(format!(".{name}.lock"));
        let lock = File::create(&lock_path).map_err(StoreError::io(&lock_path))?;
        // Without locks it is only fetched more than once.
        let _ = lock.lock();
        if !path.exists() {
            let name = format!("{}/{name}", packs::FOLDER);
            self.objects.fetch_one(&name, &path)?;
        }
        Ok(())
    }
}
