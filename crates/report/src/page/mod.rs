//! The page: structs of formatted text, laid out by the templates.
//!
//! Templates see no record and compute nothing; what they show is decided here.

mod agreement;
mod board;
mod calibration;
mod compare;
mod compare_curves;
mod data_size;
mod explorer;
mod method;
mod model;
mod model_charts;
mod model_tables;
mod parts;
mod ranks;
mod resampling;
mod robustness;
mod sections;
mod significance;
mod try_it;
mod verdict;

pub(crate) use self::parts::Slugs;
use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::{
    board::Board,
    compare::Comparison,
    method::DataSection,
    model::ModelSection,
    parts::{Charts, Table, Words},
    sections::Section,
};
use crate::{
    Options, ReportError,
    analysis::{Analysis, Entry, Group},
    charts, format,
    pictures::{Album, Sheet},
};

const COLOURS: &str = include_str!("../../assets/colours.css");
const STYLE: &str = include_str!("../../assets/style.css");
/// Plain scripts that share one scope: files declare functions, the last one calls them.
const SCRIPT: &str = concat!(
    include_str!("../../assets/script/page.js"),
    include_str!("../../assets/script/tables.js"),
    include_str!("../../assets/script/theme.js"),
    include_str!("../../assets/script/explorer.js"),
    include_str!("../../assets/script/matrix.js"),
    include_str!("../../assets/script/pieces.js"),
    include_str!("../../assets/script/prepare.js"),
    include_str!("../../assets/script/network.js"),
    include_str!("../../assets/script/try.js"),
    include_str!("../../assets/script/tabs.js"),
    include_str!("../../assets/script/contents.js"),
    include_str!("../../assets/script/main.js"),
);

/// The rules that give every colour its name, light and dark.
pub(crate) fn colours() -> String {
    format!("{}\n{COLOURS}", charts::css())
}

/// Where a model on a dataset is found.
pub(crate) struct Place {
    /// The id of its section.
    pub(crate) section: String,
    /// What the stems of its charts begin with.
    pub(crate) stem: String,
}

/// An entry of the table of contents.
struct Link {
    href: String,
    label: String,
    series: Option<&'static str>,
    /// Leads to what only scripts can show.
    scripted: bool,
    below: Vec<Link>,
}

impl Link {
    fn new(href: &str, label: &str) -> Self {
        Self {
            href: href.to_owned(),
            label: label.to_owned(),
            series: None,
            scripted: false,
            below: Vec::new(),
        }
    }
}

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
    summary: String,
    contents: Vec<Link>,
    /// One list of sentences for each dataset.
    verdicts: Vec<Vec<Words>>,
    /// How many trials have no results.
    without_results: Option<String>,
    boards: Vec<Board>,
    comparisons: Vec<Comparison>,
    sections: Vec<Section>,
    models: Vec<ModelSection>,
    problems: Option<Table>,
    samples: Option<Table>,
    data: Vec<DataSection>,
    machines: Vec<Table>,
    seeds: String,
    command: &'a str,
    experiment_toml: &'a str,
    sheets: Vec<Sheet>,
    /// For the error explorer's script.
    explorer: Option<String>,
    /// For the script that answers drawings.
    tried: Option<String>,
    /// Models that do not answer inside the page.
    untried: Vec<String>,
}

/// The page, and its charts as files.
pub(crate) struct Finished {
    pub(crate) html: String,
    pub(crate) charts: Vec<(String, String)>,
}

/// Lays the page out.
///
/// The stem of a model's chart is the model's own, which no other model has, with an
/// ending that no chart of a whole dataset has: so no two charts share a stem.
///
/// # Errors
/// As [`crate::render`].
pub(crate) fn build(analysis: &Analysis<'_>, options: &Options) -> Result<Finished, ReportError> {
    let info = &analysis.run.info;
    let only_dataset = analysis.groups.len() == 1;
    let mut slugs = Slugs::default();
    let mut prefixes = Vec::new();
    let mut places: Vec<Vec<Place>> = Vec::new();
    for group in &analysis.groups {
        let prefix = if only_dataset {
            String::new()
        } else {
            format!("{}-", slugs.new_slug(group.name))
        };
        places.push(
            group
                .entries
                .iter()
                .map(|entry| {
                    let stem = slugs.new_slug(&format!("{prefix}{}", entry.model));
                    Place {
                        section: format!("model-{stem}"),
                        stem,
                    }
                })
                .collect(),
        );
        prefixes.push(prefix);
    }

    let mut album = Album::default();
    let mut files = Charts::default();
    let mut boards = Vec::new();
    let mut comparisons = Vec::new();
    let mut models = Vec::new();
    let mut data = Vec::new();
    for ((group, prefix), places) in analysis.groups.iter().zip(&prefixes).zip(&places) {
        boards.push(board::board(group, places, only_dataset));
        comparisons.push(compare::comparison(
            group,
            prefix,
            only_dataset,
            &mut files,
        )?);
    }
    let sections = sections::sections(analysis, &prefixes, &mut files)?;
    for (group, places) in analysis.groups.iter().zip(&places) {
        for (entry, place) in group.entries.iter().zip(places) {
            models.push(model::model_section(
                group,
                entry,
                place,
                only_dataset,
                options,
                (&mut album, &mut files),
            )?);
        }
    }
    for (group, prefix) in analysis.groups.iter().zip(&prefixes) {
        data.push(method::data_section(
            analysis.run,
            group,
            prefix,
            (&mut album, &mut files),
        )?);
    }

    let explored: Vec<_> = analysis
        .groups
        .iter()
        .zip(&places)
        .filter_map(|(group, places)| {
            explorer::explored(group, places, options, analysis.groups.len(), &mut album)
        })
        .collect();
    let mut left = try_it::budget();
    let tried: Vec<_> = analysis
        .groups
        .iter()
        .filter_map(|group| try_it::tried(group, options, &mut left))
        .collect();

    let problems = method::problems(analysis);
    let without_results = problems.as_ref().map(|table| {
        format!(
            "{} without results",
            format::counted(table.rows.len() as u64, "trial is", "trials are")
        )
    });
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
        summary: summary(analysis),
        contents: contents(
            analysis,
            &places,
            &comparisons,
            &sections,
            [!explored.is_empty(), !tried.is_empty(), problems.is_some()],
        ),
        verdicts: analysis
            .groups
            .iter()
            .map(|group| verdict::verdict(group, only_dataset))
            .collect(),
        without_results,
        boards,
        comparisons,
        sections,
        models,
        problems,
        samples: method::samples(analysis),
        data,
        machines: method::machines(analysis),
        seeds: format::list(&method::seeds(analysis)),
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
        charts: files.files,
    })
}

