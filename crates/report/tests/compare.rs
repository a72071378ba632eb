//! Runs against runs: what got better, what got worse, and who is best over all.
// The lint spares tests themselves, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod common;

use bakeoff_core::{
    Probabilities,
    record::{Outcome, Run, Stage},
};
use bakeoff_metrics::Metric;
use bakeoff_report::{Change, Diff, DiffError, DiffOptions, ModelDiff, RankError, diff, rank};
use common::{Builder, Data, Fate, answers, digits, measured};
use serde_json::json;

/// A trial that went well with these very answers.
fn with(builder: Builder, data: &Data, model: &str, answers: Probabilities) -> Builder {
    let measured = Box::new(measured(data, "knn", 0.9, 1));
    builder.trial(data, model, "knn", 1, Fate::Ok(measured, answers))
}

fn run(name: &str, data: &Data, models: &[(&str, f64, u64)]) -> Run {
    let mut builder = Builder::new(name, &[data]);
    for &(model, accuracy, dice) in models {
        builder = with(builder, data, model, answers(&data.test, accuracy, dice));
    }
    builder.build()
}

fn model<'d>(found: &'d Diff, name: &str) -> &'d ModelDiff {
    found.models.iter().find(|m| m.model == name).unwrap()
}

#[test]
fn better_worse_noise_and_the_same_are_told_apart() {
    let digits = digits("mnist", 2000);
    let before = run(
        "before",
        &digits,
        &[
            ("up", 0.90, 1),
            ("down", 0.95, 2),
            ("noise", 0.93, 3),
            ("same", 0.9, 4),
            ("gone", 0.9, 5),
        ],
    );
    let after = run(
        "after",
        &digits,
        &[
            ("up", 0.95, 11),
            ("down", 0.90, 12),
            ("noise", 0.93, 13),
            ("same", 0.9, 4),
            ("new", 0.9, 5),
        ],
    );
    let found = diff(&before, &after, &DiffOptions::default()).unwrap();
    let verdicts = ["up", "down", "noise", "same"].map(|name| model(&found, name).verdict);
    assert_eq!(
        verdicts,
        [
            Change::Better,
            Change::Worse,
            Change::WithinNoise,
            Change::Same
        ]
    );
    assert_eq!(found.only_first, ["mnist/gone"]);
    assert_eq!(found.only_second, ["mnist/new"]);
    let worse: Vec<&str> = found.worse().map(|m| m.model.as_str()).collect();
    assert_eq!(worse, ["down"]);
    for score in &model(&found, "up").scores {
        let difference = score.second - score.first;
        assert!((score.difference - difference).abs() < 1e-12);
        assert!(score.interval.is_none_or(|i| i.contains(score.difference)));
    }
    assert_eq!(model(&found, "up").scores.len(), 4);

    // The other way round it is the other way round.
    let back = diff(&after, &before, &DiffOptions::default()).unwrap();
    assert_eq!(model(&back, "up").verdict, Change::Worse);
    assert_eq!(model(&back, "down").verdict, Change::Better);

    // Five points do not matter to somebody who says so.
    let lenient = DiffOptions {
        margin: 0.2,
        ..DiffOptions::default()
    };
    let found = diff(&before, &after, &lenient).unwrap();
    assert_eq!(model(&found, "up").verdict, Change::WithinNoise);
    assert!(found.worse().next().is_none());

    // Of losses less is better.
    let by_loss = DiffOptions {
        metric: Metric::LogLoss,
        margin: 0.0,
    };
    let found = diff(&before, &after, &by_loss).unwrap();
    assert_eq!(model(&found, "up").verdict, Change::Better);
    assert_eq!(model(&found, "down").verdict, Change::Worse);
}

#[test]
fn a_few_pictures_fail_no_pipeline() {
    let digits = digits("mnist", 2000);
    let good = answers(&digits.test, 0.95, 1);
    // So many right answers turned into wrong ones, and nothing the other way.
    let turned = |count: usize| {
        let right = good.predicted();
        let right = right.iter().zip(digits.test.labels()).map(|(a, b)| a == b);
        let chosen: Vec<usize> = right
            .enumerate()
            .filter_map(|(sample, right)| right.then_some(sample))
            .take(count)
            .collect();
        let mut values = good.values().to_vec();
        for sample in chosen {
            values[sample * 10..(sample + 1) * 10].rotate_right(1);
        }
        Probabilities::new(10, values).unwrap()
    };
    let of = |answers| with(Builder::new("run", &[&digits]), &digits, "knn", answers).build();
    let before = of(good.clone());
    for metric in [Metric::Accuracy, Metric::MacroF1] {
        let options = DiffOptions {
            metric,
            ..DiffOptions::default()
        };
        let verdict = |count| {
            let found = diff(&before, &of(turned(count)), &options).unwrap();
            model(&found, "knn").verdict
        };
        // Three coins fall alike one time in four; twelve hardly ever.
        assert_eq!(verdict(3), Change::WithinNoise, "{metric:?}");
        assert_eq!(verdict(12), Change::Worse, "{metric:?}");
    }
}

