//! What is said about times: nothing within the noise, and nothing that a busy machine turns round.
// The lint spares tests themselves, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/html.rs"]
mod html;

use bakeoff_core::record::{Costs, Outcome, Run, Timing};
use bakeoff_report::{DiffOptions, TimeChange, diff, leaderboard, terminal};
use common::{Builder, digits, four_families, measured};
use html::rendered;

/// A call of two threads that were given this share of the two processors.
fn call(work_ns: u64, given: f64) -> Timing {
    let wall_ns = (work_ns as f64 / 2.0 / given) as u64;
    Timing {
        wall_ns,
        cpu_ns: Some(work_ns),
        waited_ns: Some(2 * wall_ns - work_ns),
        preemptions: Some(100),
        stolen_ns: Some(0),
    }
}

/// A model's costs, with a fit of so much work.
fn fitted(costs: &mut Costs, work_ns: u64, given: f64) {
    costs.fits = vec![call(work_ns, given)];
    costs.fit_ns = costs.fits[0].wall_ns;
    costs.fit_cpu_ns = Some(work_ns);
}

/// Two models whose fits are of so much work, each on its share of the processors.
fn two(first: (u64, f64), second: (u64, f64)) -> Run {
    let digits = digits("mnist", 60);
    let mut builder = Builder::new("times", &[&digits]);
    for (model, accuracy) in [("a", 0.95), ("b", 0.8)] {
        builder = builder.ok(&digits, model, "ann", 1, accuracy);
    }
    let mut run = builder.build();
    for record in run.records.values_mut() {
        let (work, given) = if record.trial.model == "a" {
            first
        } else {
            second
        };
        let Outcome::Ok(measured) = &mut record.outcome else {
            panic!("it has results");
        };
        fitted(&mut measured.costs, work, given);
    }
    run
}

