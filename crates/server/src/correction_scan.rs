//! Reading `labels.csv` from its beginning to its end: what is in it, and where a crash cut it off.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
    time::SystemTime,
};

use crate::{folders::failed, problem::Problem};

/// The columns of a new table, in its order.
pub(crate) const COLUMNS: [&str; 5] = ["file", "label", "predicted", "model", "time"];

/// What is known of a table that was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) length: u64,
    pub(crate) changed: Option<SystemTime>,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: usize,
    /// Larger than the number of every file that is named in it.
    pub(crate) next_number: usize,
}

/// What a whole reading found.
pub(crate) struct Scanned {
    pub(crate) known: Known,
    /// Where the end begins that a crash cut off.
    pub(crate) torn_at: Option<u64>,
}

/// The longest table that is read: more than 2,000,000 rows of 100 bytes.
pub(crate) const MOST_BYTES: u64 = 256 << 20;

/// Reads all of a table.
pub(crate) fn scan(path: &Path, mut file: &File) -> Result<Scanned, Problem> {
    let length = file.metadata().map_err(failed(path))?.len();
    if length > MOST_BYTES {
        return Err(Problem::internal(format!(
            "{}: {length} bytes, and a table of corrections has {MOST_BYTES} at most; correct it, \
             or move it to another folder",
            path.display()
        )));
    }
    file.rewind().map_err(failed(path))?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(io::BufReader::new(file));
    let damaged = |error: csv::Error| Problem::internal(format!("{}: {error}", path.display()));
    let header = reader.headers().map_err(damaged)?;
    let columns: Vec<String> = header
        .iter()
        .map(|name| name.trim().trim_start_matches('\u{feff}').to_owned())
        .collect();
    check_columns(path, &columns)?;
    let at = |name: &str| columns.iter().position(|column| column == name);
    let (file_at, time_at) = (at("file"), at("time"));
    let mut known = Known {
        length: 0,
        changed: None,
        rows: 0,
        next_number: 1,
        columns: Vec::new(),
    };
    let mut record = csv::StringRecord::new();
    // A row with too few values is torn where it is the last one, and else a mistake.
    let mut incomplete: Option<(u64, u64)> = None;
    let mut last = None;
    let mut last_time = String::new();
    loop {
        let position = reader.position().clone();
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            // Half a character: only a crash leaves that, and only at the end.
            Err(error) => {
                let mut rest = reader.records().skip_while(Result::is_err);
                if rest.next().is_some() {
                    return Err(damaged(error));
                }
                incomplete = Some((position.byte(), position.line()));
                break;
            }
        }
        if let Some((_, line)) = incomplete {
            return Err(wrong_row(path, line, columns.len()));
        }
        let place = record.position().unwrap_or(&position);
        let place = (place.byte(), place.line());
        if record.len() != columns.len() {
            incomplete = Some(place);
            continue;
        }
        known.rows += 1;
        let number = file_at
            .and_then(|at| record.get(at)?.strip_suffix(".png")?.parse::<usize>().ok())
            .unwrap_or_default();
        known.next_number = known.next_number.max(number.saturating_add(1));
        last = Some(place);
        last_time.clear();
        last_time.push_str(time_at.and_then(|at| record.get(at)).unwrap_or_default());
    }
    drop(reader);
    let (start, line) = incomplete.or(last).unwrap_or((0, 1));
    let end = bytes_from(file, start).map_err(failed(path))?;
    // What is written at once is one line: of more, a crash is not the cause.
    let row = end.trim_ascii_start();
    let is_cut = !row.is_empty() && !row.contains(&b'\n');
    let is_quote_open = is_quote_open(&end);
    let is_time_cut =
        time_at == Some(columns.len() - 1) && last_time.parse::<jiff::Timestamp>().is_err();
    let torn_at = match (incomplete, last) {
        (Some(_), _) if is_cut => Some(start),
        (Some(_), _) => return Err(wrong_row(path, line, columns.len())),
        // All its values are there, and the last one is cut.
        (None, Some(_)) if is_cut && (is_quote_open || is_time_cut) => {
            known.rows -= 1;
            Some(start)
        }
        // Rows that follow would be a part of that value.
        _ if is_quote_open => {
            let problem = format!(
                "{}: line {line}: a quotation mark is not closed; correct it",
                path.display()
            );
            return Err(Problem::internal(problem));
        }
        _ => None,
    };
    known.columns = columns;
    Ok(Scanned { known, torn_at })
}

fn wrong_row(path: &Path, line: u64, columns: usize) -> Problem {
    Problem::internal(format!(
        "{}: line {line} has not the {columns} values that the header names; correct it",
        path.display()
    ))
}

/// Refuses a header by which no row can be written.
fn check_columns(path: &Path, columns: &[String]) -> Result<(), Problem> {
    let refused =
        |problem: String| Err(Problem::internal(format!("{}: {problem}", path.display())));
    for (position, column) in columns.iter().enumerate() {
        if !COLUMNS.contains(&column.as_str()) {
            // Spreadsheets of some languages separate values in this way.
            if columns.len() == 1 && column.contains([';', '\t']) {
                return refused("its values have to be separated by commas".into());
            }
            return refused(format!(
                "the column `{}` is not known; there are: {}. Remove it, or move the table to \
                 another folder",
                column.escape_debug(),
                COLUMNS.join(", ")
            ));
        }
        if columns[..position].contains(column) {
            return refused(format!("the column `{column}` is there twice; remove one"));
        }
    }
    for needed in ["file", "label"] {
        if !columns.iter().any(|column| column == needed) {
            return refused(format!("the column `{needed}` is missing from the header"));
        }
    }
    Ok(())
}

fn bytes_from(mut file: &File, start: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a last row ends within quotation marks: then a row after it is a part of it.
fn is_quote_open(row: &[u8]) -> bool {
    let rows = |from: &mut dyn io::Read| reader(from).into_byte_records().count();
    rows(&mut row.chain(&b"\nx\n"[..])) == rows(&mut &row[..])
}

pub(crate) fn reader<R: io::Read>(from: R) -> csv::Reader<R> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(from)
}
