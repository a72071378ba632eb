//! From the predictions of a file to probabilities of the samples of a test part, in their order.

use std::collections::BTreeMap;

use bakeoff_core::{Probabilities, Samples, count, counted, list, sample_id, text_of_cell};
use bakeoff_data::Answers;
use bakeoff_metrics::{Confidence, Predictions, statistics::mid_p};

use crate::error::BenchError;

/// Sums of probabilities that differ from 1 by more than this are no rounding: those of 16-bit floats, and of
/// three decimals, differ by less. Programs of `family = "command"` have the same bound.
const SUM_TOLERANCE: f64 = 1e-2;
/// Sums within this are left as they are, so that probabilities of 32 bits keep their bits.
const EXACT_SUM: f64 = 1e-5;

/// Predictions of every sample of a test part.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) probabilities: Probabilities,
    /// Whether only the predicted classes were given.
    pub(super) labels_alone: bool,
    /// How they were read.
    pub(super) remarks: Vec<String>,
    /// Why they may be wrong.
    pub(super) warnings: Vec<String>,
}

/// Puts predictions into the order of the samples, and checks them.
pub(super) fn check(
    dataset: &str,
    test: &Samples,
    answers: &Answers,
    logits: bool,
) -> Result<Checked, BenchError> {
    let file = Problems(answers);
    let mut remarks = answers.remarks.clone();
    let order = order(dataset, test, answers, &mut remarks)?;
    let classes = test.classes();
    let mut values = vec![0.0_f32; test.len().saturating_mul(classes)];
    let mut renormalised = 0;
    let found = match &answers.labels {
        Some(labels) => Some(classes_of(test.class_names(), labels, &file, &mut remarks)?),
        None => None,
    };
    if found.is_some() && logits {
        return Err(file.all("it holds labels: --logits is for scores, a column for each class"));
    }
    let by_class = match &found {
        Some(_) => Vec::new(),
        None => class_order(test.class_names(), &file, &mut remarks)?,
    };
    for (row, &position) in order.iter().enumerate() {
        let Some(own) = values.chunks_exact_mut(classes).nth(position) else {
            continue;
        };
        if let Some(labels) = &found {
            if let Some(value) = labels.get(row).and_then(|&class| own.get_mut(class)) {
                *value = 1.0;
            }
            continue;
        }
        let scores = answers.row(row);
        let sum = match logits {
            true => None,
            false => Some(sum_of(&file, row)?),
        };
        let shares = match sum {
            None => softmax(&file, row)?,
            Some(sum) if (sum - 1.0).abs() > EXACT_SUM => {
                renormalised += 1;
                scores.iter().map(|score| score / sum).collect()
            }
            Some(_) => scores.to_vec(),
        };
        for (&class, share) in by_class.iter().zip(shares) {
            if let Some(value) = own.get_mut(class) {
                *value = share as f32;
            }
        }
    }
    if renormalised > 0 {
        remarks.push(format!(
            "The probabilities of {} summed to 1 within {SUM_TOLERANCE} only, and were divided by their sum.",
            counted(renormalised, "image", "images")
        ));
    }
    if logits {
        remarks.push("Softmax made probabilities of the scores (--logits).".into());
    }
    let probabilities =
        Probabilities::new(classes, values).map_err(|error| file.all(&error.to_string()))?;
    let warnings = near_chance(test, &probabilities)?;
    Ok(Checked {
        probabilities,
        labels_alone: found.is_some(),
        remarks,
        warnings: warnings.into_iter().collect(),
    })
}

/// Errors of a file.
struct Problems<'a>(&'a Answers);

impl Problems<'_> {
    fn all(&self, problem: &str) -> BenchError {
        BenchError::Request(format!("{}: {problem}", self.0.path.display()))
    }

    fn row(&self, row: usize, problem: &str) -> BenchError {
        self.all(&format!("{}: {problem}", self.0.place(row)))
    }

    fn cell(&self, row: usize, column: usize, problem: &str) -> BenchError {
        self.row(row, &format!("{}: {problem}", self.0.column(column)))
    }
}

