//! What is kept of a file that was downloaded.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use bzip2::read::MultiBzDecoder;
use flate2::read::GzDecoder;
use zip::ZipArchive;

use super::{
    error::DownloadError,
    remote::{Keep, Remote},
};

/// The most that a file unpacks to: all of these datasets are far smaller.
const MAX_BYTES: u64 = 1 << 30;

/// Puts what is kept of a file whose checksum is right into a folder.
pub(super) fn keep(packed: &Path, file: &Remote, ready: &Path) -> Result<(), DownloadError> {
    let open = || File::open(packed).map_err(DownloadError::io(packed));
    match &file.keep {
        Keep::Whole => {
            let target = ready.join(file.name);
            fs::copy(packed, &target).map_err(DownloadError::io(&target))?;
        }
        Keep::Bzip2(name) => copy(MultiBzDecoder::new(open()?), &ready.join(name))?,
        Keep::Members(folder, members) => {
            let mut missing: BTreeSet<&str> = members.iter().copied().collect();
            let wanted = |path: &str| {
                let member = path.strip_prefix(folder)?.strip_prefix('/')?;
                members.iter().copied().find(|known| *known == member)
            };
            let contents = |problem: String| DownloadError::Contents {
                path: packed.into(),
                problem,
            };
            if file.name.ends_with(".zip") {
                let mut archive =
                    ZipArchive::new(open()?).map_err(|error| contents(error.to_string()))?;
                for index in 0..archive.len() {
                    let entry = archive.by_index(index);
                    let entry = entry.map_err(|error| contents(error.to_string()))?;
                    if let Some(member) = wanted(entry.name()) {
                        copy(entry, &ready.join(member))?;
                        missing.remove(member);
                    }
                }
            } else {
                let mut archive = tar::Archive::new(GzDecoder::new(open()?));
                let io = DownloadError::io;
                for entry in archive.entries().map_err(io(packed))? {
                    let entry = entry.map_err(io(packed))?;
                    let path = entry.path().map_err(io(packed))?;
                    let path = path.to_string_lossy().into_owned();
                    if let Some(member) = wanted(&path) {
                        copy(entry, &ready.join(member))?;
                        missing.remove(member);
                    }
                }
            }
            if let Some(missing) = missing.first() {
                return Err(contents(format!("there is no {folder}/{missing} in it")));
            }
        }
    }
    Ok(())
}

fn copy(from: impl Read, target: &Path) -> Result<(), DownloadError> {
    let mut file = File::create(target).map_err(DownloadError::io(target))?;
    io::copy(&mut from.take(MAX_BYTES), &mut file).map_err(DownloadError::io(target))?;
    Ok(())
}
