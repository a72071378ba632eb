//! The table of contents.

use super::{comparison::Comparison, models::Dataset, sections::Section};
use crate::charts;

/// An entry of the table of contents.
#[derive(Default)]
pub(super) struct Link {
    pub(super) href: String,
    pub(super) label: String,
    /// The class of the colour of a model.
    pub(super) series: Option<&'static str>,
    /// Whether it leads to something that needs scripts.
    pub(super) scripted: bool,
    pub(super) below: Vec<Link>,
}

impl Link {
    fn new(id: &str, label: impl Into<String>) -> Self {
        Self {
            href: format!("#{id}"),
            label: label.into(),
            ..Self::default()
        }
    }
}

/// Which of the optional parts the page has.
pub(super) struct Optional {
    pub(super) explorer: bool,
    pub(super) try_it: bool,
    pub(super) problems: bool,
}

/// Every part of the page in order.
pub(super) fn contents(
    datasets: &[Dataset<'_, '_>],
    comparisons: &[Comparison],
    sections: &[Section],
    optional: &Optional,
) -> Vec<Link> {
    let figures = match comparisons {
        [only] => only.figures.as_slice(),
        // All charts of all datasets would be a list that nobody reads.
        _ => &[],
    };
    let comparison = Link {
        below: figures
            .iter()
            .map(|figure| Link::new(&figure.id, &figure.title))
            .collect(),
        ..Link::new("comparison", "Comparison")
    };
    let mut models = Link::new("models", "Models");
    for dataset in datasets {
        for (entry, place) in dataset.models() {
            let name = match &dataset.heading {
                Some(dataset) => format!("{} on {dataset}", entry.model),
                None => entry.model.to_owned(),
            };
            models.below.push(Link {
                series: Some(charts::series_class(entry.series)),
                ..Link::new(&place.section, name)
            });
        }
    }
    let mut links = vec![
        Link::new("answer", "Summary"),
        Link::new("leaderboard", "Leaderboard"),
        comparison,
    ];
    links.extend(sections.iter().map(|s| Link::new(s.id, s.title)));
    for (present, id, label) in [
        (optional.explorer, "explorer", "Error explorer"),
        (optional.try_it, "try", "Try it"),
    ] {
        links.extend(present.then(|| Link {
            scripted: true,
            ..Link::new(id, label)
        }));
    }
    links.push(models);
    links.extend(
        optional
            .problems
            .then(|| Link::new("problems", "Trials without results")),
    );
    links.extend([
        Link::new("method", "Method"),
        Link::new("data", "Data"),
        Link::new("machine", "Machine"),
        Link::new("repeat", "How to reproduce this"),
    ]);
    links
}
