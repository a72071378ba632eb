//! What a search for recipes brought: defaults and tuned recipes side by side, with what it took.

use std::collections::BTreeMap;

use bakeoff_core::record::{Chosen, SearchInfo, Tried};
use bakeoff_measures::{ACCURACY, FIT_TIME, THROUGHPUT, format};
use bakeoff_metrics::Metric;
use serde_json::Value;

use super::super::{
    figure::Figures,
    models::test_images,
    part::Part,
    table::{Cell, Table},
    words::bold,
};
use super::significance::difference_cell;
use crate::{
    analysis::{Analysis, Entry, Group, significance::PairDifference},
    charts::{Line, Quantity, training_curves},
    setting_text::setting_text,
};

/// A family of the search, with its models in the run.
struct Family<'g, 'a> {
    chosen: &'a Chosen,
    default: Option<&'g Entry<'a>>,
    tuned: Option<&'g Entry<'a>>,
    /// The tuned model against the default.
    pair: Option<&'g PairDifference>,
    /// Recipes that were tried, and what they took.
    recipes: usize,
    seconds: f64,
}

/// What the run says about its search; nothing where it had none.
pub(super) fn part(analysis: &Analysis<'_>, charts: &mut Figures<'_>) -> Option<Part> {
    let search = analysis.run.info.search.as_ref()?;
    let group = analysis.groups.first()?;
    let families: Vec<Family<'_, '_>> = search
        .chosen
        .iter()
        .map(|chosen| family(search, group, chosen))
        .collect();
    let curve = lines(search, group);
    let figure = charts.figure(
        "search",
        &training_curves(
            &curve,
            ("seconds of the search", "accuracy on held-out images"),
            Quantity::Accuracy,
            None,
        ),
        "Best accuracy by time",
        "The best recipe of each family until then, on images held out of the training part. Recipes are first \
         trained on a small share of the images, so that a curve begins low.",
        Some(recipes(search)),
    );
    Some(Part {
        lead: lead(search, &families, group).into(),
        sentences: families
            .iter()
            .filter_map(|family| changed(family).map(Into::into))
            .collect(),
        figures: vec![figure],
        tables: [
            steps(search, &families, group),
            Some(comparison(&families, group)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        notes: notes(search),
        ..Part::default()
    })
}

fn family<'g, 'a>(
    search: &'a SearchInfo,
    group: &'g Group<'a>,
    chosen: &'a Chosen,
) -> Family<'g, 'a> {
    let entry = |name: &Option<String>| entry(group, name.as_deref()?);
    let (default, tuned) = (entry(&chosen.default), entry(&chosen.tuned));
    let pair = default.zip(tuned);
    let own = search
        .tried
        .iter()
        .filter(|tried| tried.spec.family == chosen.family);
    let mut names: Vec<&str> = own.clone().map(|tried| tried.model.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    Family {
        chosen,
        default,
        tuned,
        pair: pair.and_then(|(default, tuned)| pair_of(group, [default, tuned])),
        recipes: names.len(),
        seconds: own.map(|tried| tried.seconds).sum(),
    }
}

/// The model of that name in the run.
fn entry<'g, 'a>(group: &'g Group<'a>, name: &str) -> Option<&'g Entry<'a>> {
    group.entries.iter().find(|entry| entry.model == name)
}

/// What the tests say of two models.
fn pair_of<'g>(group: &'g Group<'_>, both: [&Entry<'_>; 2]) -> Option<&'g PairDifference> {
    let name = |at: usize| group.entries[group.significance.models[at].entry].model;
    let [a, b] = both.map(|entry| entry.model);
    let mut pairs = group.significance.pairs.iter();
    pairs.find(|pair| {
        let found = [name(pair.first), name(pair.second)];
        found == [a, b] || found == [b, a]
    })
}

