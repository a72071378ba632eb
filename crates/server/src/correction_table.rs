//! `labels.csv` of a personal dataset: a table that people edit between two corrections.
//!
//! Rows are written by the columns of the header that is there, in any order, with columns left
//! out where the header has none; texts that a spreadsheet would take for formulas have an
//! apostrophe before them, which is not read again ([`cell_of_text`]). A header with a column that
//! is not known is refused: the value to write there is not known either. The end of a row that a
//! crash cut off is moved to [`TORN`], so that it harms no row after it.
//!
//! A table is read once; then its length and the time of its last change say whether somebody else
//! has changed it. So a correction costs the same in a table of ten rows and of a million.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use bakeoff_core::cell_of_text;
use bakeoff_store::files;

use crate::{
    correction_scan::{COLUMNS, Known, MOST_BYTES, reader, scan},
    folders::failed,
    problem::{Code, Problem},
};

/// The table's name in its folder.
pub(crate) const TABLE: &str = "labels.csv";

/// Where ends of rows are moved to that a crash cut off.
const TORN: &str = "labels.torn.csv";

/// The most rows: to evaluate a model on more takes a dataset, not corrections.
const MOST_ROWS: usize = 2_000_000;

/// How long another process may hold the table before a correction is refused for the moment.
const PATIENCE: Duration = Duration::from_secs(2);

/// The end of a table in which its last row is looked for.
const TAIL: u64 = 64 << 10;

/// A row, by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) file: String,
    pub(crate) label: String,
    pub(crate) predicted: String,
    pub(crate) model: String,
    pub(crate) time: String,
}

impl Row {
    fn value(&self, column: &str) -> &str {
        match column {
            "file" => &self.file,
            "label" => &self.label,
            "predicted" => &self.predicted,
            "model" => &self.model,
            _ => &self.time,
        }
    }
}

/// Tables that were read, by their path.
#[derive(Default)]
pub(crate) struct Tables {
    known: Mutex<HashMap<PathBuf, Known>>,
}

/// A table that this process alone may change, until it is dropped.
pub(crate) struct OpenTable<'a> {
    tables: &'a Tables,
    path: PathBuf,
    file: File,
    known: Known,
}

impl Tables {
    /// Opens the table in a folder, and makes it where it is missing.
    ///
    /// # Errors
    /// When another process holds it, its header has a column that is not known, or the disk fails.
    pub(crate) fn open(&self, folder: &Path) -> Result<OpenTable<'_>, Problem> {
        let path = folder.join(TABLE);
        files::check_if_there(&path).map_err(failed(&path))?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed(&path))?;
        lock(&file, &path)?;
        if file.metadata().map_err(failed(&path))?.len() == 0 {
            let header = line(&COLUMNS).map_err(failed(&path))?;
            file.write_all(&header).map_err(failed(&path))?;
        }
        let known = match self.remembered(&path, &file)? {
            Some(known) => known,
            None => read(folder, &path, &mut file)?,
        };
        Ok(OpenTable {
            tables: self,
            path,
            file,
            known,
        })
    }

    /// How many rows the table in a folder has.
    ///
    /// # Errors
    /// When it is damaged or cannot be read.
    pub(crate) fn count(&self, folder: &Path) -> Result<usize, Problem> {
        let path = folder.join(TABLE);
        let file = files::open(&path).map_err(failed(&path))?;
        if let Some(known) = self.remembered(&path, &file)? {
            return Ok(known.rows);
        }
        // Reading needs no lock: a row that is being written is not counted.
        let scanned = scan(&path, &file)?;
        let mut known = scanned.known;
        if scanned.torn_at.is_none() {
            let found = file.metadata().map_err(failed(&path))?;
            (known.length, known.changed) = (found.len(), found.modified().ok());
            self.remember(&path, known.clone());
        }
        Ok(known.rows)
    }

    fn remembered(&self, path: &Path, file: &File) -> Result<Option<Known>, Problem> {
        let found = file.metadata().map_err(failed(path))?;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &&Known| {
            known.length == found.len()
                && known.changed.is_some()
                && known.changed == found.modified().ok()
        };
        Ok(known.get(path).filter(same).cloned())
    }

    fn remember(&self, path: &Path, known: Known) {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(path.to_owned(), known);
    }
}

/// Takes turns with other servers on the same folder; closing the file ends the lock.
fn lock(file: &File, path: &Path) -> Result<(), Problem> {
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            // A file system without locks: one server is what most people have.
            Err(TryLockError::Error(_)) => return Ok(()),
            Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Problem::new(
                    Code::Busy,
                    format!(
                        "{} is in use by another program; close it and try again",
                        path.display()
                    ),
                ));
            }
        }
    }
}

