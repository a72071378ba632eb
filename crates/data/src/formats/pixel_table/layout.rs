//! What the columns of a table are: from its header, from its values, and from the columns of the
//! training table.

use super::{
    columns::{Columns, Stated, columns, is_header},
    label_column::{Edge, label_is_last},
};
use crate::{
    error::DataError,
    notes::some,
    table::{Table, lower},
};

/// The columns of a table, and whether the first row is a header.
pub(super) struct Layout {
    pub(super) columns: Columns,
    pub(super) header: bool,
}

/// What the columns of a table are; one without rows is refused.
pub(super) fn layout(
    table: &Table,
    stated: Stated<'_>,
    training: Option<&Layout>,
) -> Result<Layout, DataError> {
    let mut found: Option<Layout> = None;
    let mut edges = [Edge::default(), Edge::default()];
    let looked = table.each_row(|record, line| {
        if found.is_none() {
            let row = lower(record);
            let header = is_header(&row);
            let of_training = training.and_then(|training| {
                let names = training.columns.names.as_ref()?;
                names.get(training.columns.label?).map(String::as_str)
            });
            let stated = match of_training.filter(|_| header) {
                None => stated,
                label => Stated {
                    label,
                    as_training: true,
                    ..stated
                },
            };
            let own = columns(&row, header, stated);
            // Without names the columns are those of the training table.
            let named = training
                .filter(|other| !header && other.header && other.columns.fields == row.len());
            let mut columns = match (own, named) {
                (Err(_), Some(other)) => Columns {
                    notes: Vec::new(),
                    ..other.columns.clone()
                },
                (own, _) => own.map_err(|problem| DataError::line(table.path(), line, problem))?,
            };
            if let (true, Some((at, name))) = (header, &mut columns.id) {
                // As it is written there.
                *name = table.text(record, *at, line)?.to_owned();
            }
            found = Some(Layout { columns, header });
            if header {
                return Ok(());
            }
        }
        let Some(Layout { columns, .. }) = found.as_ref().filter(|found| found.columns.undecided)
        else {
            // Enough was seen.
            return Err(DataError::line(table.path(), 0, ""));
        };
        let pixels = &columns.pixels;
        let back = |steps: usize| pixels.get(pixels.len().checked_sub(steps)?);
        edges[0].add(record, [pixels.first(), pixels.get(1), pixels.get(3)]);
        edges[1].add(record, [back(1), back(2), back(4)]);
        Ok(())
    });
    match (looked, &found) {
        (Err(problem), None) => return Err(problem),
        (Err(problem), Some(found)) if found.columns.undecided => return Err(problem),
        _ => {}
    }
    let mut layout = found.ok_or_else(|| DataError::no_pictures(table.path()))?;
    if layout.columns.undecided {
        decide(table, &mut layout.columns, &edges, training)?;
    }
    if let Some(training) = training {
        like_training(table, &mut layout.columns, &training.columns)?;
    }
    Ok(layout)
}

/// The label is the first or the last of the columns.
fn decide(
    table: &Table,
    columns: &mut Columns,
    [first, last]: &[Edge; 2],
    training: Option<&Layout>,
) -> Result<(), DataError> {
    let refused = |problem: String| {
        DataError::line(
            table.path(),
            1,
            format!(
                "{problem}: state it, as in --label {}, or add a first line of column names with `label` among them",
                match columns.names {
                    Some(_) => "COLUMN",
                    None => "1",
                }
            ),
        )
    };
    let own = label_is_last(first, last);
    let place = |last: bool| if last { "last" } else { "first" };
    let of_training = training
        .filter(|other| other.columns.fields == columns.fields)
        .and_then(|other| other.columns.label)
        .and_then(|label| match label {
            label if Some(&label) == columns.pixels.first() => Some(false),
            label if Some(&label) == columns.pixels.last() => Some(true),
            _ => None,
        });
    let (is_last, note) = match (own, of_training) {
        (Some((own, _)), Some(other)) if own != other => {
            return Err(refused(format!(
                "the {} column looks like the label, and in the training table it is the {}",
                place(own),
                place(other)
            )));
        }
        (_, Some(other)) => (other, None),
        (Some((own, why)), None) => (
            own,
            Some(format!(
                "the {} column is taken as the label, because {why}",
                place(own)
            )),
        ),
        (None, None) => {
            let problem = "it is not clear whether the first or the last column is the label";
            return Err(refused(problem.into()));
        }
    };
    // Without names, in the order that the names of the training table say.
    if let Some(other) = training.filter(|other| other.header && columns.names.is_none())
        && other.columns.fields == columns.fields
    {
        columns.label = other.columns.label;
        columns.pixels.clone_from(&other.columns.pixels);
        return Ok(());
    }
    columns.label = match is_last {
        true => columns.pixels.pop(),
        false => Some(columns.pixels.remove(0)),
    };
    columns.notes.extend(note);
    Ok(())
}

/// The pixels in the order of the training table, where both have names.
fn like_training(
    table: &Table,
    columns: &mut Columns,
    training: &Columns,
) -> Result<(), DataError> {
    let (Some(own), Some(theirs)) = (&columns.names, &training.names) else {
        return Ok(());
    };
    // The shapes say what differs in number.
    if columns.pixels.len() != training.pixels.len() || columns.one_text {
        return Ok(());
    }
    let places: Vec<Option<usize>> = training
        .pixels
        .iter()
        .map(|&at| {
            columns
                .pixels
                .iter()
                .copied()
                .find(|&place| own[place] == theirs[at])
        })
        .collect();
    let lacking: Vec<&str> = training
        .pixels
        .iter()
        .zip(&places)
        .filter(|(_, place)| place.is_none())
        .map(|(&at, _)| theirs[at].as_str())
        .collect();
    if !lacking.is_empty() {
        let problem = format!(
            "{} of {} columns of pixels have other names than in the training table, which lack here: {}. Give both tables the same names in their first lines, or leave both without",
            lacking.len(),
            places.len(),
            some(&lacking)
        );
        return Err(DataError::line(table.path(), 1, problem));
    }
    let places: Vec<usize> = places.into_iter().flatten().collect();
    let mut different = places.clone();
    different.sort_unstable();
    different.dedup();
    // A name that is there twice says nothing.
    if places != columns.pixels && different.len() == places.len() {
        columns.pixels = places;
        columns
            .notes
            .push("the columns of pixels are taken in the order of the training table".into());
    }
    Ok(())
}
