//! What the columns of a table of pixels are.

use bakeoff_core::ImageShape;

use super::pixel_names::{Pixels, pixels};
use crate::{
    notes::some,
    table::{LABEL, USAGE, column, label_columns},
};

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
    /// The names say that the three colours are planes in this order.
    pub(super) planes: bool,
    /// The names of all columns, in lower case, where there is a header.
    pub(super) names: Option<Vec<String>>,
    /// How many fields a row has.
    pub(super) fields: usize,
    /// What was assumed or left out.
    pub(super) notes: Vec<String>,
}

/// What a person states about the columns.
#[derive(Clone, Copy, Default)]
pub(super) struct Stated<'a> {
    pub(super) label: Option<&'a str>,
    /// That label is the training table's: another one may have a known name, or none.
    pub(super) as_training: bool,
    pub(super) group: Option<&'a str>,
    /// The pixels of an image of a model that is asked: a table without names may hold them
    /// alone.
    pub(super) image: Option<usize>,
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
        .filter(|pair| matches!(pair, [Some(a), Some(b)] if a.checked_add(1) == Some(*b)))
        .count();
    steps >= LEAST_NUMBERED - 1 && steps + 4 >= row.len()
}

/// Whether so many pixels are a square image, grey or RGB.
pub(super) fn shape_of(pixels: usize, sides: Option<(usize, usize)>) -> Option<ImageShape> {
    if let Some((height, width)) = sides {
        return [1, 3]
            .into_iter()
            .find(|channels| {
                height
                    .checked_mul(width)
                    .and_then(|n| n.checked_mul(*channels))
                    == Some(pixels)
            })
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
    stated: Stated<'_>,
) -> Result<Columns, String> {
    let mut found = Columns {
        fields: first.len(),
        ..Columns::default()
    };
    if !has_header {
        found.pixels = (0..first.len()).collect();
        let Some(label) = stated.label else {
            return match stated.image == Some(first.len()) {
                true => Ok(found),
                false => undecided(found),
            };
        };
        let at = label.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
        let at = at.filter(|&at| at < first.len()).ok_or_else(|| {
            format!(
                "the columns have no names, so that there is no column `{label}`: state its number, from 1 to {}",
                first.len()
            )
        })?;
        found.label = Some(found.pixels.remove(at));
        return match shape_of(found.pixels.len(), None) {
            Some(_) => Ok(found),
            None => Err(wrong_count(first.len())),
        };
    }
    found.label = match stated.label {
        None => column(first, &LABEL),
        Some(label) if stated.as_training => {
            column(first, &[&label.to_lowercase()]).or_else(|| column(first, &LABEL))
        }
        Some(label) => {
            let at = column(first, &[&label.to_lowercase()]);
            Some(at.ok_or_else(|| {
                let names = some(first);
                format!("there is no column `{label}`, which is stated as the label, among {names}")
            })?)
        }
    };
    found.names = Some(first.to_vec());
    found.usage = column(first, &USAGE);
    found.group = stated
        .group
        .and_then(|group| column(first, &[&group.to_lowercase()]));
    let is_id = |at: usize| {
        let name = &first[at];
        ID.contains(&name.as_str()) || name.starts_with("unnamed") || (at == 0 && name.is_empty())
    };
    let known =
        |found: &Columns, at: usize| [found.label, found.usage, found.group].contains(&Some(at));
    found.id = (0..first.len())
        .find(|&at| is_id(at) && !known(&found, at))
        .map(|at| (at, first[at].clone()));
    found.pixels = (0..first.len())
        .filter(|&at| !known(&found, at) && !is_id(at))
        .collect();
    if let Some(pixels) = column(first, &["pixels", "pixel"]) {
        let others = found.pixels.iter().copied().filter(|&at| at != pixels);
        let others: Vec<usize> = others.collect();
        found.pixels = vec![pixels];
        found.one_text = true;
        left_out(&mut found, first, &others, stated)?;
        return Ok(found);
    }
    if let Some(Pixels {
        columns,
        planes,
        note,
    }) = pixels(first, &found.pixels)
        && shape_of(columns.len(), None).is_some()
    {
        let others = found.pixels.iter().copied();
        let others: Vec<usize> = others.filter(|at| !columns.contains(at)).collect();
        let (others, alpha): (Vec<usize>, Vec<usize>) = match planes {
            true => others
                .into_iter()
                .partition(|&at| !first[at].contains(|c: char| c.is_ascii_digit())),
            false => (others, Vec::new()),
        };
        if !alpha.is_empty() {
            found.notes.push(format!(
                "{} columns of transparency are left out",
                alpha.len()
            ));
        }
        found.pixels = columns;
        found.planes = planes;
        found.notes.extend(note);
        found.sides = sides(first, &found);
        left_out(&mut found, first, &others, stated)?;
        return Ok(found);
    }
    found.sides = sides(first, &found);
    if shape_of(found.pixels.len(), found.sides).is_some() {
        return Ok(found);
    }
    match found.label {
        // Numbered columns have no name for the label.
        None => undecided(found),
        Some(_) => Err(wrong_count(first.len())),
    }
}

/// What columns beside the pixels are: the label, if it is not known, or nothing that is used.
fn left_out(
    found: &mut Columns,
    first: &[String],
    others: &[usize],
    stated: Stated<'_>,
) -> Result<(), String> {
    let shown = |at: usize| match first[at].as_str() {
        "" => format!("{} (without a name)", at + 1),
        name => format!("`{name}`"),
    };
    let labels = label_columns(first).into_iter();
    let labels: Vec<String> = labels
        .filter(|at| others.contains(at) || found.label == Some(*at))
        .map(shown)
        .collect();
    if stated.label.is_none() && labels.len() > 1 {
        return Err(format!(
            "{} could each be the label: state which is meant, as in --label {}",
            labels.join(" and "),
            first[found.label.unwrap_or_default()]
        ));
    }
    let names: Vec<String> = others.iter().map(|&at| shown(at)).collect();
    match (found.label, others) {
        (_, []) => {}
        (None, &[only]) if !first[only].is_empty() && !stated.as_training => {
            found.label = Some(only);
            let name = &names[0];
            found.notes.push(format!(
                "the column {name} is taken as the label, because it alone is beside the pixels"
            ));
        }
        // Nobody needs labels to ask a model.
        (None, _) if stated.image.is_none() && !stated.as_training => {
            return Err(format!(
                "the columns {} are beside the pixels, and none is known as the label: state which is, as in --label {}",
                some(&names),
                first[others[0]]
            ));
        }
        _ => found.notes.push(format!(
            "columns that are neither the label nor pixels are not used: {}",
            some(&names)
        )),
    }
    Ok(())
}

/// Height and width, as the name of the last pixel says them.
fn sides(first: &[String], found: &Columns) -> Option<(usize, usize)> {
    let (height, width) = first[*found.pixels.last()?].split_once('x')?;
    let sides = Some((height.parse().ok()?, width.parse().ok()?));
    shape_of(found.pixels.len(), sides).and(sides)
}

/// A label and an image, in one order or the other.
fn undecided(found: Columns) -> Result<Columns, String> {
    let pixels = found.pixels.len().saturating_sub(1);
    match shape_of(pixels, None) {
        Some(_) => Ok(Columns {
            undecided: true,
            ..found
        }),
        None => Err(wrong_count(found.fields)),
    }
}

fn wrong_count(count: usize) -> String {
    format!(
        "{count} columns: a label and the pixels of a square image are needed, 785 for 28×28 grey and 3073 for 32×32 RGB; a column of labels is known by its name, `label`, or stated with --label"
    )
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

    fn named(text: &str) -> Result<Columns, String> {
        columns(&row(text), true, Stated::default())
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
        let found = named("id,a,b,c,d,label").unwrap();
        assert_eq!((found.label, found.pixels), (Some(5), vec![1, 2, 3, 4]));
        let found = named("id,a,b,c,d").unwrap();
        assert_eq!((found.label, found.undecided), (None, false));
        let found = columns(&numbered(0..65), true, Stated::default()).unwrap();
        assert!(found.undecided);
        assert!(named("label,a,b").is_err());
    }

    #[test]
    fn the_only_column_beside_the_pixels_is_the_label() {
        for (text, label) in [("kind,p0,p1,p2,p3", 0), ("p0,p1,p2,p3,kind", 4)] {
            let found = named(text).unwrap();
            assert_eq!((found.label, found.undecided), (Some(label), false));
            assert!(found.notes[0].contains("`kind`"), "{:?}", found.notes);
        }
        for (text, words) in [
            (
                "kind,maker,p0,p1,p2,p3",
                ["`kind`, `maker`", "--label kind"],
            ),
            (
                "class,label,p0,p1,p2,p3",
                ["`label` and `class`", "--label label"],
            ),
        ] {
            let problem = named(text).unwrap_err();
            assert!(words.iter().all(|word| problem.contains(word)), "{problem}");
        }
        let found = named("label,writer,p0,p1,p2,p3,").unwrap();
        assert_eq!(found.pixels, [2, 3, 4, 5]);
        assert!(found.notes[0].contains("`writer`, 7 (without a name)"));
    }

    #[test]
    fn a_stated_label_counts() {
        let stated = |label| Stated {
            label: Some(label),
            ..Stated::default()
        };
        let found = columns(
            &row("label,Kind,p0,p1,p2,p3")
                .iter()
                .map(|n| n.to_lowercase())
                .collect::<Vec<_>>(),
            true,
            stated("Kind"),
        );
        assert_eq!(found.unwrap().label, Some(1));
        let found = columns(&row("9,9,2,9,9"), false, stated("3")).unwrap();
        assert_eq!((found.label, found.pixels), (Some(2), vec![0, 1, 3, 4]));
        for (text, header, label) in [("a,p0,p1,p2,p3", true, "b"), ("9,9,2,9,9", false, "6")] {
            let problem = columns(&row(text), header, stated(label)).unwrap_err();
            assert!(problem.contains(&format!("`{label}`")), "{problem}");
        }
    }

    #[test]
    fn names_say_the_order_of_pixels_and_colours() {
        let found = named("label,p1,p10,p2,p3,p4,p5,p6,p7,p8,p9,p11,p12,p13,p14,p15,p16").unwrap();
        assert_eq!(found.pixels[..4], [1, 3, 4, 5]);
        assert_eq!(found.pixels[9], 2);
        assert!(found.notes[0].contains("numbers"), "{:?}", found.notes);
        let found = named("label,0_r,0_g,0_b,0_a,1_r,1_g,1_b,1_a,2_r,2_g,2_b,2_a,3_r,3_g,3_b,3_a");
        let found = found.unwrap();
        assert!(found.planes);
        assert_eq!(found.pixels, [1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]);
        assert!(
            found
                .notes
                .iter()
                .any(|note| note.contains("4 columns of transparency"))
        );
    }
}