/// The position in the test part of each row.
fn order(
    dataset: &str,
    test: &Samples,
    answers: &Answers,
    remarks: &mut Vec<String>,
) -> Result<Vec<usize>, BenchError> {
    let file = Problems(answers);
    let expected = test.len();
    let images = counted(expected as u64, "test image", "test images");
    let Some((column, ids)) = &answers.ids else {
        if answers.rows != expected {
            return Err(file.all(&format!(
                "it has {}, and {dataset} has {images}: predict all images of images.npy, which `bakeoff export RUN --test-set DIR` writes, or add a column `id`",
                counted(answers.rows as u64, "row", "rows")
            )));
        }
        remarks.push(format!(
            "The rows were taken in the order of the test images: the file has no ids ({images})."
        ));
        return Ok((0..expected).collect());
    };
    let mut known: BTreeMap<String, Option<usize>> = BTreeMap::new();
    for position in 0..expected {
        known.insert(sample_id(dataset, position), Some(position));
        if let Some(name) = test.files().and_then(|files| files.get(position)) {
            // A name that several images have says nothing.
            let of_name = known.entry(name.clone()).or_insert(Some(position));
            *of_name = of_name.filter(|&other| other == position);
        }
    }
    let find = |id: &str| match known.get(id).or_else(|| known.get(text_of_cell(id))) {
        Some(position) => *position,
        None => id
            .parse()
            .ok()
            .filter(|&position: &usize| position < expected),
    };
    let mut row_of: Vec<Option<usize>> = vec![None; expected];
    let mut order = Vec::with_capacity(ids.len());
    for (row, id) in ids.iter().enumerate() {
        let position = find(id).ok_or_else(|| {
            file.row(row, &format!(
                "column `{column}`: {dataset} has no test image `{id}`; ids are those of ids.csv, which `bakeoff export RUN --test-set DIR` writes (`{}`, …), positions from 0, or names of files",
                sample_id(dataset, 0)
            ))
        })?;
        if let Some(first) = row_of.get(position).copied().flatten() {
            return Err(file.row(
                row,
                &format!(
                    "column `{column}`: `{id}` is there already, in {}: keep one of them",
                    answers.place(first)
                ),
            ));
        }
        if let Some(place) = row_of.get_mut(position) {
            *place = Some(row);
        }
        order.push(position);
    }
    let missing: Vec<usize> = (0..expected)
        .filter(|&position| row_of.get(position) == Some(&None))
        .collect();
    if let Some(&first) = missing.first() {
        return Err(file.all(&format!(
            "{} of {images} have no prediction, the first one `{}`: predict all of them",
            count(missing.len() as u64),
            sample_id(dataset, first)
        )));
    }
    remarks.push(format!(
        "Rows and test images were matched by the column `{column}`."
    ));
    Ok(order)
}

/// The class of each column of scores.
fn class_order(
    names: &[String],
    file: &Problems<'_>,
    remarks: &mut Vec<String>,
) -> Result<Vec<usize>, BenchError> {
    let answers = file.0;
    if answers.width != names.len() {
        return Err(file.all(&format!(
            "it has {} of scores, and there are {}: {}",
            counted(answers.width as u64, "column", "columns"),
            counted(names.len() as u64, "class", "classes"),
            list(names)
        )));
    }
    let Some(columns) = &answers.classes else {
        remarks.push("The columns were taken in the order of the classes (classes.txt).".into());
        return Ok((0..names.len()).collect());
    };
    let place = |name: &String| {
        names.iter().position(|known| known == name).ok_or_else(|| {
            file.all(&format!(
                "there is no class `{name}`: there are {}",
                list(names)
            ))
        })
    };
    let order: Vec<usize> = columns.iter().map(place).collect::<Result<_, _>>()?;
    if !order.is_sorted() {
        remarks.push("The columns were put into the order of the classes by their names.".into());
    }
    Ok(order)
}

