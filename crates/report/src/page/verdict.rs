//! The answer in words, derived from the same numbers as the leaderboard.

use bakeoff_metrics::Metric;

use super::{parts::Words, significance::p_text};
use crate::{
    analysis::{Entry, Group, Success, seconds, significance::PairDifference},
    format,
};

/// What a dataset's trials say, shortest first.
pub(crate) fn verdict(group: &Group<'_>, only_dataset: bool) -> Vec<Words> {
    let ranked: Vec<&Entry<'_>> = group
        .entries
        .iter()
        .filter(|entry| entry.mean_accuracy().is_some())
        .collect();
    let Some((best, others)) = ranked.split_first() else {
        return vec![
            Words::default()
                .plain("No model has an answer on ")
                .strong(group.name)
                .plain(" yet: no trial succeeded."),
        ];
    };
    let mut sentences = vec![lead(best, others, group.name, only_dataset)];
    sentences.extend(certainty(group));
    sentences.extend(errors(best, others));
    sentences.extend(others.first().map(|second| costs(best, second)));
    sentences.extend(cheapest(&ranked));
    sentences
}

fn lead(best: &Entry<'_>, others: &[&Entry<'_>], dataset: &str, only_dataset: bool) -> Words {
    let tied: Vec<String> = others
        .iter()
        .take_while(|other| other.mean_accuracy() == best.mean_accuracy())
        .map(|other| other.model.to_owned())
        .collect();
    let samples = best.example().map_or(0, |(_, s)| s.evaluation.samples);
    let accuracy = format::or_nothing(best.mean_accuracy(), |a| format::percent(a, samples));
    let place = if only_dataset {
        String::new()
    } else {
        format!(" on {dataset}")
    };
    let words = if others.is_empty() {
        Words::default()
            .strong(best.model)
            .plain(format!(" is the only model with results{place}: "))
    } else if tied.is_empty() {
        Words::default()
            .strong(best.model)
            .plain(format!(" is the most accurate{place}: "))
    } else {
        let names: Vec<String> = std::iter::once(best.model.to_owned()).chain(tied).collect();
        Words::default()
            .strong(format::list(&names))
            .plain(format!(" are equally accurate{place}: "))
    };
    let pictures = format::counted(samples as u64, "test picture", "test pictures");
    let words = words
        .strong(accuracy)
        .plain(format!(" of {pictures} right"));
    match (spread(best, samples), best.example()) {
        (Some(spread), _) => words.plain(format!(" ({spread}).")),
        (None, Some((_, success))) => words.plain(format!(
            " (95\u{a0}% interval {}).",
            interval(success, samples)
        )),
        (None, None) => words.plain("."),
    }
}

/// Whether the best is really better; nothing where several share its very accuracy.
fn certainty(group: &Group<'_>) -> Option<Words> {
    let found = &group.significance;
    let accuracy = |place: usize| group.entries[found.models[place].entry].mean_accuracy();
    let with_best = || found.pairs.iter().filter(|pair| pair.first == 0);
    if with_best().any(|pair| accuracy(pair.second) == accuracy(0)) {
        return None;
    }
    let (clear, open): (Vec<_>, Vec<_>) = with_best().partition(|pair| pair.accuracy_differs());
    let names = |pairs: &[&PairDifference]| {
        let names = pairs.iter().map(|pair| {
            group.entries[found.models[pair.second].entry]
                .model
                .to_owned()
        });
        format::list(&names.collect::<Vec<_>>())
    };
    let largest = clear
        .iter()
        .filter_map(|pair| pair.difference(Metric::Accuracy)?.adjusted_p)
        .fold(0.0, f64::max);
    let p = match clear.as_slice() {
        [_] => p_text(largest),
        _ => p_text(largest).replace('=', "≤"),
    };
    let words = Words::default();
    match (open.as_slice(), clear.as_slice()) {
        ([], []) => None,
        ([], clear) => Some(
            words
                .plain("Its lead over ")
                .strong(format!("{} is significant", names(clear)))
                .plain(format!(" ({p}).")),
        ),
        (open, []) => Some(
            words
                .plain("Its lead over ")
                .strong(format!("{} may be chance", names(open)))
                .plain("."),
        ),
        (open, clear) => Some(
            words
                .plain("Its lead over ")
                .strong(format!("{} may be chance", names(open)))
                .plain(format!("; over {} it is significant ({p}).", names(clear))),
        ),
    }
}

/// `98.95 to 99.31 %`.
fn interval(success: &Success<'_>, samples: usize) -> String {
    let interval = success.interval();
    let low = format::percent(interval.low, samples);
    let low = low.trim_end_matches("\u{a0}%");
    format!("{low} to {}", format::percent(interval.high, samples))
}