/// The best family's defaults, its tuned recipe and the ensemble, one below the other.
fn steps(search: &SearchInfo, families: &[Family<'_, '_>], group: &Group<'_>) -> Option<Table> {
    let ensemble = entry(group, &search.ensemble.as_ref()?.model)?;
    let best = families.first()?;
    let steps = [
        ("defaults", best.default),
        ("tuned", best.tuned),
        ("ensemble", Some(ensemble)),
    ];
    let steps: Vec<(&str, &Entry<'_>)> = steps
        .into_iter()
        .filter_map(|(step, entry)| Some((step, entry?)))
        .collect();
    let samples = test_images(group);
    let rows: Vec<(usize, (&str, &Entry<'_>))> = steps.iter().copied().enumerate().collect();
    let table = Table::of("What each step brought on the test part", rows)
        .text("step", |(_, (step, _))| (*step).to_owned())
        .text("model", |(_, (_, entry))| entry.model.to_owned())
        .measure(&ACCURACY, samples, |(_, (_, entry))| entry.mean_accuracy())
        .cells("against the step before", |&(at, (_, entry))| {
            let before = at.checked_sub(1).map(|before| steps[before].1);
            difference(group, before, Some(entry))
        })
        .measure(&FIT_TIME, samples, |(_, (_, entry))| {
            entry.mean_of(&FIT_TIME)
        })
        .measure(&THROUGHPUT, samples, |(_, (_, entry))| {
            entry.mean_of(&THROUGHPUT)
        });
    Some(table.done())
}

fn lead(search: &SearchInfo, families: &[Family<'_, '_>], group: &Group<'_>) -> String {
    let recipes: usize = families.iter().map(|family| family.recipes).sum();
    let tried = format!(
        "{} were tried in {}, each scored on {} images held out of the training part.",
        format::counted(recipes as u64, "recipe", "recipes"),
        format::seconds(search.seconds),
        format::count((search.held_out / search.draws.max(1)) as u64),
    );
    let samples = test_images(group);
    let accuracy = |entry: &Entry<'_>| {
        let value = entry.mean_accuracy();
        value.map_or_else(
            || format::NOTHING.to_owned(),
            |v| ACCURACY.write(v, samples),
        )
    };
    let Some(best) = families.first() else {
        return tried;
    };
    let found = match (best.default, best.tuned) {
        (Some(default), Some(tuned)) => format!(
            " Its choice is {} with {} on the test part; the family's defaults have {}{}.",
            bold(tuned.model),
            accuracy(tuned),
            accuracy(default),
            match best.pair.map(PairDifference::differs) {
                Some(true) => ", a significant difference",
                Some(false) => ", not significantly different",
                None => "",
            }
        ),
        (None, Some(only)) => format!(
            " Its choice is {} with {} on the test part.",
            bold(only.model),
            accuracy(only)
        ),
        (Some(only), None) => format!(
            " No recipe was better than the defaults of {}, which have {} on the test part.",
            bold(only.model),
            accuracy(only)
        ),
        (None, None) => String::new(),
    };
    let ensemble = search.ensemble.as_ref().and_then(|ensemble| {
        let found = entry(group, &ensemble.model)?;
        let members: Vec<String> = ensemble
            .members
            .iter()
            .map(|(name, weight)| format!("{name} (weight {weight})"))
            .collect();
        Some(format!(
            " An ensemble of {} has {}.",
            format::list(&members),
            accuracy(found)
        ))
    });
    format!("{tried}{found}{}", ensemble.unwrap_or_default())
}

/// The settings in which the tuned recipe differs from the defaults.
fn changed(family: &Family<'_, '_>) -> Option<String> {
    let tuned = family.tuned?;
    let before: BTreeMap<&String, &Value> = match family.default {
        Some(default) => default.spec().settings.iter().collect(),
        None => return None,
    };
    let settings = &tuned.spec().settings;
    let changes: Vec<String> = settings
        .iter()
        .filter(|(key, value)| before.get(key) != Some(value))
        .map(|(key, value)| match before.get(key) {
            Some(before) => format!(
                "{key} {} instead of {}",
                setting_text(value),
                setting_text(before)
            ),
            None => format!("{key} {}", setting_text(value)),
        })
        .collect();
    (!changes.is_empty()).then(|| format!("{}: {}.", bold(tuned.model), changes.join("; ")))
}

/// The best accuracy of each family by time, each on the share on which it has the most images.
fn lines<'a>(search: &'a SearchInfo, group: &Group<'_>) -> Vec<Line<'a>> {
    /// More lines than this could not be told apart.
    const MOST: usize = 6;
    let families = search.chosen.iter().take(MOST);
    families
        .enumerate()
        .map(|(number, chosen)| {
            let mut best = 0.0;
            let own = search
                .tried
                .iter()
                .filter(|tried| tried.spec.family == chosen.family);
            let points = own.filter_map(|tried| {
                let accuracy = tried.accuracy?;
                (accuracy > best).then(|| {
                    best = accuracy;
                    (tried.ended_at_seconds, accuracy)
                })
            });
            let mut points: Vec<(f64, f64)> = points.collect();
            if let Some(&(_, last)) = points.last() {
                points.push((search.seconds, last));
            }
            let of_run = chosen.tuned.as_ref().or(chosen.default.as_ref());
            Line {
                label: &chosen.family,
                series: Some(of_run.map_or(number, |model| group.series(model))),
                points,
            }
        })
        .filter(|line| !line.points.is_empty())
        .collect()
}

fn comparison(families: &[Family<'_, '_>], group: &Group<'_>) -> Table {
    let samples = test_images(group);
    let accuracy = |entry: Option<&Entry<'_>>| entry.and_then(Entry::mean_accuracy);
    let time = |entry: Option<&Entry<'_>>| entry.and_then(|entry| entry.mean_of(&FIT_TIME));
    Table::of("Defaults and tuned recipes on the test part", families)
        .text("family", |family| family.chosen.family.clone())
        .cells("default", |family| {
            Cell::measure(&ACCURACY, accuracy(family.default), samples)
        })
        .cells("tuned", |family| {
            Cell::measure(&ACCURACY, accuracy(family.tuned), samples)
        })
        .cells("difference", |family| {
            difference(group, family.default, family.tuned)
        })
        .cells("fit, default", |family| {
            Cell::measure(&FIT_TIME, time(family.default), samples)
        })
        .cells("fit, tuned", |family| {
            Cell::measure(&FIT_TIME, time(family.tuned), samples)
        })
        .counts("recipes tried", |family| family.recipes as u64)
        .text("searched for", |family| format::seconds(family.seconds))
        .done()
}

/// The second less the first.
fn difference(group: &Group<'_>, before: Option<&Entry<'_>>, after: Option<&Entry<'_>>) -> Cell {
    let turned = before.zip(after).and_then(|(before, after)| {
        let pair = pair_of(group, [before, after])?;
        let mut difference = *pair.difference(Metric::Accuracy)?;
        // A pair is the better one less the other.
        if before.mean_accuracy() > after.mean_accuracy() {
            difference.value = -difference.value;
            if let Ok(interval) = &mut difference.interval {
                (interval.low, interval.high) = (-interval.high, -interval.low);
            }
        }
        Some(difference)
    });
    difference_cell(&ACCURACY, turned.as_ref())
}

fn recipes(search: &SearchInfo) -> Table {
    let mut best: Vec<&Tried> = search.tried.iter().collect();
    best.sort_by(|a, b| {
        let key = |tried: &Tried| (tried.train_samples, tried.accuracy.unwrap_or(-1.0));
        let (a, b) = (key(a), key(b));
        b.0.cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    Table::of("Every recipe that was tried", best)
        .text("recipe", |tried| tried.model.clone())
        .counts("training images", |tried| tried.train_samples as u64)
        .measure(&ACCURACY, search.held_out.max(1), |tried| tried.accuracy)
        .text("time", |tried| format::seconds(tried.seconds))
        .text("memory", |tried| {
            tried
                .peak_rss_bytes
                .map_or_else(|| format::NOTHING.to_owned(), format::bytes)
        })
        .text("settings", |tried| match &tried.reason {
            Some(reason) => format!("failed: {reason}"),
            None => settings(search, tried),
        })
        .done()
}

/// The settings in which a recipe differs from the first of its family.
fn settings(search: &SearchInfo, tried: &Tried) -> String {
    let family = &tried.spec.family;
    let first = search
        .tried
        .iter()
        .find(|first| first.spec.family == *family);
    let before = |key: &String| first.and_then(|first| first.spec.settings.get(key));
    let settings = tried.spec.settings.iter();
    let changed = settings.filter(|(key, value)| before(key) != Some(value));
    let changed = changed.map(|(key, value)| format!("{key} {}", setting_text(value)));
    let changed: Vec<String> = changed.collect();
    match changed.is_empty() {
        true => "defaults".to_owned(),
        false => changed.join("; "),
    }
}

fn notes(search: &SearchInfo) -> Vec<String> {
    let mut notes = vec![
        "Recipes were chosen by their accuracy on images held out of the training part, and among equals by the \
         log loss; the test part saw the chosen models once. What was found best on held-out images is a little \
         worse on others, which is why the test part says what it is worth."
            .to_owned(),
    ];
    let failed = search
        .tried
        .iter()
        .filter(|tried| tried.reason.is_some())
        .count();
    if failed > 0 {
        notes.push(format!(
            "{} of {} did not suit the data or ran into a limit.",
            failed,
            format::counted(search.tried.len() as u64, "trial", "trials")
        ));
    }
    if !search.left_out.is_empty() {
        let left_out = format::list(&search.left_out);
        notes.push(format!("The budget had no room for {left_out}."));
    }
    notes
}
