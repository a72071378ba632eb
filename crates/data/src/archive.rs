//! Zip and tar archives, read in place.
//!
//! An archive is held in memory as it is stored; a `.tar.gz` is unpacked in memory, because
//! nothing in it can be found without. Nothing is written to disk, so that a path in an archive
//! can do no harm, and no counts of a header are believed: how much may come out is limited in
//! bytes, in relation to what went in, and in the number of files.
//!
//! Rejected: unpacking into a temporary folder (70,000 small files, and a path such as `../x` to
//! watch for).

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Read},
    ops::Range,
    path::Path,
    sync::Arc,
};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use crate::{error::DataError, hidden::is_hidden};

/// The most files in an archive.
const MAX_ENTRIES: usize = 4_000_000;

/// The most bytes that a file may unpack to.
pub(crate) const MAX_UNPACKED: u64 = 16 << 30;

/// What is small may be packed as much as it likes.
const ANY_RATIO: u64 = 256 << 20;

/// Beyond that, what is unpacked is at most this many times what was packed. Image data have a
/// ratio of 1 to 30.
const MAX_RATIO: u64 = 200;

/// The most that so many packed bytes may unpack to.
pub(crate) fn most_unpacked(packed: u64) -> u64 {
    packed
        .saturating_mul(MAX_RATIO)
        .clamp(ANY_RATIO, MAX_UNPACKED)
}

/// The names in one folder of an archive.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) files: BTreeSet<String>,
    pub(crate) folders: BTreeSet<String>,
}

/// An archive in memory.
pub(crate) struct Archive {
    bytes: Arc<[u8]>,
    zip: Option<ZipArchive<Cursor<Arc<[u8]>>>>,
    files: BTreeMap<String, Place>,
    folders: BTreeMap<String, Names>,
    left_out: LeftOut,
}

/// Entries that are not read, hidden files aside.
#[derive(Default)]
struct LeftOut {
    /// Their paths point out of the archive.
    outside: usize,
    /// Symbolic links, and hard links to what is not there.
    links: usize,
}

/// Where a file of an archive is.
#[derive(Clone)]
enum Place {
    /// The number of its entry.
    Zip(usize),
    /// Its bytes in a tar archive.
    Tar(Range<usize>),
}

/// What kind of archive bytes begin like.
pub(crate) fn is_archive(name: &str, head: &[u8]) -> bool {
    let name = name.to_lowercase();
    let tar = |head: &[u8]| head.get(257..262) == Some(b"ustar");
    // An npz is a zip archive of arrays, and a format of its own.
    (head.starts_with(b"PK\x03\x04") && !name.ends_with(".npz"))
        || tar(head)
        || (head.starts_with(&[0x1f, 0x8b])
            && (name.ends_with(".tgz") || name.ends_with(".tar.gz") || {
                let mut start = Vec::new();
                let unpacked = MultiGzDecoder::new(head).take(262).read_to_end(&mut start);
                unpacked.is_ok() && tar(&start)
            }))
}