/// What a script reads; `None` of nothing.
fn data_block<T: Serialize>(items: &[T]) -> Result<Option<String>, ReportError> {
    if items.is_empty() {
        return Ok(None);
    }
    data_text(items).map(Some)
}

/// JSON that can stand inside a `script` element, where nothing can be escaped but `<`
/// could end it.
pub(crate) fn data_text<T: Serialize>(items: &[T]) -> Result<String, ReportError> {
    Ok(serde_json::to_string(items)?.replace('<', "\\u003c"))
}

/// The style of every page.
pub(crate) fn style() -> String {
    format!("{}{STYLE}", colours())
}

/// What the page allows itself: its own style and script, by hash, and pictures inside it.
pub(crate) fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script)
    )
}

/// For search engines, previews and the line under the title.
fn summary(analysis: &Analysis<'_>) -> String {
    let models = analysis
        .groups
        .iter()
        .map(|group| group.entries.len())
        .max()
        .unwrap_or_default();
    let datasets: Vec<String> = analysis
        .groups
        .iter()
        .map(|group| group.name.to_owned())
        .collect();
    format!(
        "{} compared on {}",
        format::counted(models as u64, "model", "models"),
        format::list(&datasets)
    )
}

fn contents(
    analysis: &Analysis<'_>,
    places: &[Vec<Place>],
    comparisons: &[Comparison],
    sections: &[Section],
    [explored, tried, problems]: [bool; 3],
) -> Vec<Link> {
    let mut compare = Link::new("#comparison", "Comparison");
    compare.below = comparisons
        .iter()
        .flat_map(|comparison| &comparison.figures)
        .map(|figure| Link::new(&format!("#{}", figure.id), &figure.title))
        .collect();
    if comparisons.len() > 1 {
        // Datasets times charts would be a list that nobody reads.
        compare.below.clear();
    }
    let mut models = Link::new("#models", "Models");
    models.below =
        analysis
            .groups
            .iter()
            .zip(places)
            .flat_map(|(group, places)| {
                group.entries.iter().zip(places).map(|(entry, place)| {
                    model_link(group, entry, place, places_are_many(analysis))
                })
            })
            .collect();
    let mut links = vec![
        Link::new("#answer", "The answer"),
        Link::new("#leaderboard", "Leaderboard"),
        compare,
    ];
    links.extend(
        sections
            .iter()
            .map(|section| Link::new(&format!("#{}", section.id), section.title)),
    );
    for (there, href, label) in [
        (explored, "#explorer", "Error explorer"),
        (tried, "#try", "Try it"),
    ] {
        if there {
            links.push(Link {
                scripted: true,
                ..Link::new(href, label)
            });
        }
    }
    links.push(models);
    if problems {
        links.push(Link::new("#problems", "Without results"));
    }
    links.extend([
        Link::new("#method", "Method"),
        Link::new("#data", "Data"),
        Link::new("#machine", "Machine"),
        Link::new("#repeat", "Repeat it"),
    ]);
    links
}

fn places_are_many(analysis: &Analysis<'_>) -> bool {
    analysis.groups.len() > 1
}

fn model_link(group: &Group<'_>, entry: &Entry<'_>, place: &Place, several: bool) -> Link {
    let label = if several {
        format!("{} on {}", entry.model, group.name)
    } else {
        entry.model.to_owned()
    };
    Link {
        series: Some(charts::series_class(entry.series)),
        ..Link::new(&format!("#{}", place.section), &label)
    }
}
