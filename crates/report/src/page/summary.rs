//! The result in words, derived from the same numbers as the leaderboard.

use bakeoff_measures::{ACCURACY, ERRORS, FIT_TIME, LATENCY_P50, MODEL_SIZE, Measure, format};
use bakeoff_metrics::Interval;

use super::{
    models::{Dataset, differences, names, seed_spread},
    words::{Words, bold},
};
use crate::{
    analysis::{Entry, Group, descending, significance::Claim},
    caution::cautions,
    timing::{self, Relation, are_comparable, best_of, times},
};

/// What the trials of a dataset say, most important first.
pub(crate) fn summary(dataset: &Dataset<'_, '_>) -> Vec<Words> {
    let group = dataset.group;
    let with_results = || group.entries.iter().filter(|e| e.mean_accuracy().is_some());
    let mut ranked: Vec<&Entry<'_>> = with_results().filter(|e| !e.is_baseline()).collect();
    if ranked.is_empty() {
        ranked = with_results().collect();
    }
    let Some((best, others)) = ranked.split_first() else {
        let words = format!(
            "There is no result on {} yet: no trial succeeded.",
            bold(group.name)
        );
        return vec![words.into()];
    };
    let mut sentences = vec![lead(group, best, others, dataset.heading.as_deref())];
    sentences.extend(cautions(group));
    sentences.extend(certainty(group));
    sentences.extend(errors(best, others));
    let second = others
        .first()
        .filter(|second| are_comparable(&FIT_TIME, &[best, second]))
        .filter(|second| best.external().is_none() && second.external().is_none());
    sentences.extend(second.and_then(|second| costs(best, second)));
    sentences.extend(cheapest(&ranked));
    sentences.extend(timing::cautions(group));
    sentences.into_iter().map(Words::from).collect()
}

fn lead(group: &Group<'_>, best: &Entry<'_>, others: &[&Entry<'_>], on: Option<&str>) -> String {
    let headline = group.headline;
    let own = best.mean_of(headline);
    let tied = others
        .iter()
        .take_while(|other| other.mean_of(headline) == own)
        .map(|other| other.model);
    let leaders: Vec<&str> = std::iter::once(best.model).chain(tied).collect();
    let on = on.map_or_else(String::new, |dataset| format!(" on {dataset}"));
    let is = match (leaders.len(), others.is_empty()) {
        (1, true) => "is the only model with results".to_owned(),
        (1, false) => format!("has the highest {}", headline.label),
        _ => format!("have the same, highest {}", headline.label),
    };
    let success = best.example().map(|(_, success)| success);
    let samples = success.map_or(0, |success| success.evaluation.samples);
    let interval = success.map(|success| {
        let Interval { low, high } = success.interval();
        let interval = ACCURACY.unit.write_interval(low, high, samples);
        format!("95\u{a0}% confidence interval {interval}\u{a0}%")
    });
    let certainty = seed_spread(best).or(interval);
    let images = format::counted(samples as u64, "test image", "test images");
    let certainty = certainty.map_or_else(String::new, |certainty| format!(" ({certainty})"));
    let accuracy = ACCURACY.write_or_dash(best.mean_accuracy(), samples);
    if *headline == ACCURACY {
        let (leaders, accuracy) = (bold(names(leaders)), bold(accuracy));
        return format!("{leaders} {is}{on}: {accuracy} of {images} correct{certainty}.");
    }
    format!(
        "{} {is}{on}: {}. {accuracy} of {images} are correct{certainty}.",
        bold(names(leaders)),
        bold(headline.write_or_dash(own, samples)),
    )
}

/// Whether the best is significantly better; nothing where several have the same accuracy.
fn certainty(group: &Group<'_>) -> Option<String> {
    let found = &group.significance;
    let entry = |place: usize| &group.entries[found.models[place].entry];
    let with_best = || found.pairs.iter().filter(|pair| pair.first == 0);
    if with_best()
        .any(|pair| entry(pair.second).mean_of(group.headline) == entry(0).mean_of(group.headline))
    {
        return None;
    }
    let others: Vec<(&str, f64)> = with_best()
        .map(|pair| (entry(pair.second).model, pair.p()))
        .collect();
    let limit = match found.claim() {
        Claim::Recipes => "",
        Claim::Fits => {
            " Single fits were compared where a model has one seed: run again with --seeds 5 to know \
             whether models that are trained again differ as well."
        }
    };
    Some(differences(found.claim(), &others)? + limit)
}

fn errors(best: &Entry<'_>, others: &[&Entry<'_>]) -> Option<String> {
    let own = best.mean_of(&ERRORS)?;
    // The first that is worse, and the last.
    let mut worse = others.iter().filter_map(|other| {
        let theirs = other.mean_of(&ERRORS)?;
        (theirs > own).then_some((other.model, theirs))
    });
    let (next, theirs) = worse.next()?;
    let fewer = |theirs: f64| {
        let share = 100.0 * (1.0 - own / theirs);
        let digits = usize::from(share < 1.0);
        format!("{share:.digits$}\u{a0}%")
    };
    let second = others.first();
    let tied = second.is_some_and(|other| other.mean_accuracy() == best.mean_accuracy());
    let count = |errors: f64| ERRORS.write(errors, 0);
    let last = worse.next_back().map_or_else(String::new, |(last, most)| {
        format!(" and {} fewer than {last} ({})", fewer(most), count(most))
    });
    Some(format!(
        "{} {} {}, {} ({}){last}.",
        if tied { "Each makes" } else { "It makes" },
        count(own),
        if own == 1.0 { "error" } else { "errors" },
        bold(format!("{} fewer than {next}", fewer(theirs))),
        count(theirs)
    ))
}

