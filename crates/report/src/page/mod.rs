//! The page: structs of formatted text, laid out by the templates.
//!
//! Templates see no record and compute nothing; what they show is decided here.

mod assets;
mod comparison;
mod comparison_curves;
mod contents;
mod evaluated;
mod explorer;
mod figure;
mod leaderboard;
mod method;
mod model;
mod models;
mod part;
mod sections;
mod slugs;
mod summary;
mod table;
mod try_it;
mod words;

use askama::Template;

pub use self::{
    assets::colours_css,
    evaluated::{Evaluated, EvaluatedImage, MOST_CARDS, evaluated},
};
use self::{
    assets::{SCRIPT, data_block},
    comparison::Comparison,
    contents::{Link, Optional, contents},
    figure::ChartFiles,
    leaderboard::Leaderboard,
    method::DataSection,
    model::ModelSection,
    models::Dataset,
    sections::Section,
    table::Table,
    words::Words,
};
pub(crate) use self::{
    assets::{data_text, policy, style},
    slugs::Slugs,
};
use crate::{
    Options, ReportError,
    analysis::Analysis,
    caution::missing,
    format,
    pictures::{Album, Sheet},
};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    policy: String,
    style: &'a str,
    script: &'a str,
    run: &'a str,
    experiment: &'a str,
    planned_at: &'a str,
    /// The same for people.
    planned: String,
    version: &'a str,
    about: String,
    contents: Vec<Link>,
    /// One list of sentences for each dataset.
    summaries: Vec<Vec<Words>>,
    /// How many trials have no results.
    without_results: Option<String>,
    /// How many have no record, and how to get them.
    missing: Option<String>,
    leaderboards: Vec<Leaderboard>,
    comparisons: Vec<Comparison>,
    sections: Vec<Section>,
    models: Vec<ModelSection>,
    problems: Option<Table>,
    samples: Option<Table>,
    data: Vec<DataSection<'a>>,
    machines: Vec<Table>,
    seeds: String,
    command: &'a str,
    experiment_toml: &'a str,
    sheets: Vec<Sheet>,
    /// For the script of the error explorer.
    explorer: Option<String>,
    /// For the script that predicts drawings.
    tried: Option<String>,
    /// Models that are not inside the page, with the reason.
    untried: Vec<String>,
}

/// The page, and its charts as files.
pub(crate) struct Finished {
    pub(crate) html: String,
    pub(crate) charts: Vec<(String, String)>,
}

/// Lays the page out.
///
/// The stem of a model's chart starts with that of the model, which no other model has, and
/// has an ending that no chart of a whole dataset has: so no two charts share a stem.
///
/// # Errors
/// As [`crate::render`].
pub(crate) fn build(analysis: &Analysis<'_>, options: &Options) -> Result<Finished, ReportError> {
    let info = &analysis.run.info;
    let datasets = Dataset::all(&analysis.groups);
    let mut album = Album::default();
    let mut files = ChartFiles::default();
    let mut comparisons = Vec::new();
    for dataset in &datasets {
        let charts = &mut files.figures(&dataset.prefix);
        comparisons.push(comparison::comparison(dataset, charts));
    }
    let sections = sections::sections(analysis, &datasets, (&mut album, &mut files));
    let mut models = Vec::new();
    for dataset in &datasets {
        for (entry, place) in dataset.models() {
            let stem = format!("{}-", place.stem);
            let images = (&mut album, &mut files.figures(&stem));
            let heading = dataset.heading.clone();
            models.push(model::section(entry, place, heading, options, images));
        }
    }
    let mut data = Vec::new();
    for dataset in &datasets {
        let images = (&mut album, &mut files.figures(&dataset.prefix));
        data.push(method::data_section(analysis.run, dataset.group, images));
    }
    let explored: Vec<_> = datasets
        .iter()
        .filter_map(|dataset| explorer::explored(dataset, options, datasets.len(), &mut album))
        .collect();
    let mut bytes_left = try_it::MODEL_BYTES;
    let tried: Vec<_> = datasets
        .iter()
        .filter_map(|dataset| try_it::tried(dataset.group, options, &mut bytes_left))
        .collect();
    let problems = method::problems(analysis);
    let optional = Optional {
        explorer: !explored.is_empty(),
        try_it: !tried.is_empty(),
        problems: problems.is_some(),
    };
    let style = style();
    let page = Page {
        policy: policy(&style, SCRIPT),
        style: &style,
        script: SCRIPT,
        run: &info.name,
        experiment: &info.experiment,
        planned_at: &info.planned_at,
        planned: format::minute(&info.planned_at),
        version: &info.version,
        about: about(analysis),
        contents: contents(&datasets, &comparisons, &sections, &optional),
        summaries: datasets.iter().map(summary::summary).collect(),
        without_results: problems.as_ref().map(|table| {
            let trials = format::counted(table.rows() as u64, "trial is", "trials are");
            format!("{trials} without results")
        }),
        missing: missing(analysis.run),
        leaderboards: datasets.iter().map(leaderboard::leaderboard).collect(),
        comparisons,
        sections,
        models,
        problems,
        samples: method::samples(analysis),
        data,
        machines: method::machines(analysis),
        seeds: method::seeds(analysis),
        command: &info.command,
        experiment_toml: &info.experiment_toml,
        sheets: album.sheets()?,
        explorer: data_block(&explored)?,
        untried: tried
            .iter()
            .flat_map(|tried| tried.absent.iter().cloned())
            .collect(),
        tried: data_block(&tried)?,
    };
    Ok(Finished {
        html: page.render()?,
        charts: files.finish()?,
    })
}

/// For search engines, previews and the line under the title.
fn about(analysis: &Analysis<'_>) -> String {
    let groups = || analysis.groups.iter();
    let models = groups().map(|group| group.entries.len()).max();
    format!(
        "{} compared on {}",
        format::counted(models.unwrap_or_default() as u64, "model", "models"),
        models::names(groups().map(|group| group.name))
    )
}
