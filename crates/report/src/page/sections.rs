//! Sections that each answer one question by sentences, charts and tables.
//!
//! A question that a run says nothing about has no section.

use super::{
    agreement, calibration, data_size,
    parts::{Charts, Figure, Table, Words},
    ranks, resampling, robustness, significance,
};
use crate::{
    ReportError,
    analysis::{Analysis, Group},
};

/// A section about one question.
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// One for each dataset that has something to say.
    pub(crate) parts: Vec<Part>,
}

/// What one dataset says.
#[derive(Default)]
pub(crate) struct Part {
    /// The dataset's name, where there are several.
    pub(crate) heading: Option<String>,
    /// The answer, in a sentence or two.
    pub(crate) lead: Words,
    /// What it is made of, a point each.
    pub(crate) sentences: Vec<Words>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) tables: Vec<Table>,
    /// What is to be known to read it, in small print.
    pub(crate) notes: Vec<String>,
}

impl Part {
    /// Whether a table stands beside the charts.
    pub(crate) fn has_narrow_tables(&self) -> bool {
        self.tables.iter().any(Table::is_narrow)
    }
}

/// What one dataset says to a question, if anything; charts take the stem's prefix.
type Answer = fn(&Group<'_>, &str, &mut Charts) -> Result<Option<Part>, ReportError>;

const QUESTIONS: [(&str, &str, Answer); 6] = [
    (
        "significance",
        "Is the best really better?",
        significance::part,
    ),
    ("agreement", "What do they miss together?", agreement::part),
    ("calibration", "What did calibration do?", calibration::part),
    (
        "robustness",
        "How do they bear worse pictures?",
        robustness::part,
    ),
    ("data-size", "What does more data give?", data_size::part),
    (
        "resampling",
        "Does the draw of the data matter?",
        resampling::part,
    ),
];

/// Every section that the run has something to say in; `prefixes` are those of the groups'
/// charts.
pub(crate) fn sections(
    analysis: &Analysis<'_>,
    prefixes: &[String],
    charts: &mut Charts,
) -> Result<Vec<Section>, ReportError> {
    let several = analysis.groups.len() > 1;
    let mut sections = Vec::new();
    for (id, title, answer) in QUESTIONS {
        let mut parts = Vec::new();
        for (group, prefix) in analysis.groups.iter().zip(prefixes) {
            if let Some(part) = answer(group, prefix, charts)? {
                parts.push(Part {
                    heading: several.then(|| group.name.to_owned()),
                    ..part
                });
            }
        }
        if !parts.is_empty() {
            sections.push(Section { id, title, parts });
        }
    }
    if let Some(part) = ranks::part(analysis, charts)? {
        sections.push(Section {
            id: "ranks",
            title: "Who is best over all datasets?",
            parts: vec![part],
        });
    }
    Ok(sections)
}
