//! What several parts of the page say about the models of a dataset.

use bakeoff_measures::ACCURACY;

use super::{slugs::Slugs, words::bold};
use crate::{
    analysis::{
        Entry, Fate, Group, Success,
        significance::{ALPHA, Claim, PairDifference, Spread},
    },
    format,
};

/// Where a model on a dataset is found.
pub(crate) struct Place {
    /// The id of its section.
    pub(crate) section: String,
    /// What the stems of its charts start with.
    pub(crate) stem: String,
}

/// A dataset on the page.
pub(crate) struct Dataset<'g, 'a> {
    pub(crate) group: &'g Group<'a>,
    /// Its name as a heading, where there are several datasets.
    pub(crate) heading: Option<String>,
    /// What the stems of its charts start with.
    pub(crate) prefix: String,
    /// Where its entries are, in their order.
    places: Vec<Place>,
}

impl<'g, 'a> Dataset<'g, 'a> {
    /// Every dataset of a run, with names that are unique in files and links.
    pub(crate) fn all(groups: &'g [Group<'a>]) -> Vec<Self> {
        let several = groups.len() > 1;
        let mut slugs = Slugs::default();
        let dataset = |group: &'g Group<'a>| {
            let prefix = if several {
                format!("{}-", slugs.new_slug(group.name))
            } else {
                String::new()
            };
            let entries = group.entries.iter();
            let places = entries.map(|entry| {
                let stem = slugs.new_slug(&format!("{prefix}{}", entry.model));
                Place {
                    section: format!("model-{stem}"),
                    stem,
                }
            });
            Self {
                group,
                heading: several.then(|| group.name.to_owned()),
                places: places.collect(),
                prefix,
            }
        };
        groups.iter().map(dataset).collect()
    }

    /// Its models, each with its place.
    pub(crate) fn models(&self) -> impl Iterator<Item = (&'g Entry<'a>, &Place)> {
        self.group.entries.iter().zip(&self.places)
    }
}

/// The models that have results, each with the trial that stands for it.
pub(crate) fn examples<'g, 'a>(group: &'g Group<'a>) -> Vec<(&'g Entry<'a>, &'g Success<'a>)> {
    group
        .entries
        .iter()
        .filter_map(|entry| Some((entry, entry.example()?.1)))
        .collect()
}

/// The number of test images of a dataset; 0 without results.
pub(crate) fn test_images(group: &Group<'_>) -> usize {
    let example = group.entries.iter().find_map(Entry::example);
    example.map_or(0, |(_, success)| success.evaluation.samples)
}

/// A sentence for models that were fitted with several seeds.
pub(crate) fn seeds_note(group: &Group<'_>) -> &'static str {
    let mut entries = group.entries.iter();
    if entries.any(|entry| entry.successes().count() > 1) {
        " For a model with several seeds, the first planned one is shown."
    } else {
        ""
    }
}

/// Why a model has no results.
pub(crate) fn missing_reason(entry: &Entry<'_>) -> String {
    entry
        .trials
        .iter()
        .find_map(|trial| match &trial.fate {
            Fate::Failed { reason, .. } => Some(format!("failed: {reason}")),
            Fate::Ok(_) | Fate::Missing => None,
        })
        .unwrap_or_else(|| "planned, but there is no record of it".to_owned())
}

/// How the accuracies of several seeds differ.
pub(crate) fn seed_spread(entry: &Entry<'_>) -> Option<String> {
    let samples = entry.example()?.1.evaluation.samples;
    let accuracies: Vec<f64> = entry
        .successes()
        .map(|(_, success)| success.evaluation.accuracy)
        .collect();
    let seeds = accuracies.len();
    let Spread { low, high, .. } = Spread::of(&accuracies)?;
    Some(if low == high {
        format!("the same with each of {seeds} seeds")
    } else {
        format!(
            "mean of {seeds} seeds, {} to {}",
            ACCURACY.write(low, samples),
            ACCURACY.write(high, samples)
        )
    })
}

/// Names in a sentence: `a, b and c`.
pub(crate) fn names<'m>(models: impl IntoIterator<Item = &'m str>) -> String {
    let names: Vec<&str> = models.into_iter().collect();
    format::list(&names)
}

/// How the first of several models compares with the others, each with its corrected p-value:
/// which differences are significant. `None` without others.
pub(crate) fn differences(claim: Claim, others: &[(&str, f64)]) -> Option<String> {
    let (clear, open): (Vec<_>, Vec<_>) = others.iter().partition(|(_, p)| *p <= ALPHA);
    let list = |of: &[(&str, f64)]| names(of.iter().map(|(model, _)| *model));
    let p = format::p_text(clear.iter().map(|(_, p)| *p).fold(0.0, f64::max));
    let p = if clear.len() > 1 {
        p.replace('=', "≤")
    } else {
        p
    };
    let the = match claim {
        Claim::Fits => "Between these fits, the difference",
        Claim::Recipes => "The difference",
    };
    let significant = bold(format!("from {} is significant", list(&clear)));
    let not = bold(format!("from {} is not significant", list(&open)));
    match (open.as_slice(), clear.as_slice()) {
        ([], []) => None,
        ([], _) => Some(format!("{the} {significant} ({p}).")),
        (_, []) => Some(format!("{the} {not}.")),
        (_, clear) => Some(format!(
            "{the} {not}; from {} it is significant ({p}).",
            list(clear)
        )),
    }
}

/// The largest corrected p-value of some pairs.
pub(crate) fn largest_p<'p>(pairs: impl Iterator<Item = &'p PairDifference>) -> f64 {
    pairs.map(PairDifference::p).fold(0.0, f64::max)
}