#[test]
fn a_model_that_fails_now_is_lost() {
    let digits = digits("mnist", 100);
    let before = run("before", &digits, &[("knn", 0.9, 1), ("cnn", 0.9, 2)]);
    let after = with(
        Builder::new("after", &[&digits]),
        &digits,
        "cnn",
        answers(&digits.test, 0.9, 2),
    )
    .trial(
        &digits,
        "knn",
        "knn",
        1,
        Fate::Failed(Stage::Fit, "no memory".into()),
    )
    .build();
    let found = diff(&before, &after, &DiffOptions::default()).unwrap();
    assert_eq!(model(&found, "knn").verdict, Change::Lost);
    assert_eq!(model(&found, "knn").reason.as_deref(), Some("no memory"));
    assert_eq!(found.worse().count(), 1);
    let back = diff(&after, &before, &DiffOptions::default()).unwrap();
    assert_eq!(model(&back, "knn").verdict, Change::NotComparable);
    assert!(back.worse().next().is_none());
}

#[test]
fn runs_on_other_test_data_are_refused_with_the_reason() {
    let (small, large) = (digits("mnist", 100), digits("mnist", 200));
    let before = run("before", &small, &[("knn", 0.9, 1)]);
    let after = run("after", &large, &[("knn", 0.9, 1)]);
    let refusal = diff(&before, &after, &DiffOptions::default()).unwrap_err();
    let words = refusal.to_string();
    assert!(
        words.contains("mnist (100 test images") && words.contains("mnist (200 test images"),
        "{words}"
    );
    let other = run("other", &small, &[("cnn", 0.9, 1)]);
    assert!(matches!(
        diff(&before, &other, &DiffOptions::default()),
        Err(DiffError::NoModels { .. })
    ));
    for options in [
        DiffOptions {
            margin: -1.0,
            ..DiffOptions::default()
        },
        DiffOptions {
            margin: f64::NAN,
            ..DiffOptions::default()
        },
        DiffOptions {
            metric: Metric::CohenKappa,
            ..DiffOptions::default()
        },
    ] {
        assert!(diff(&before, &before, &options).is_err(), "{options:?}");
    }
}

#[test]
fn what_was_asked_for_differently_is_said() {
    let digits = digits("mnist", 60);
    let before = run("before", &digits, &[("knn", 0.9, 1)]);
    let mut after = before.clone();
    let trial = &mut after.plan[0].trial;
    trial.spec.settings.insert("k".to_owned(), json!(7));
    trial.spec.settings.remove("weights");
    let found = diff(&before, &after, &DiffOptions::default()).unwrap();
    assert_eq!(
        model(&found, "knn").changes,
        ["k 3 → 7", "weights \"uniform\" → none"]
    );
}