/// The class of each label: a name, or a position where not all of them are names.
fn classes_of(
    names: &[String],
    labels: &[String],
    file: &Problems<'_>,
    remarks: &mut Vec<String>,
) -> Result<Vec<usize>, BenchError> {
    let by_name: BTreeMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(class, name)| (name.as_str(), class))
        .collect();
    let by_trimmed: BTreeMap<&str, usize> = by_name
        .iter()
        .map(|(name, &class)| (name.trim(), class))
        .collect();
    let named = |label: &String| {
        let found = by_name.get(label.as_str());
        let found = found.or_else(|| by_name.get(text_of_cell(label)));
        // Cells of a table have no blanks around them.
        found.or_else(|| by_trimmed.get(label.as_str())).copied()
    };
    // Arrays and tables of floats have whole numbers as 2.0.
    let numbered = |label: &String| {
        let number = label
            .parse::<f64>()
            .ok()
            .filter(|n| n.fract() == 0.0 && *n >= 0.0)?;
        Some(number as usize).filter(|class| *class < names.len())
    };
    if let Some(all) = labels.iter().map(named).collect::<Option<Vec<usize>>>() {
        return Ok(all);
    }
    if let Some(all) = labels.iter().map(numbered).collect::<Option<Vec<usize>>>() {
        remarks.push(
            "Labels are numbers and were taken as positions of classes, from 0 (classes.txt)."
                .into(),
        );
        return Ok(all);
    }
    let row = labels
        .iter()
        .position(|label| named(label).is_none())
        .unwrap_or(0);
    let label = labels.get(row).map_or("", String::as_str);
    Err(file.row(
        row,
        &format!(
            "there is no class `{}`: labels are names of classes, or numbers from 0 to {} ({})",
            label.chars().take(80).collect::<String>(),
            names.len().saturating_sub(1),
            list(names)
        ),
    ))
}

/// The sum of a row of probabilities, each of them checked.
fn sum_of(file: &Problems<'_>, row: usize) -> Result<f64, BenchError> {
    const LOGITS: &str = "if these are logits, apply softmax before you save them, or use --logits";
    let mut sum = 0.0;
    for (column, &value) in file.0.row(row).iter().enumerate() {
        finite(file, row, column, value)?;
        if !(0.0..=1.0 + SUM_TOLERANCE).contains(&value) {
            return Err(file.cell(row, column, &format!("{value} is no probability; {LOGITS}")));
        }
        sum += value;
    }
    match (sum - 1.0_f64).abs() <= SUM_TOLERANCE {
        true => Ok(sum),
        false => Err(file.row(row, &format!(
            "the probabilities sum to {sum}, not to 1 (within {SUM_TOLERANCE}); {LOGITS}; of a model with several labels for an image, divide by the sum"
        ))),
    }
}

fn finite(file: &Problems<'_>, row: usize, column: usize, value: f64) -> Result<(), BenchError> {
    match value.is_finite() {
        true => Ok(()),
        false => Err(file.cell(
            row,
            column,
            &format!("{value} is no finite number: look at what the model computes for this image"),
        )),
    }
}

/// Softmax of a row.
fn softmax(file: &Problems<'_>, row: usize) -> Result<Vec<f64>, BenchError> {
    let scores = file.0.row(row);
    for (column, &value) in scores.iter().enumerate() {
        finite(file, row, column, value)?;
    }
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| (score - top).exp()).collect();
    let sum: f64 = powers.iter().sum();
    Ok(powers.iter().map(|power| power / sum).collect())
}

/// A warning where the accuracy is not above what guessing gives: most often the order is wrong.
fn near_chance(
    test: &Samples,
    probabilities: &Probabilities,
) -> Result<Option<String>, BenchError> {
    let request = |error: bakeoff_metrics::MetricsError| BenchError::Request(error.to_string());
    let predictions = Predictions::new(test.labels(), probabilities).map_err(request)?;
    let answers = predictions.predicted().iter().zip(test.labels());
    let correct = answers.filter(|(answer, label)| answer == label).count() as u64;
    let total = test.len() as u64;
    let level = Confidence::new(0.99).map_err(request)?;
    let interval = mid_p(correct, total, level);
    let largest = predictions.support().iter().copied().max().unwrap_or(0);
    let majority = largest as f64 / total.max(1) as f64;
    let uniform = 1.0 / test.classes() as f64;
    let (guess, how) = match interval.contains(uniform) {
        true => (uniform, "guessing a class"),
        false => (majority, "always answering the most common class"),
    };
    Ok((interval.low <= guess).then(|| {
        format!(
            "{} of {} are correct, which is no better than {how}. Often the rows are in another order than the test images, or the columns in another order than the classes: compare with ids.csv and classes.txt of `bakeoff export RUN --test-set DIR`.",
            count(correct),
            counted(total, "test image", "test images")
        )
    }))
}

#[cfg(test)]
mod tests;
