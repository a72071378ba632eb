//! The answer that needs no image: always the most common class of the training part.

use bakeoff_core::record::DataInfo;
use bakeoff_metrics::{Metric, statistics::SwapTest};

use super::{significance::ALPHA, trial::Entry};

/// From this ratio of the largest class to the smallest on, accuracy says little by itself.
const UNBALANCED: f64 = 10.0;

/// The score that a dataset's models are ranked and compared by: accuracy, or macro F1 where some
/// class is so rare that accuracy hides how it is answered.
pub(crate) fn headline_metric(data: Option<&DataInfo>) -> Metric {
    let extremes = data.and_then(|data| largest_and_smallest(&data.test_counts));
    match extremes {
        Some((largest, smallest)) if largest as f64 >= UNBALANCED * smallest as f64 => {
            Metric::MacroF1
        }
        _ => Metric::Accuracy,
    }
}

/// Samples of the largest class and of the smallest that occurs.
fn largest_and_smallest(counts: &[usize]) -> Option<(usize, usize)> {
    let occurring = || counts.iter().copied().filter(|count| *count > 0);
    Some((occurring().max()?, occurring().min()?))
}

/// What the constant answer reaches, and whether the models beat it.
#[derive(Debug, PartialEq)]
pub(crate) struct Constant {
    /// The class that it answers.
    pub(crate) class: String,
    /// The share of test images that it is right about.
    pub(crate) accuracy: f64,
    /// Models that are not significantly more accurate (paired test on the test images, first
    /// fit, 5 %), the most accurate first.
    pub(crate) not_beaten_by: Vec<String>,
    /// Models with results.
    pub(crate) models: usize,
    /// Test images of the largest class and of the smallest that occurs.
    pub(crate) largest_and_smallest: (usize, usize),
}

impl Constant {
    /// Of a dataset with these models; `None` without counts or results.
    pub(crate) fn new(data: &DataInfo, entries: &[Entry<'_>]) -> Option<Self> {
        let most = data.train_counts.iter().max()?;
        let class = data.train_counts.iter().position(|count| count == most)?;
        let samples: usize = data.test_counts.iter().sum();
        let compared = entries
            .iter()
            .filter(|e| e.example().is_some() && !e.is_baseline());
        let models: Vec<&Entry<'_>> = compared.collect();
        if models.is_empty() || samples == 0 {
            return None;
        }
        let not_beaten = models.iter().filter(|entry| {
            let Some((_, success)) = entry.example() else {
                return false;
            };
            // How far the model is ahead on each image.
            let ahead: Vec<i64> = success
                .test
                .labels()
                .iter()
                .zip(&success.predicted)
                .map(|(label, answer)| {
                    let constant = usize::from(*label) == class;
                    i64::from(label == answer) - i64::from(constant)
                })
                .collect();
            let test = SwapTest::of_differences(&ahead, 1);
            test.difference <= 0.0 || test.mid_p > ALPHA
        });
        Some(Self {
            class: data.class_names.get(class)?.clone(),
            accuracy: *data.test_counts.get(class)? as f64 / samples as f64,
            not_beaten_by: not_beaten.map(|entry| entry.model.to_owned()).collect(),
            models: models.len(),
            largest_and_smallest: largest_and_smallest(&data.test_counts)?,
        })
    }

    /// Whether no model at all beats it.
    pub(crate) fn is_unbeaten(&self) -> bool {
        self.not_beaten_by.len() == self.models
    }
}