#[test]
fn models_are_ranked_over_datasets_and_tested_where_there_are_enough() {
    let sets: Vec<Data> = (0..6)
        .map(|i| digits(&format!("set{i}"), 300 + i))
        .collect();
    let build = |sets: &[Data]| {
        let all: Vec<&Data> = sets.iter().collect();
        let mut builder = Builder::new("many", &all);
        for (place, data) in sets.iter().enumerate() {
            for (model, accuracy) in [("bad", 0.6), ("good", 0.95), ("fair", 0.8)] {
                let answers = answers(&data.test, accuracy, place as u64);
                builder = with(builder, data, model, answers);
            }
        }
        with(builder, &sets[0], "rare", answers(&sets[0].test, 0.99, 1)).build()
    };
    let many = build(&sets);
    let found = rank(&[&many], Metric::Accuracy, 0.01).unwrap();
    let order: Vec<(&str, f64)> = found
        .models
        .iter()
        .map(|m| (m.model.as_str(), m.mean_rank))
        .collect();
    assert_eq!(order, [("good", 1.0), ("fair", 2.0), ("bad", 3.0)]);
    assert_eq!(found.left_out[0].0, "rare");
    assert_eq!(found.left_out[0].1.len(), 5);
    let test = found.test.unwrap();
    assert!(test.friedman_p < 0.01 && found.no_test.is_none());
    // k = 3, N = 6: q = 2.343 (Demšar, table 5a), times the root of 3·4/36.
    assert!((test.critical_difference - 2.343 * (12.0_f64 / 36.0).sqrt()).abs() < 1e-3);

    let by_loss = rank(&[&many], Metric::LogLoss, 0.01).unwrap();
    assert_eq!(by_loss.models[0].model, "good");

    // Three models in one order on six datasets: the first is free, (1/6)^5.
    assert!((test.p * 6.0_f64.powi(5) - 1.0).abs() < 1e-9, "{test:?}");
    // Of 2^6 signs two are so clear, for each of three pairs.
    assert_eq!(found.pairs.len(), 3);
    let pair = &found.pairs[0];
    assert_eq!((pair.first.as_str(), pair.second.as_str()), ("good", "bad"));
    assert!(
        (pair.adjusted_p - 3.0 * 2.0 / 64.0).abs() < 1e-9,
        "{pair:?}"
    );
    // 35 points on each of six datasets: better by more than one point, if not certainly so.
    assert!(
        pair.practical.first_higher > 0.99 && pair.practical.first_lower < 0.01,
        "{pair:?}"
    );

    // Two runs of three datasets each are as good as one of six.
    let (one, two) = (build(&sets[..3]), build(&sets[3..]));
    let together = rank(&[&one, &two], Metric::Accuracy, 0.01).unwrap();
    assert_eq!(together.datasets.len(), 6);
    assert!(together.test.is_some());
    let few = rank(&[&one], Metric::Accuracy, 0.01).unwrap();
    // Three datasets say little, and how much is exact: (1/6)^2.
    assert!((few.test.unwrap().p * 36.0 - 1.0).abs() < 1e-9);
    let alone = rank(&[&build(&sets[..1])], Metric::Accuracy, 0.01).unwrap();
    assert!(alone.test.is_none());
    let reason = alone.no_test.unwrap();
    assert!(
        reason.contains("at least 2 datasets; there is 1"),
        "{reason}"
    );
    // The same run twice is no more evidence.
    let twice = rank(&[&one, &one], Metric::Accuracy, 0.01).unwrap();
    assert_eq!(twice.datasets.len(), 3);
    assert_eq!(twice.models[0].scores, few.models[0].scores);
}

#[test]
fn two_parts_of_one_dataset_are_not_two_datasets() {
    let digits = digits("mnist", 60);
    let models = [("knn", 0.9, 1), ("cnn", 0.9, 2)];
    let all = run("all", &digits, &models);
    let part = run("part", &common::digits("mnist", 40), &models);
    let refusal = rank(&[&all, &part], Metric::Accuracy, 0.01).unwrap_err();
    assert!(matches!(refusal, RankError::OneDataset { .. }), "{refusal}");
    let words = refusal.to_string();
    for word in ["all", "part", "mnist", "60 and 40 images", "--limit-test"] {
        assert!(words.contains(word), "no `{word}` in: {words}");
    }
}

#[test]
fn one_name_for_two_recipes_is_refused() {
    let digits = digits("mnist", 60);
    let one = run("one", &digits, &[("knn", 0.9, 1), ("cnn", 0.9, 2)]);
    let mut two = one.clone();
    two.info.name = "two".to_owned();
    two.plan[0].trial.spec.engine = "linfa-nn".to_owned();
    let refusal = rank(&[&one, &two], Metric::Accuracy, 0.01).unwrap_err();
    assert!(matches!(refusal, RankError::Recipes { .. }), "{refusal}");
    assert!(refusal.to_string().contains("`knn`"));
    // Nor is the mean of a model and of the same one trained on less data a score.
    let mut less = one.clone();
    less.info.name = "less".to_owned();
    for record in less.records.values_mut() {
        if let Outcome::Ok(measured) = &mut record.outcome {
            measured.samples.train /= 2;
        }
    }
    let refusal = rank(&[&one, &less], Metric::Accuracy, 0.01).unwrap_err();
    assert!(matches!(refusal, RankError::Training { .. }), "{refusal}");
    let alone = run("alone", &digits, &[("knn", 0.9, 1)]);
    let refusal = rank(&[&alone], Metric::Accuracy, 0.01)
        .unwrap_err()
        .to_string();
    assert!(refusal.ends_with("there is only knn"), "{refusal}");
}