/// The words of the page about training times.
fn sentence(run: &Run) -> String {
    let html = rendered(run).html;
    let start = html.find("Compared with").unwrap();
    let end = html[start..].find("</p>").unwrap();
    html[start..start + end].replace('\u{a0}', " ")
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn a_difference_within_the_noise_is_none() {
    for work in [10, 14, 7] {
        let words = sentence(&two((work * SECOND, 1.0), (10 * SECOND, 1.0)));
        assert!(words.contains("trains about as fast"), "{words}");
    }
}

#[test]
fn of_a_model_that_was_not_trained_here_only_the_answers_are_compared() {
    for name in ["a", "b"] {
        let mut run = two((10 * SECOND, 1.0), (20 * SECOND, 1.0));
        for record in run.records.values_mut() {
            if let Outcome::Ok(measured) = &mut record.outcome {
                measured.trained_elsewhere = record.trial.model == name;
            }
        }
        let words = sentence(&run);
        assert!(!words.contains("trains") && !words.contains('–'), "{words}");
        assert!(words.contains("predicts a single image"), "{words}");
    }
}

#[test]
fn a_ratio_has_its_range() {
    let words = sentence(&two((100 * SECOND, 1.0), (10 * SECOND, 1.0)));
    assert!(words.contains("trains 5.9× to 17× slower"), "{words}");
    let words = sentence(&two((10 * SECOND, 1.0), (100 * SECOND, 1.0)));
    assert!(words.contains("trains 5.9× to 17× faster"), "{words}");
}

#[test]
fn no_share_of_the_processors_turns_a_sentence_round() {
    // The first trains for twice as long; either is measured on a busy machine, or both.
    let shares = [1.0, 0.7, 0.5, 0.2, 0.1];
    for (own, other) in shares.into_iter().flat_map(|a| shares.map(|b| (a, b))) {
        let words = sentence(&two((20 * SECOND, own), (10 * SECOND, other)));
        let training = words.split(" and ").next().unwrap();
        assert!(!training.contains("faster"), "{own} {other}: {words}");
        let words = sentence(&two((10 * SECOND, own), (20 * SECOND, other)));
        let training = words.split(" and ").next().unwrap();
        assert!(!training.contains("slower"), "{own} {other}: {words}");
        // Equal models are never told apart.
        let words = sentence(&two((10 * SECOND, own), (10 * SECOND, other)));
        let training = words.split(" and ").next().unwrap();
        let verdict = training.contains("slower") || training.contains("faster");
        assert!(!verdict, "{own} {other}: {words}");
    }
}

#[test]
fn a_large_difference_is_seen_on_a_busy_machine_too() {
    let words = sentence(&two((1000 * SECOND, 0.2), (10 * SECOND, 1.0)));
    assert!(words.contains("slower"), "{words}");
}

#[test]
fn disturbed_times_are_marked_everywhere() {
    let run = two((10 * SECOND, 0.2), (10 * SECOND, 1.0));
    let board = leaderboard(&run);
    let text = terminal::leaderboard(&board).to_string();
    assert!(text.contains("25.0 s !"), "{text}");
    assert!(text.contains("! Other programs"), "{text}");
    assert!(text.contains("times of a were measured"), "{text}");
    assert!(text.contains("run again while nothing else runs"), "{text}");
    let page = rendered(&run).html;
    assert!(
        page.contains("disturbed</small>"),
        "the cell of a is marked"
    );
    let json: serde_json::Value = serde_json::from_str(&board.to_json().unwrap()).unwrap();
    assert_eq!(json[0]["fit_disturbed"], true);
    assert_eq!(json[1]["fit_disturbed"], false);
    assert!(json[0]["fit_seconds_low"].as_f64() < json[1]["fit_seconds"].as_f64());

    let quiet = terminal::leaderboard(&leaderboard(&two((SECOND, 1.0), (SECOND, 1.0))));
    assert!(!quiet.to_string().contains('!'), "{quiet}");
}

#[test]
fn runs_of_earlier_versions_show_the_peak_of_the_process() {
    let mut run = four_families(60);
    let text = terminal::leaderboard(&leaderboard(&run)).to_string();
    assert!(
        text.contains("memory") && !text.contains("peak memory"),
        "{text}"
    );
    for record in run.records.values_mut() {
        let Outcome::Ok(measured) = &mut record.outcome else {
            continue;
        };
        let costs = &mut measured.costs;
        (costs.fits, costs.predictions, costs.load) = (Vec::new(), Vec::new(), None);
        (costs.fit_peak_rss_bytes, costs.predict_peak_rss_bytes) = (None, None);
        costs.latency.all = None;
        costs.latency.least_ns = None;
        costs.latency.p50_interval_ns = None;
    }
    let text = terminal::leaderboard(&leaderboard(&run)).to_string();
    assert!(
        text.contains("peak memory") && !text.contains('!'),
        "{text}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&leaderboard(&run).to_json().unwrap()).unwrap();
    assert!(json[0]["fit_disturbed"].is_null() && json[0]["memory_bytes"].is_null());
}

#[test]
fn runs_are_compared_by_the_ranges_of_their_times() {
    let change = |before: (u64, f64), after: (u64, f64)| {
        let (first, second) = (two(before, before), two(after, after));
        let found = diff(&first, &second, &DiffOptions::default()).unwrap();
        found.models[0].fit_seconds.unwrap().change
    };
    let ten = (10 * SECOND, 1.0);
    assert_eq!(change(ten, (13 * SECOND, 1.0)), TimeChange::WithinNoise);
    assert_eq!(change(ten, (30 * SECOND, 1.0)), TimeChange::Slower);
    assert_eq!(change((30 * SECOND, 1.0), ten), TimeChange::Faster);
    let busy = change(ten, (10 * SECOND, 0.2));
    assert!(
        busy != TimeChange::Slower && busy != TimeChange::Faster,
        "{busy:?}"
    );

    let (first, mut second) = (two(ten, ten), two((SECOND, 1.0), (SECOND, 1.0)));
    for record in second.records.values_mut() {
        record.host.cpu = "Another".to_owned();
    }
    let found = diff(&first, &second, &DiffOptions::default()).unwrap();
    let change = found.models[0].fit_seconds.unwrap().change;
    assert_eq!(change, TimeChange::OtherMachine);
}

#[test]
fn made_up_costs_have_a_memory() {
    let digits = digits("mnist", 30);
    let costs = measured(&digits, "cnn", 0.9, 1).costs;
    assert_eq!(costs.memory_bytes(), Some(120_000_000));
}
