//! What is in a folder, on disk or in an archive, and how a missing file is reported.
//!
//! Every format reads through [`Listing`], so that each is written once and works in a zip or
//! tar archive too. A folder on disk is read when it is asked for: a person may name one that
//! holds far more than a dataset.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufRead, BufReader, Cursor, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    archive::{self, Archive, MAX_UNPACKED, join},
    endings::{ending, is_picture},
    error::DataError,
    hidden::is_hidden,
};

/// Enough of a file to recognise what it is.
pub(crate) const HEAD_BYTES: u64 = 1 << 16;

/// The names in a folder, read once. What is not UTF-8 in a name is replaced, so that a
/// file of such a name can be listed but not opened. Hidden files are left out.
#[derive(Clone)]
pub(crate) struct Listing {
    tree: Arc<Tree>,
    /// The folder within the tree; empty for its top.
    inside: String,
    folder: PathBuf,
    /// What was named, which errors show: the folder, or the only file of it that is looked at.
    path: PathBuf,
    files: Vec<String>,
    folders: Vec<String>,
}

/// Where files come from.
struct Tree {
    /// What the person named; the folder of it, where it is a plain file.
    root: PathBuf,
    /// The name of the dataset.
    name: String,
    archive: Option<Archive>,
    /// The only file that is looked at, where the person named one.
    only: Option<String>,
    /// Named pipes, sockets and devices that were come across: reading one might never end.
    special: Mutex<BTreeSet<String>>,
}

/// Endings that are no part of a dataset's name.
const ENDINGS: [&str; 14] = [
    ".gz", ".tgz", ".tar", ".zip", ".csv", ".tsv", ".npz", ".npy", ".pkl", ".pickle", ".parquet",
    ".mat", ".txt", ".bin",
];

/// A file's name without the endings of its format.
pub(crate) fn stem(name: &str) -> &str {
    let mut stem = name;
    while let Some(shorter) = ENDINGS.iter().find_map(|ending| {
        let at = stem.len().checked_sub(ending.len())?;
        let cut = stem.get(at..)?;
        (at > 0 && cut.eq_ignore_ascii_case(ending)).then(|| &stem[..at])
    }) {
        stem = shorter;
    }
    stem
}

/// Opens a file or a link to one; a named pipe would wait for a writer.
fn open_regular(path: &Path) -> io::Result<File> {
    match fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        )),
    }
}