impl Archive {
    /// Reads the directory of an archive.
    pub(crate) fn new(path: &Path, bytes: Vec<u8>) -> Result<Self, DataError> {
        let mut archive = Self {
            bytes: Arc::from([]),
            zip: None,
            files: BTreeMap::new(),
            folders: BTreeMap::from([(String::new(), Names::default())]),
            left_out: LeftOut::default(),
        };
        if bytes.starts_with(b"PK") {
            archive.bytes = bytes.into();
            archive.zip_directory(path)?;
        } else {
            archive.bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
                unpack(path, &bytes)?.into()
            } else {
                bytes.into()
            };
            archive.tar_directory(path)?;
        }
        Ok(archive)
    }

    fn zip_directory(&mut self, path: &Path) -> Result<(), DataError> {
        let damaged = |problem: String| {
            DataError::invalid(path, format!("the zip archive is damaged: {problem}"))
        };
        let zip = ZipArchive::new(Cursor::new(Arc::clone(&self.bytes)))
            .map_err(|problem| damaged(problem.to_string()))?;
        too_many(path, zip.len())?;
        // Of several files of one name the library knows the last.
        if let Some(entries) = zip_entries(&self.bytes).filter(|entries| *entries > zip.len()) {
            let problem = format!(
                "{} of its files have the name of another one: pack it again",
                entries - zip.len()
            );
            return Err(DataError::invalid(path, problem));
        }
        for index in 0..zip.len() {
            let Some(name) = zip.name_for_index(index) else {
                continue;
            };
            let name = name.replace('\\', "/");
            self.add(path, &name, Place::Zip(index))?;
        }
        self.zip = Some(zip);
        Ok(())
    }

    fn tar_directory(&mut self, path: &Path) -> Result<(), DataError> {
        let damaged = |problem: std::io::Error| {
            DataError::invalid(path, format!("the tar archive is damaged: {problem}"))
        };
        let bytes = Arc::clone(&self.bytes);
        let mut tar = tar::Archive::new(&bytes[..]);
        for entry in tar.entries().map_err(damaged)? {
            let entry = entry.map_err(damaged)?;
            let kind = entry.header().entry_type();
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if kind.is_hard_link() {
                let target = entry.link_name_bytes().unwrap_or_default();
                let target = normal(&String::from_utf8_lossy(&target)).map(|parts| parts.join("/"));
                match target.and_then(|target| self.files.get(&target).cloned()) {
                    Some(place) => self.add(path, &name, place)?,
                    None => self.left_out.links += 1,
                }
                continue;
            }
            if !kind.is_file() {
                self.left_out.links += usize::from(kind.is_symlink());
                continue;
            }
            let start = usize::try_from(entry.raw_file_position()).unwrap_or(usize::MAX);
            let size = usize::try_from(entry.size()).unwrap_or(usize::MAX);
            let end = start.saturating_add(size);
            if end > bytes.len() {
                let problem = format!("the tar archive is cut short within {name}");
                return Err(DataError::invalid(path, problem));
            }
            self.add(path, &name, Place::Tar(start..end))?;
            too_many(path, self.files.len())?;
        }
        Ok(())
    }

    /// Makes a file known in its folder. Hidden files are left out, and so is what points out of
    /// the archive.
    fn add(&mut self, path: &Path, name: &str, place: Place) -> Result<(), DataError> {
        if name.ends_with('/') {
            return Ok(());
        }
        let Some(parts) = normal(name) else {
            self.left_out.outside += 1;
            return Ok(());
        };
        if parts.iter().any(|part| is_hidden(part)) {
            return Ok(());
        }
        let Some((file, folders)) = parts.split_last() else {
            return Ok(());
        };
        let mut inside = String::new();
        for folder in folders {
            let names = self.folders.entry(inside.clone()).or_default();
            names.folders.insert((*folder).into());
            inside = join(&inside, folder);
        }
        let names = self.folders.entry(inside.clone()).or_default();
        names.files.insert((*file).into());
        let whole = join(&inside, file);
        if self.files.insert(whole.clone(), place).is_some() {
            let problem = format!("{whole} is twice in the archive");
            return Err(DataError::invalid(path, problem));
        }
        Ok(())
    }

    /// What is in it and not read, in words; `None` if there is nothing of the kind.
    pub(crate) fn left_out(&self) -> Option<String> {
        let LeftOut { outside, links } = self.left_out;
        let kinds = [(outside, "paths that point out of it"), (links, "links")];
        let kinds = kinds.iter().filter(|(count, _)| *count > 0);
        let kinds: Vec<String> = kinds
            .map(|(count, what)| format!("{what}: {count}"))
            .collect();
        (!kinds.is_empty())
            .then(|| format!("entries of the archive are left out ({})", kinds.join(", ")))
    }

    /// The names in a folder; `None` if there is no such folder.
    pub(crate) fn names(&self, folder: &str) -> Option<&Names> {
        self.folders.get(folder)
    }

    /// Whether a file is there.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.files.contains_key(file)
    }

    /// The bytes of a file, at most `limit` and one more.
    pub(crate) fn read(&self, path: &Path, file: &str, limit: u64) -> Result<Vec<u8>, DataError> {
        match self.files.get(file) {
            Some(Place::Tar(range)) => {
                let bytes = self.bytes.get(range.clone()).unwrap_or_default();
                let most = usize::try_from(limit.saturating_add(1)).unwrap_or(usize::MAX);
                Ok(bytes[..bytes.len().min(most)].to_vec())
            }
            Some(Place::Zip(index)) => self.read_zip(path, *index, limit),
            None => Err(DataError::invalid(
                path,
                "there is no such file in the archive",
            )),
        }
    }

    fn read_zip(&self, path: &Path, index: usize, limit: u64) -> Result<Vec<u8>, DataError> {
        let damaged =
            |problem: String| DataError::invalid(path, format!("cannot be unpacked: {problem}"));
        let Some(mut zip) = self.zip.clone() else {
            return Err(damaged("it is in no zip archive".into()));
        };
        let entry = zip
            .by_index(index)
            .map_err(|problem| damaged(problem.to_string()))?;
        let most = most_unpacked(entry.compressed_size());
        let mut bytes = Vec::new();
        entry
            .take(limit.min(most).saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|problem| damaged(problem.to_string()))?;
        if bytes.len() as u64 > most {
            return Err(damaged(format!(
                "it unpacks to more than {MAX_RATIO} times its size"
            )));
        }
        Ok(bytes)
    }
}

/// The parts of a path in an archive; `None` if it points out of it.
fn normal(name: &str) -> Option<Vec<&str>> {
    let parts = name.split('/');
    let parts: Vec<&str> = parts
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    (!parts.contains(&"..")).then_some(parts)
}

/// How many entries a zip archive says it has, at its end (APPNOTE 4.3.16); `None` where there are
/// too many for that field.
fn zip_entries(bytes: &[u8]) -> Option<usize> {
    let tail = &bytes[bytes.len().saturating_sub((1 << 16) + 22)..];
    let end = tail.windows(4).rposition(|four| four == b"PK\x05\x06")?;
    let count = tail.get(end + 10..end + 12)?;
    let count = u16::from_le_bytes(count.try_into().ok()?);
    (count != u16::MAX).then_some(count.into())
}

/// `folder/name`, or the name alone at the top.
pub(crate) fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.into(),
        folder => format!("{folder}/{name}"),
    }
}

fn too_many(path: &Path, count: usize) -> Result<(), DataError> {
    if count <= MAX_ENTRIES {
        return Ok(());
    }
    let problem = format!("the archive has more than {MAX_ENTRIES} files, the most that is read");
    Err(DataError::invalid(path, problem))
}

/// The content of a gzip file, within limits.
pub(crate) fn unpack(path: &Path, packed: &[u8]) -> Result<Vec<u8>, DataError> {
    let most = most_unpacked(packed.len() as u64);
    let mut bytes = Vec::new();
    MultiGzDecoder::new(packed)
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|problem| {
            DataError::invalid(path, format!("the gzip stream is damaged: {problem}"))
        })?;
    if bytes.len() as u64 > most {
        let problem = format!(
            "the gzip stream unpacks to more than {MAX_RATIO} times its size, which no image data do"
        );
        return Err(DataError::invalid(path, problem));
    }
    Ok(bytes)
}
