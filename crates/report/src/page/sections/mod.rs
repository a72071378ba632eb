//! Sections that each answer one question by sentences, charts and tables.
//!
//! A new section is a module here and a row in [`SECTIONS`]. Its function computes what it
//! needs from the analysis and returns what to show; a section that has nothing to say about
//! a run is left out.

mod agreement;
mod calibration;
mod data_size;
mod importance;
mod label_checks;
mod ranks;
mod resampling;
mod robustness;
mod search;
mod significance;

pub(crate) use significance::best_group;

use super::{
    figure::{ChartFiles, Figures},
    models::Dataset,
    part::Part,
};
use crate::{
    analysis::{Analysis, Group},
    pictures::Album,
};

/// A section of the page.
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// One for each dataset that it has something to say about.
    pub(crate) parts: Vec<Part>,
}

/// What a section is about.
enum Show {
    /// Each dataset on its own.
    Dataset(fn(&Group<'_>, &mut Figures<'_>) -> Option<Part>),
    /// The same with test images.
    Images(for<'a> fn(&Group<'a>, &mut Album<'a>) -> Option<Part>),
    /// The whole run.
    Run(fn(&Analysis<'_>, &mut Figures<'_>) -> Option<Part>),
}

/// Every section in the order of the page: id, question, how it is answered.
const SECTIONS: [(&str, &str, Show); 10] = [
    (
        "search",
        "What did the search bring?",
        Show::Run(search::part),
    ),
    (
        "significance",
        "Are the differences significant?",
        Show::Dataset(significance::part),
    ),
    (
        "agreement",
        "Which errors do the models share?",
        Show::Dataset(agreement::part),
    ),
    (
        "labels",
        "Which labels may be wrong?",
        Show::Images(label_checks::part),
    ),
    (
        "calibration",
        "What did calibration change?",
        Show::Dataset(calibration::part),
    ),
    (
        "robustness",
        "How robust are the models to corrupted images?",
        Show::Dataset(robustness::part),
    ),
    (
        "importance",
        "Which parts of the images do the models look at?",
        Show::Dataset(importance::part),
    ),
    (
        "data-size",
        "Does more training data help?",
        Show::Dataset(data_size::part),
    ),
    (
        "resampling",
        "Does the result depend on the split of the data?",
        Show::Dataset(resampling::part),
    ),
    (
        "ranks",
        "Which model is best over all datasets?",
        Show::Run(ranks::part),
    ),
];

/// Every section that has something to say about the run.
pub(crate) fn sections<'a>(
    analysis: &Analysis<'a>,
    datasets: &[Dataset<'_, 'a>],
    (album, files): (&mut Album<'a>, &mut ChartFiles),
) -> Vec<Section> {
    let mut sections = Vec::new();
    for (id, title, show) in SECTIONS {
        let of_dataset = |dataset: &Dataset<'_, 'a>| {
            let part = match show {
                Show::Run(_) => None,
                Show::Dataset(part) => part(dataset.group, &mut files.figures(&dataset.prefix)),
                Show::Images(part) => part(dataset.group, album),
            };
            Some(Part {
                heading: dataset.heading.clone(),
                ..part?
            })
        };
        let parts: Vec<Part> = match show {
            Show::Run(part) => part(analysis, &mut files.figures("")).into_iter().collect(),
            _ => datasets.iter().filter_map(of_dataset).collect(),
        };
        if !parts.is_empty() {
            sections.push(Section { id, title, parts });
        }
    }
    sections
}
