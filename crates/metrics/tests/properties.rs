//! Laws that hold for every model on every set of samples.

#![allow(
    clippy::unwrap_used,
    reason = "a test without its data must fail loudly"
)]

use bakeoff_core::Probabilities;
use bakeoff_metrics::{
    Binning, Collinear, Evaluation, Metric, OneVsRest, Pair, Predictions, Ranking, Reliability,
    statistics::holm, top_k_accuracy,
};
use proptest::prelude::*;

/// Labels and the probabilities of a model; coarse scores make ties.
fn samples() -> impl Strategy<Value = (Vec<u16>, Probabilities)> {
    (2_usize..6, 1_usize..60, prop::bool::ANY).prop_flat_map(|(classes, samples, coarse)| {
        let labels = prop::collection::vec(0..classes as u16, samples);
        let scores = prop::collection::vec(-4.0_f32..4.0, samples * classes);
        (labels, scores).prop_map(move |(labels, mut scores)| {
            if coarse {
                scores.iter_mut().for_each(|score| *score = score.round());
            }
            (labels, Probabilities::from_logits(classes, scores).unwrap())
        })
    })
}

/// The Mann–Whitney statistic over the number of pairs, pair by pair.
fn mann_whitney(labels: &[u16], p: &Probabilities, class: usize) -> Option<f64> {
    let scores = |own: bool| {
        labels
            .iter()
            .zip(p.rows())
            .filter(move |&(&label, _)| (usize::from(label) == class) == own)
            .map(move |(_, row)| row[class])
    };
    let mut wins = 0.0;
    let mut pairs = 0.0;
    for positive in scores(true) {
        for negative in scores(false) {
            pairs += 1.0;
            if positive > negative {
                wins += 1.0;
            } else if positive == negative {
                wins += 0.5;
            }
        }
    }
    (pairs > 0.0).then(|| wins / pairs)
}