/// What several seeds gave.
pub(crate) fn spread(entry: &Entry<'_>, samples: usize) -> Option<String> {
    let accuracies: Vec<f64> = entry
        .successes()
        .map(|(_, success)| success.evaluation.accuracy)
        .collect();
    (accuracies.len() > 1).then(|| {
        let low = accuracies.iter().copied().fold(f64::INFINITY, f64::min);
        let high = accuracies.iter().copied().fold(0.0, f64::max);
        if low == high {
            return format!("the same with each of {} seeds", accuracies.len());
        }
        format!(
            "mean of {} seeds, {} to {}",
            accuracies.len(),
            format::percent(low, samples),
            format::percent(high, samples)
        )
    })
}

fn errors(best: &Entry<'_>, others: &[&Entry<'_>]) -> Option<Words> {
    let mean = |entry: &Entry<'_>| entry.mean(|success| success.errors() as f64);
    let own = mean(best)?;
    // The first that is worse, and the last.
    let mut worse = others.iter().filter_map(|other| {
        let theirs = mean(other)?;
        (theirs > own).then_some((other.model, theirs))
    });
    let (next, theirs) = worse.next()?;
    let fewer = |theirs: f64| {
        let share = 100.0 * (1.0 - own / theirs);
        let digits = usize::from(share < 1.0);
        format!("{share:.digits$}\u{a0}%")
    };
    let subject = if others
        .first()
        .is_some_and(|other| other.mean_accuracy() == best.mean_accuracy())
    {
        "Each gets"
    } else {
        "It gets"
    };
    let words = Words::default()
        .plain(format!("{subject} {} wrong, ", errors_text(own)))
        .strong(format!("{} fewer errors than {next}", fewer(theirs)))
        .plain(format!(" ({})", errors_text(theirs)));
    Some(match worse.next_back() {
        Some((last, most)) => words.plain(format!(
            " and {} fewer than {last} ({}).",
            fewer(most),
            errors_text(most)
        )),
        None => words.plain("."),
    })
}

/// A mean over seeds need not be whole.
fn errors_text(errors: f64) -> String {
    if errors.fract() == 0.0 {
        format::count(errors as u64)
    } else {
        format!("{errors:.1}")
    }
}

fn fit(success: &Success<'_>) -> f64 {
    seconds(success.measured.costs.fit_ns)
}

fn latency(success: &Success<'_>) -> f64 {
    seconds(success.measured.costs.latency.p50_ns)
}

fn costs(best: &Entry<'_>, second: &Entry<'_>) -> Words {
    let against = |value: fn(&Success<'_>) -> f64, verb: &str| {
        let own = best.mean(value).unwrap_or_default();
        let theirs = second.mean(value).unwrap_or_default();
        let words = match own / theirs {
            ratio if !ratio.is_normal() => verb.to_owned(),
            ratio if ratio > 1.05 => format!("{verb} {} slower", format::times(ratio)),
            ratio if ratio < 1.0 / 1.05 => {
                format!("{verb} {} faster", format::times(1.0 / ratio))
            }
            _ => format!("{verb} as fast"),
        };
        let times = format!(
            " ({} against {})",
            format::seconds(own),
            format::seconds(theirs)
        );
        (words, times)
    };
    let (train, train_times) = against(fit, "trains");
    let (answer, answer_times) = against(latency, "answers one picture");
    Words::default()
        .plain(format!("Compared with {}, {} ", second.model, best.model))
        .strong(train)
        .plain(format!("{train_times} and "))
        .strong(answer)
        .plain(format!("{answer_times}."))
}

/// Who is best at what accuracy does not show.
fn cheapest(ranked: &[&Entry<'_>]) -> Option<Words> {
    if ranked.len() < 3 {
        return None;
    }
    let least = |value: &dyn Fn(&Success<'_>) -> f64| {
        ranked
            .iter()
            .filter_map(|entry| Some((entry.model, entry.mean(value)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    };
    let (trains, train_time) = least(&fit)?;
    let (answers, answer_time) = least(&latency)?;
    let (smallest, bytes) = least(&|success| success.measured.costs.model_bytes as f64)?;
    Some(
        Words::default()
            .plain("Fastest to train: ")
            .strong(trains)
            .plain(format!(
                " ({}). Fastest to answer: ",
                format::seconds(train_time)
            ))
            .strong(answers)
            .plain(format!(" ({}). Smallest: ", format::seconds(answer_time)))
            .strong(smallest)
            .plain(format!(" ({}).", format::bytes(bytes as u64))),
    )
}