/// Reads a table that this process has locked, and sets a torn end aside.
fn read(folder: &Path, path: &Path, file: &mut File) -> Result<Known, Problem> {
    let scanned = scan(path, file)?;
    if let Some(start) = scanned.torn_at {
        let mut torn = Vec::new();
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.read_to_end(&mut torn))
            .map_err(failed(path))?;
        torn.push(b'\n');
        let aside = folder.join(TORN);
        // First there, then gone here: a crash in between leaves it twice, and never nowhere.
        files::check_if_there(&aside)
            .and_then(|()| {
                let mut options = OpenOptions::new();
                options.create(true).append(true).open(&aside)
            })
            .and_then(|mut aside| {
                aside.write_all(&torn)?;
                aside.sync_all()
            })
            .map_err(failed(&aside))?;
        file.set_len(start).map_err(failed(path))?;
    }
    Ok(scanned.known)
}

fn ends_with_line_feed(mut file: &File, length: u64) -> io::Result<bool> {
    if length == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == [b'\n'])
}

fn line(values: &[impl AsRef<[u8]>]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(values).map_err(io::Error::other)?;
    writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))
}

impl OpenTable<'_> {
    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.known.rows
    }

    /// A number that no file in it has.
    pub(crate) fn next_number(&self) -> usize {
        self.known.next_number
    }

    /// Refuses another row where there are too many.
    ///
    /// # Errors
    /// With what to do.
    pub(crate) fn check_room(&self) -> Result<(), Problem> {
        let length = self.file.metadata().map_err(failed(&self.path))?.len();
        // A row that is added must not make the table one that is not read.
        if self.known.rows < MOST_ROWS && length < MOST_BYTES - TAIL {
            return Ok(());
        }
        Err(Problem::invalid(format!(
            "{} has {} corrections, the most that are kept; move its folder away, or start the \
             server with another --corrections-dir",
            self.path.display(),
            self.known.rows
        )))
    }

    /// Adds a row at the end; `number` is that of its file.
    ///
    /// # Errors
    /// When the disk fails; the table is then as before.
    pub(crate) fn append(&mut self, row: &Row, number: usize) -> Result<(), Problem> {
        let length = self.file.metadata().map_err(failed(&self.path))?.len();
        let columns = self.known.columns.iter();
        let values: Vec<String> = columns
            .map(|column| cell_of_text(row.value(column)).into_owned())
            .collect();
        let added = line(&values).and_then(|mut line| {
            // Editors may leave out the last line feed; the row must start a new line.
            if !ends_with_line_feed(&self.file, length)? {
                line.insert(0, b'\n');
            }
            self.file.seek(SeekFrom::Start(length))?;
            self.file.write_all(&line)?;
            self.file.sync_all()
        });
        if let Err(error) = added {
            let _ = self.file.set_len(length);
            return Err(failed(&self.path)(error));
        }
        self.known.rows += 1;
        self.known.next_number = self.known.next_number.max(number.saturating_add(1));
        self.remember()
    }

    /// Removes the last row if its file has this name. Cutting the end off a table needs no
    /// second copy of it. False if the last row is another one, or there is none.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn remove_last(&mut self, file: &str) -> Result<bool, Problem> {
        let length = self.file.metadata().map_err(failed(&self.path))?.len();
        let file_at = self.known.columns.iter().position(|name| name == "file");
        let last = self.last_row(length).map_err(failed(&self.path))?;
        let Some((start, values)) = last.filter(|(_, values)| {
            self.known.rows > 0 && file_at.is_some_and(|at| values.get(at) == Some(file))
        }) else {
            return Ok(false);
        };
        drop(values);
        self.file
            .set_len(start)
            .and_then(|()| self.file.sync_all())
            .map_err(failed(&self.path))?;
        self.known.rows -= 1;
        // The number is free again; where it is not, the next one is taken.
        self.known.next_number = self.known.next_number.saturating_sub(1).max(1);
        self.remember()?;
        Ok(true)
    }

    /// The last row and where it begins: in the table's tail, and in all of it where a value is so
    /// long, or has a line feed in it.
    fn last_row(&mut self, length: u64) -> io::Result<Option<(u64, csv::StringRecord)>> {
        let columns = self.known.columns.len();
        let from = length.saturating_sub(TAIL);
        self.file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        self.file.read_to_end(&mut tail)?;
        let body = tail.strip_suffix(b"\n").unwrap_or(&tail);
        if let Some(before) = body.iter().rposition(|&byte| byte == b'\n') {
            let mut rows = reader(&tail[before + 1..]).into_records();
            if let Some(Ok(row)) = rows.next()
                && row.len() == columns
                && !body[before + 1..].contains(&b'"')
            {
                return Ok(Some((from + before as u64 + 1, row)));
            }
        }
        self.file.rewind()?;
        let mut last = None;
        for row in reader(io::BufReader::new(&self.file))
            .into_records()
            .skip(1)
        {
            last = Some(row?);
        }
        Ok(last.map(|row| (row.position().map_or(0, csv::Position::byte), row)))
    }

    /// Notes the state that this process has made.
    fn remember(&self) -> Result<(), Problem> {
        let found = self.file.metadata().map_err(failed(&self.path))?;
        let known = Known {
            length: found.len(),
            changed: found.modified().ok(),
            ..self.known.clone()
        };
        self.tables.remember(&self.path, known);
        Ok(())
    }
}