impl Listing {
    /// A folder, an archive, or a file alone.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let unreadable = DataError::unreadable(path);
        let metadata = fs::metadata(path).map_err(&unreadable)?;
        if metadata.is_dir() {
            return Self::new(path);
        }
        if !metadata.is_file() {
            let problem = "this is neither a file nor a folder";
            return Err(DataError::invalid(path, problem));
        }
        let file = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut head = Vec::new();
        File::open(path)
            .and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head))
            .map_err(&unreadable)?;
        let tree = if archive::is_archive(&file, &head) {
            let bytes = fs::read(path).map_err(&unreadable)?;
            Tree {
                root: path.into(),
                name: stem(&file).into(),
                archive: Some(Archive::new(path, bytes)?),
                only: None,
                special: Mutex::default(),
            }
        } else {
            Tree {
                root: path.parent().unwrap_or(Path::new("")).into(),
                name: stem(&file).into(),
                archive: None,
                only: Some(file),
                special: Mutex::default(),
            }
        };
        Self::of(Arc::new(tree), String::new())
    }

    /// A folder on disk.
    pub(crate) fn new(path: &Path) -> Result<Self, DataError> {
        let named = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
        let name = named(path)
            .or_else(|| named(&fs::canonicalize(path).ok()?))
            .unwrap_or_else(|| "dataset".into());
        let tree = Tree {
            root: path.into(),
            name,
            archive: None,
            only: None,
            special: Mutex::default(),
        };
        Self::of(Arc::new(tree), String::new())
    }

    fn of(tree: Arc<Tree>, inside: String) -> Result<Self, DataError> {
        let folder = tree.path(&inside);
        let (files, folders) = tree.names(&inside, &folder)?;
        let path = match &tree.only {
            Some(file) => folder.join(file),
            None => folder.clone(),
        };
        Ok(Self {
            tree,
            inside,
            folder,
            path,
            files,
            folders,
        })
    }

    /// A folder in this one; `folder` may have several parts.
    pub(crate) fn inside(&self, folder: &str) -> Result<Self, DataError> {
        Self::of(Arc::clone(&self.tree), join(&self.inside, folder))
    }

    /// Whether a file is an image that is read: by its name, and without an ending by its content.
    pub(crate) fn is_picture(&self, file: &str) -> bool {
        let by_content = || {
            let head = self.read(file, 64);
            head.is_ok_and(|head| bakeoff_picture::is_image(&head))
        };
        is_picture(file) || (ending(file).is_none() && by_content())
    }

    /// Whether a file is an archive of files.
    pub(crate) fn is_archive(&self, file: &str) -> bool {
        self.tree.archive.is_none()
            && self
                .read(file, HEAD_BYTES)
                .is_ok_and(|head| archive::is_archive(file, &head))
    }

    /// A file of this archive that is an archive itself.
    pub(crate) fn nested_archive(&self) -> Option<&str> {
        self.tree.archive.as_ref()?;
        self.files().find(|file| {
            let head = self.read(file, HEAD_BYTES);
            head.is_ok_and(|head| archive::is_archive(file, &head))
        })
    }

    /// The file that is all there is, where it has no bytes.
    pub(crate) fn empty_file(&self) -> Option<&str> {
        let mut files = self.files();
        let only = files.next().filter(|_| self.folders.is_empty())?;
        let is_empty = files.next().is_none() && self.read(only, 1).ok()?.is_empty();
        is_empty.then_some(only)
    }

    /// What is in an archive, under the name of this folder's dataset.
    pub(crate) fn archive(&self, file: &str) -> Result<Self, DataError> {
        let path = self.path_of(file);
        let bytes = self.read(file, MAX_UNPACKED)?;
        let tree = Tree {
            name: self.tree.name.clone(),
            archive: Some(Archive::new(&path, bytes)?),
            root: path,
            only: None,
            special: Mutex::default(),
        };
        Self::of(Arc::new(tree), String::new())
    }

    /// What is in its archive and not read, in words.
    pub(crate) fn left_out(&self) -> Option<String> {
        self.tree.archive.as_ref()?.left_out()
    }

    /// The folder with all that is in it, where the person named one file of it.
    pub(crate) fn whole(&self) -> Result<Self, DataError> {
        match self.tree.only {
            Some(_) => Self::new(&self.folder),
            None => Ok(self.clone()),
        }
    }

    /// What was named: the folder, or the only file of it that is looked at.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it, as an error shows it.
    pub(crate) fn path_of(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// The names of the files in it, sorted.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The names of the folders in it, sorted.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(String::as_str)
    }

    /// The dataset's name: that of the folder, or of the file without its ending.
    pub(crate) fn name(&self) -> String {
        self.tree.name.clone()
    }

    /// The one file that the person named, where they named a file that is no archive.
    pub(crate) fn only(&self) -> Option<&str> {
        self.tree.only.as_deref()
    }

    /// Whether a file is there; `file` may have several parts.
    pub(crate) fn has(&self, file: &str) -> bool {
        let file = join(&self.inside, file);
        match &self.tree.archive {
            None => self.tree.root.join(file).is_file(),
            Some(archive) => archive.has(&file),
        }
    }

    /// The bytes of a file as they are stored, at most `limit` and one more.
    pub(crate) fn read(&self, file: &str, limit: u64) -> Result<Vec<u8>, DataError> {
        let path = self.path_of(file);
        if let Some(archive) = &self.tree.archive {
            return archive.read(&path, &join(&self.inside, file), limit);
        }
        let mut bytes = Vec::new();
        open_regular(&path)
            .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(DataError::unreadable(&path))?;
        Ok(bytes)
    }

    /// The first bytes of a file, unpacked if it is gzip. Damaged gzip gives what there is.
    pub(crate) fn head(&self, file: &str) -> Result<Vec<u8>, DataError> {
        let stored = self.read(file, HEAD_BYTES - 1)?;
        if !stored.starts_with(&[0x1f, 0x8b]) {
            return Ok(stored);
        }
        let mut head = Vec::new();
        let mut unpacked = flate2::read::MultiGzDecoder::new(&stored[..]).take(HEAD_BYTES);
        // It is cut short on purpose.
        let _ = unpacked.read_to_end(&mut head);
        Ok(head)
    }

    /// All bytes of a file, unpacked if its content is gzip.
    pub(crate) fn unpacked(&self, file: &str) -> Result<Vec<u8>, DataError> {
        let stored = self.read(file, MAX_UNPACKED)?;
        if stored.len() as u64 > MAX_UNPACKED {
            let problem = format!("the file is longer than {} GiB", MAX_UNPACKED >> 30);
            return Err(DataError::invalid(&self.path_of(file), problem));
        }
        if stored.starts_with(&[0x1f, 0x8b]) {
            return archive::unpack(&self.path_of(file), &stored);
        }
        Ok(stored)
    }

    /// A reader of a file as it is stored, and the number of its bytes.
    pub(crate) fn reader(&self, file: &str) -> Result<(Box<dyn BufRead + Send>, u64), DataError> {
        if self.tree.archive.is_some() {
            let bytes = self.read(file, MAX_UNPACKED)?;
            let length = bytes.len() as u64;
            return Ok((Box::new(Cursor::new(bytes)), length));
        }
        let path = self.path_of(file);
        let unreadable = DataError::unreadable(&path);
        let file = open_regular(&path).map_err(&unreadable)?;
        let length = file.metadata().map_err(&unreadable)?.len();
        Ok((Box::new(BufReader::with_capacity(1 << 16, file)), length))
    }

    /// The named pipes, sockets and devices that were come across, and left out.
    pub(crate) fn special(&self) -> Vec<String> {
        let special = self.tree.special.lock();
        let special = special.unwrap_or_else(PoisonError::into_inner);
        special.iter().cloned().collect()
    }

    /// What is there, for an error message: the first twelve names, then a count.
    pub(crate) fn contents(&self) -> String {
        const SHOWN: usize = 12;
        let folders = self.folders.iter().map(|name| format!("{name}/"));
        let names: Vec<String> = self.files.iter().cloned().chain(folders).collect();
        match names.len() {
            0 => "nothing".into(),
            count if count <= SHOWN => names.join(", "),
            count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
        }
    }

    /// That some of the files of a dataset are not there.
    pub(crate) fn missing(&self, files: &str) -> DataError {
        DataError::invalid(
            &self.folder,
            format!(
                "{files} not found (gzip, with or without .gz, works too). The folder holds {}",
                self.contents()
            ),
        )
    }
}