proptest! {
    #[test]
    fn auc_is_the_mann_whitney_statistic((labels, p) in samples()) {
        let found = OneVsRest::new(&Predictions::new(&labels, &p).unwrap());
        for class in 0..p.classes() {
            let naive = mann_whitney(&labels, &p, class);
            prop_assert_eq!(found.auc()[class].is_some(), naive.is_some());
            if let (Some(auc), Some(naive)) = (found.auc()[class], naive) {
                prop_assert!((auc - naive).abs() < 1e-12, "{} {}", auc, naive);
            }
        }
    }

    #[test]
    fn the_order_of_samples_does_not_matter(
        ((labels, p), order) in samples().prop_flat_map(|(labels, p)| {
            let order: Vec<usize> = (0..labels.len()).collect();
            (Just((labels, p)), Just(order).prop_shuffle())
        })
    ) {
        // These add floats, in an order that may move the last bits; the rest is counted,
        // so that not one bit may differ.
        let rounded = |mut found: Evaluation| {
            for value in [
                &mut found.log_loss,
                &mut found.brier_score,
                &mut found.expected_calibration_error,
                &mut found.maximum_calibration_error,
                &mut found.expected_calibration_error_equal_mass,
            ] {
                *value = (*value * 1e12).round();
            }
            found
        };
        let shuffled: Vec<u16> = order.iter().map(|&index| labels[index]).collect();
        let before = Evaluation::new(&labels, &p).unwrap();
        let after = Evaluation::new(&shuffled, &p.select(&order)).unwrap();
        prop_assert_eq!(rounded(before), rounded(after));
    }

    #[test]
    fn scores_stay_within_their_bounds((labels, p) in samples()) {
        let found = Evaluation::new(&labels, &p).unwrap();
        for metric in Metric::ALL {
            if let Some(value) = found.get(metric) {
                let (least, most) = match metric {
                    Metric::LogLoss => (0.0, 36.05),
                    Metric::BrierScore => (0.0, 2.0),
                    Metric::MatthewsCorrelation | Metric::CohenKappa => (-1.0, 1.0),
                    _ => (0.0, 1.0),
                };
                // A sum of float32 over a row may pass 1 by its rounding.
                let within = value >= least && value <= most + 1e-6;
                prop_assert!(within, "{:?}: {}", metric, value);
            }
        }
        let others = [
            found.micro_auc,
            found.one_vs_one_auc,
            found.macro_average_precision,
            found.micro_average_precision,
            found.weighted_average_precision,
        ];
        for value in others.into_iter().flatten() {
            prop_assert!((0.0..=1.0 + 1e-6).contains(&value));
        }
        for class in &found.per_class {
            for share in [class.precision, class.recall, class.f1, class.auc].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&share));
            }
        }
    }

    #[test]
    fn micro_averages_and_weighted_recall_are_accuracy((labels, p) in samples()) {
        let found = Evaluation::new(&labels, &p).unwrap();
        prop_assert_eq!(found.micro_f1, found.accuracy);
        prop_assert_eq!(found.micro_precision, found.accuracy);
        prop_assert_eq!(found.micro_recall, found.accuracy);
        prop_assert!((found.weighted_recall - found.accuracy).abs() < 1e-14);
        // The same from the definition: pooled true and false positives of all classes.
        let right: u64 = (0..p.classes()).map(|c| found.confusion.count(c, c)).sum();
        let predicted: u64 = found.per_class.iter().map(|c| c.predicted).sum();
        prop_assert_eq!(found.micro_precision, right as f64 / predicted as f64);
    }

    #[test]
    fn top_k_grows_from_accuracy_to_one((labels, p) in samples()) {
        let predictions = Predictions::new(&labels, &p).unwrap();
        let top: Vec<f64> = (1..=p.classes()).map(|k| top_k_accuracy(&predictions, k)).collect();
        prop_assert_eq!(top[0], Evaluation::new(&labels, &p).unwrap().accuracy);
        prop_assert!(top.is_sorted());
        prop_assert_eq!(top.last(), Some(&1.0));
    }

    #[test]
    fn the_confusion_matrix_sums_to_its_samples((labels, p) in samples()) {
        let found = Evaluation::new(&labels, &p).unwrap();
        prop_assert_eq!(found.confusion.total(), labels.len() as u64);
        for class in 0..p.classes() {
            let of_class = |of: &[u16]| of.iter().filter(|&&c| usize::from(c) == class).count() as u64;
            prop_assert_eq!(found.confusion.row_sum(class), of_class(&labels));
            prop_assert_eq!(found.confusion.per_class()[class].predicted, of_class(&p.predicted()));
        }
    }

    #[test]
    fn curves_rise_and_hold_their_area((labels, p) in samples(), tolerance in 0.0..0.2) {
        let predictions = Predictions::new(&labels, &p).unwrap();
        let found = OneVsRest::new(&predictions);
        let curve_of = |ranking: &Ranking| ranking.roc_curve(Collinear::Keep);
        let per_class = found.classes().iter().zip(found.auc().iter().copied());
        for (ranking, auc) in per_class.chain([(found.micro(), found.micro_auc())]) {
            prop_assert_eq!(curve_of(ranking).is_some(), auc.is_some());
            let (Some(curve), Some(auc)) = (curve_of(ranking), auc) else { continue };
            prop_assert!((curve.area() - auc).abs() < 1e-12);
            let rises = curve.points().is_sorted_by(|a, b| {
                a.false_positive_rate <= b.false_positive_rate
                    && a.true_positive_rate <= b.true_positive_rate
                    && a.threshold.is_none_or(|a| b.threshold.is_some_and(|b| b < a))
            });
            prop_assert!(rises);
            let thin = curve.simplified(tolerance);
            prop_assert!(thin.points().len() <= curve.points().len());
            // The line moves by no more than the tolerance, and its length is at most 2.
            prop_assert!((thin.area() - auc).abs() <= 2.0 * tolerance + 1e-12);
        }
        if let (Some(curve), Some(auc)) = (found.macro_curve(), found.macro_auc()) {
            prop_assert!((curve.area() - auc).abs() < 1e-12);
        }
    }

    #[test]
    fn swapping_the_classes_of_two_turns_the_curve(
        labels in prop::collection::vec(0_u16..2, 1..50),
        seed in prop::collection::vec(0_u32..=256, 50),
    ) {
        // Multiples of 1/256 and what is left to 1 are exact in f32.
        let values = seed[..labels.len()].iter().flat_map(|&s| {
            let p = s as f32 / 256.0;
            [1.0 - p, p]
        });
        let p = Probabilities::new(2, values.collect()).unwrap();
        let found = Evaluation::new(&labels, &p).unwrap();
        prop_assert_eq!(found.per_class[0].auc, found.per_class[1].auc);
    }

    #[test]
    fn bins_hold_every_sample_once((labels, p) in samples(), bins in 1_usize..20) {
        let predictions = Predictions::new(&labels, &p).unwrap();
        for binning in [Binning::EqualWidth(bins), Binning::EqualMass(bins)] {
            let found = Reliability::of_confidence(&predictions, binning);
            let count: u64 = found.bins().iter().map(|bin| bin.count).sum();
            prop_assert_eq!(count, labels.len() as u64);
            prop_assert!(found.expected_error() <= found.maximum_error() + 1e-12);
            for bin in found.bins() {
                prop_assert!(bin.lower <= bin.mean_probability + 1e-12);
                prop_assert!(bin.mean_probability <= bin.upper + 1e-12);
            }
        }
    }

    #[test]
    fn of_two_classes_the_macro_test_is_delongs(
        labels in prop::collection::vec(0_u16..2, 4..40),
        first in prop::collection::vec(0_u32..=64, 40),
        second in prop::collection::vec(0_u32..=64, 40),
    ) {
        // Multiples of 1/64 and what is left to 1 are exact in f32.
        let model = |of: &[u32]| {
            let values = of[..labels.len()].iter().flat_map(|&s| {
                let p = s as f32 / 64.0;
                [1.0 - p, p]
            });
            Probabilities::new(2, values.collect()).unwrap()
        };
        let (first, second) = (model(&first), model(&second));
        let first = Predictions::new(&labels, &first).unwrap();
        let second = Predictions::new(&labels, &second).unwrap();
        let pair = Pair::new(&first, &second).unwrap();
        let (one, both) = (pair.delong(1), pair.delong_macro());
        prop_assert_eq!(one.is_some(), both.is_some());
        if let (Some(one), Some(both)) = (one, both) {
            prop_assert!((one.difference - both.difference).abs() < 1e-12);
            prop_assert!((one.standard_error - both.standard_error).abs() < 1e-12);
            // The other way round is the same with the sign turned.
            let turned = Pair::new(&second, &first).unwrap().delong(1).unwrap();
            prop_assert_eq!(turned.difference, -one.difference);
            prop_assert_eq!(turned.p, one.p);
        }
    }

    #[test]
    fn holm_only_raises_p_values_and_keeps_their_order(
        p in prop::collection::vec(0.0_f64..=1.0, 0..12)
    ) {
        let adjusted = holm(&p);
        for (i, (&a, &p_i)) in adjusted.iter().zip(&p).enumerate() {
            prop_assert!((p_i..=1.0).contains(&a));
            for (j, &p_j) in p.iter().enumerate() {
                prop_assert!(p_i > p_j || adjusted[i] <= adjusted[j]);
            }
        }
    }
}