/// What both cost, as far as both were measured.
fn costs(best: &Entry<'_>, second: &Entry<'_>) -> Option<String> {
    let against = |measure: &Measure, verb: &str| {
        let [own, theirs] = [best, second].map(|entry| entry.mean_of(measure));
        let ranges = best.range_of(measure).zip(second.range_of(measure));
        let words = match ranges.map(|(own, theirs)| Relation::of(own, theirs)) {
            Some(Relation::Longer(ratio)) => bold(format!("{verb} {} slower", times(ratio))),
            Some(Relation::Shorter(ratio)) => bold(format!("{verb} {} faster", times(ratio))),
            Some(Relation::Alike) => bold(format!("{verb} about as fast")),
            Some(Relation::Unknown) | None => {
                format!("{verb} in a time that was not measured well enough to compare")
            }
        };
        let [own, theirs] = [own?, theirs?].map(|mean| measure.write_or_dash(Some(mean), 0));
        Some(format!("{words} ({own} against {theirs})"))
    };
    let clauses = [
        against(&FIT_TIME, "trains"),
        against(&LATENCY_P50, "predicts a single image"),
    ];
    let clauses: Vec<String> = clauses.into_iter().flatten().collect();
    (!clauses.is_empty()).then(|| {
        format!(
            "Compared with {}, {} {}.",
            second.model,
            best.model,
            clauses.join(" and ")
        )
    })
}

/// Which models are best at what accuracy does not show.
fn cheapest(ranked: &[&Entry<'_>]) -> Option<String> {
    if ranked.len() < 3 {
        return None;
    }
    let least = |what: &str, measure: &Measure| {
        let mut best = best_of(measure, ranked);
        best.sort_by(|a, b| descending(b.mean_of(measure), a.mean_of(measure)));
        let values = best.iter().map(|entry| {
            let value = measure.write_or_dash(entry.mean_of(measure), 0);
            format!("{} ({value})", bold(entry.model))
        });
        let names: Vec<String> = values.collect();
        match names.as_slice() {
            [] => None,
            [only] => Some(format!("{what}: {only}.")),
            several => Some(format!(
                "{what}: {}, with no clear difference.",
                format::list(several)
            )),
        }
    };
    let sentences: Vec<String> = [
        least("Fastest to train", &FIT_TIME),
        least("Lowest latency", &LATENCY_P50),
        least("Smallest", &MODEL_SIZE),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}