impl Tree {
    /// A folder of the tree, as it is shown.
    fn path(&self, inside: &str) -> PathBuf {
        match inside {
            "" => self.root.clone(),
            inside => self.root.join(inside),
        }
    }

    /// Files and folders in a folder, sorted.
    fn names(&self, inside: &str, path: &Path) -> Result<(Vec<String>, Vec<String>), DataError> {
        if let Some(file) = &self.only {
            return Ok((vec![file.clone()], Vec::new()));
        }
        if let Some(archive) = &self.archive {
            let names = archive.names(inside).ok_or_else(|| {
                DataError::invalid(path, "there is no such folder in the archive")
            })?;
            let sorted = |names: &BTreeSet<String>| names.iter().cloned().collect();
            return Ok((sorted(&names.files), sorted(&names.folders)));
        }
        let unreadable = DataError::unreadable(path);
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(path).map_err(&unreadable)? {
            let entry = entry.map_err(&unreadable)?;
            let utf8 = entry.file_name().into_string();
            let is_utf8 = utf8.is_ok();
            let name = utf8.unwrap_or_else(|name| name.to_string_lossy().into_owned());
            if is_hidden(&name) {
                continue;
            }
            let mut kind = entry.file_type().map_err(&unreadable)?;
            // A link to a data file is as good as the file; one to nothing is refused when it is read.
            if kind.is_symlink()
                && let Ok(target) = fs::metadata(entry.path())
            {
                kind = target.file_type();
            }
            if !is_utf8 && (kind.is_dir() || is_picture(&name)) {
                let problem = format!("the name of `{name}` is not UTF-8 text: rename it");
                return Err(DataError::invalid(path, problem));
            }
            if kind.is_dir() {
                folders.push(name);
            } else if kind.is_file() || kind.is_symlink() {
                files.push(name);
            } else {
                let mut special = self.special.lock().unwrap_or_else(PoisonError::into_inner);
                special.insert(join(inside, &name));
            }
        }
        files.sort_unstable();
        folders.sort_unstable();
        Ok((files, folders))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_that_is_the_current_one_has_a_name() {
        let here = Listing::new(Path::new(".")).unwrap();
        let expected = std::env::current_dir().unwrap();
        assert_eq!(
            Some(here.name().as_str()),
            expected.file_name().and_then(|n| n.to_str())
        );
    }

    #[test]
    fn a_stem_has_none_of_the_endings() {
        for (name, expected) in [
            ("train.csv.gz", "train"),
            ("MNIST.TAR.GZ", "MNIST"),
            (".csv", ".csv"),
            ("a.b.npz", "a.b"),
            ("plain", "plain"),
        ] {
            assert_eq!(stem(name), expected);
        }
    }
}
