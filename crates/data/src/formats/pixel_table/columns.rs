//! What the columns of a table of pixels are.

use bakeoff_core::ImageShape;

use crate::table::{LABEL, USAGE, column};

/// Names of columns that number the rows.
const ID: [&str; 7] = [
    "id", "image_id", "imageid", "index", "idx", "row_id", "rowid",
];

/// Fewer numbers in a row may be labels and pixels.
const LEAST_NUMBERED: usize = 16;

/// What the columns of a table are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) label: Option<usize>,
    pub(super) usage: Option<usize>,
    pub(super) group: Option<usize>,
    /// The column that numbers the rows, and its name.
    pub(super) id: Option<(usize, String)>,
    pub(super) pixels: Vec<usize>,
    /// The only one of `pixels` holds all of an image as one text.
    pub(super) one_text: bool,
    /// The label is the first or the last of `pixels`.
    pub(super) undecided: bool,
    /// Height and width, if the names say them.
    pub(super) sides: Option<(usize, usize)>,
}

/// Whether the first row is a line of column names.
pub(super) fn is_header(row: &[String]) -> bool {
    let words = row
        .iter()
        .filter(|field| field.parse::<f64>().is_err())
        .count();
    2 * words > row.len() || is_numbered(row)
}

/// Whether the row counts up, as pandas names columns, apart from a few fields.
fn is_numbered(row: &[String]) -> bool {
    let numbers: Vec<Option<usize>> = row.iter().map(|field| field.parse().ok()).collect();
    let steps = numbers
        .windows(2)
        .filter(|pair| matches!(pair, [Some(a), Some(b)] if *b == a + 1))
        .count();
    steps >= LEAST_NUMBERED - 1 && steps + 4 >= row.len()
}

/// Whether so many pixels are a square image, grey or RGB.
pub(super) fn shape_of(pixels: usize, sides: Option<(usize, usize)>) -> Option<ImageShape> {
    if let Some((height, width)) = sides {
        return [1, 3]
            .into_iter()
            .find(|channels| height.checked_mul(width).map(|n| n * channels) == Some(pixels))
            .map(|channels| ImageShape::new(channels, height, width));
    }
    [1, 3].into_iter().find_map(|channels| {
        let side = (pixels / channels).isqrt();
        (pixels >= channels * channels && side * side * channels == pixels)
            .then(|| ImageShape::new(channels, side, side))
    })
}

/// The columns of a table, from its header where it has one; an error in words.
pub(super) fn columns(
    first: &[String],
    has_header: bool,
    group: Option<&str>,
) -> Result<Columns, String> {
    let mut found = Columns::default();
    if !has_header {
        found.pixels = (0..first.len()).collect();
        return undecided(found, first.len());
    }
    found.label = column(first, &LABEL);
    found.usage = column(first, &USAGE);
    found.group = group.and_then(|group| column(first, &[&group.to_lowercase()]));
    let is_id = |at: usize| {
        let name = &first[at];
        ID.contains(&name.as_str()) || name.starts_with("unnamed") || (at == 0 && name.is_empty())
    };
    found.id = (0..first.len())
        .find(|&at| is_id(at))
        .map(|at| (at, first[at].clone()));
    found.pixels = (0..first.len())
        .filter(|&at| ![found.label, found.usage, found.group].contains(&Some(at)))
        .filter(|&at| !is_id(at))
        .collect();
    if let Some(pixels) = column(first, &["pixels", "pixel"]) {
        found.pixels = vec![pixels];
        found.one_text = true;
        return Ok(found);
    }
    if let Some(&last) = found.pixels.last()
        && let Some((height, width)) = first[last].split_once('x')
        && let (Ok(height), Ok(width)) = (height.parse(), width.parse())
    {
        let sides = Some((height, width));
        found.sides = shape_of(found.pixels.len(), sides).and(sides);
    }
    if shape_of(found.pixels.len(), found.sides).is_some() {
        return Ok(found);
    }
    match found.label {
        // Numbered columns have no name for the label.
        None => undecided(found, first.len()),
        Some(_) => Err(wrong_count(first.len())),
    }
}

/// A label and an image, in one order or the other.
fn undecided(found: Columns, count: usize) -> Result<Columns, String> {
    let pixels = found.pixels.len().saturating_sub(1);
    match shape_of(pixels, None) {
        Some(_) => Ok(Columns {
            undecided: true,
            ..found
        }),
        None => Err(wrong_count(count)),
    }
}

fn wrong_count(count: usize) -> String {
    format!(
        "{count} columns: a label and the pixels of a square image are needed, 785 for 28×28 grey and 3073 for 32×32 RGB; a column of labels is known by its name, `label`"
    )
}

/// Whether a column looks like labels: not constant, and words, or every whole number from its
/// lowest, 0 or 1, to its highest.
pub(super) fn looks_like_labels<'a>(values: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut distinct = std::collections::BTreeSet::new();
    for value in values {
        let text = std::str::from_utf8(value).unwrap_or_default();
        match text.parse::<f64>() {
            Ok(number) if (0.0..65_535.0).contains(&number) && number.fract() == 0.0 => {
                distinct.insert(number as u16);
            }
            Ok(_) => return false,
            Err(_) => return !text.is_empty(),
        }
    }
    let (Some(&low), Some(&high)) = (distinct.first(), distinct.last()) else {
        return false;
    };
    low <= 1 && high > low && distinct.len() == usize::from(high - low) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Vec<String> {
        text.split(',').map(String::from).collect()
    }

    fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|n| n.to_string()).collect()
    }

    #[test]
    fn a_header_has_words_or_counts_up() {
        assert!(is_header(&row("label,pixel0,pixel1")));
        assert!(is_header(&numbered(0..65)));
        let mut labelled = row(",label");
        labelled.extend(numbered(0..64));
        assert!(is_header(&labelled));
        assert!(!is_header(&row("0,1,2,3,4")));
        assert!(!is_header(&row("cat,1,2,3,4")));
    }

    #[test]
    fn columns_are_known_by_their_names() {
        let found = columns(&row("id,a,b,c,d,label"), true, None).unwrap();
        assert_eq!((found.label, found.pixels), (Some(5), vec![1, 2, 3, 4]));
        let found = columns(&row("id,a,b,c,d"), true, None).unwrap();
        assert_eq!((found.label, found.undecided), (None, false));
        let found = columns(&numbered(0..65), true, None).unwrap();
        assert!(found.undecided);
        assert!(columns(&row("label,a,b"), true, None).is_err());
    }

    #[test]
    fn labels_are_without_gaps() {
        let check = |values: &[&str]| looks_like_labels(values.iter().map(|v| v.as_bytes()));
        assert!(check(&["0", "2", "1"]) && check(&["1", "2"]) && check(&["a", "b"]));
        assert!(!check(&["0", "0"]) && !check(&["0", "16"]) && !check(&["0.5", "1"]));
    }
}
