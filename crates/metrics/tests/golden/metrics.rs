//! Every metric against scikit-learn, on ordinary and awkward inputs.
//! `make_metrics.py` made the values.

use crate::{all_same, cases, numbers, same};
use bakeoff_metrics::{
    Averages, Collinear, ConfusionMatrix, Evaluation, Normalise, OneVsOne, OneVsRest, Predictions,
    top_k_accuracy,
};
use serde_json::json;

const TOLERANCE: f64 = 1e-12;

#[test]
fn confusion_matrix_and_its_shares() {
    for case in cases() {
        let predictions = Predictions::new(&case.labels, &case.probabilities).unwrap();
        let matrix = ConfusionMatrix::new(&predictions);
        let rows: Vec<&[u64]> = matrix.counts().chunks(matrix.classes()).collect();
        assert_eq!(json!(rows), case.expected["confusion"], "{}", case.name);
        for (name, by) in [("row", Normalise::Row), ("column", Normalise::Column)] {
            // scikit-learn has zeros where there is nothing to divide by.
            let shares: Vec<Option<f64>> = matrix
                .normalised(by)
                .into_iter()
                .map(|share| share.or(Some(0.0)))
                .collect();
            let what = format!("{} {name}", case.name);
            all_same(
                &what,
                &shares,
                &case.expected["normalised"][name],
                TOLERANCE,
            );
        }
    }
}

#[test]
fn scores_of_predicted_classes() {
    for case in cases() {
        let found = Evaluation::new(&case.labels, &case.probabilities).unwrap();
        let golden = &case.expected;
        let what = |name: &str| format!("{} {name}", case.name);
        let one = |name: &str, value| same(&what(name), Some(value), &golden[name], TOLERANCE);
        one("accuracy", found.accuracy);
        one("balanced_accuracy", found.balanced_accuracy);

        let classes = &golden["per_class"];
        let column = |name: &str, values: Vec<Option<f64>>| {
            all_same(&what(name), &values, &classes[name], TOLERANCE);
        };
        let per_class = found.per_class.iter();
        column(
            "support",
            per_class.clone().map(|c| Some(c.support as f64)).collect(),
        );
        column(
            "precision",
            per_class.clone().map(|c| c.precision).collect(),
        );
        column("recall", per_class.clone().map(|c| c.recall).collect());
        column("f1", per_class.map(|c| c.f1).collect());

        let average = |name: &str, values: [f64; 3]| {
            let values = values.map(Some);
            all_same(&what(name), &values, &golden["averages"][name], TOLERANCE);
        };
        average(
            "macro",
            [found.macro_precision, found.macro_recall, found.macro_f1],
        );
        average(
            "micro",
            [found.micro_precision, found.micro_recall, found.micro_f1],
        );
        average(
            "weighted",
            [
                found.weighted_precision,
                found.weighted_recall,
                found.weighted_f1,
            ],
        );
        let Averages {
            macro_average,
            micro,
            weighted,
        } = found.confusion.f1();
        assert_eq!(
            [macro_average, micro, weighted],
            [found.macro_f1, found.micro_f1, found.weighted_f1]
        );
    }
}

#[test]
fn scores_of_probabilities() {
    for case in cases() {
        let predictions = Predictions::new(&case.labels, &case.probabilities).unwrap();
        let found = Evaluation::new(&case.labels, &case.probabilities).unwrap();
        let golden = &case.expected;
        let what = |name: &str| format!("{} {name}", case.name);
        same(
            &what("log_loss"),
            Some(found.log_loss),
            &golden["log_loss"],
            TOLERANCE,
        );

        let top_k: Vec<Option<f64>> = (1..found.classes)
            .map(|k| Some(top_k_accuracy(&predictions, k)))
            .collect();
        all_same(&what("top_k"), &top_k, &golden["top_k"], TOLERANCE);
        let wanted: Vec<usize> = [2, 3, 5]
            .into_iter()
            .filter(|&k| k < found.classes)
            .collect();
        assert_eq!(found.top_k.iter().map(|t| t.k).collect::<Vec<_>>(), wanted);
        for top in &found.top_k {
            assert_eq!(Some(top.accuracy), top_k[top.k - 1]);
        }

        let auc = &golden["auc"];
        let per_class: Vec<Option<f64>> = found.per_class.iter().map(|c| c.auc).collect();
        all_same(&what("AUC"), &per_class, &auc["per_class"], TOLERANCE);
        same(
            &what("macro AUC"),
            found.macro_auc,
            &auc["macro"],
            TOLERANCE,
        );
        same(
            &what("micro AUC"),
            found.micro_auc,
            &auc["micro"],
            TOLERANCE,
        );
        same(
            &what("weighted AUC"),
            found.weighted_auc,
            &auc["weighted"],
            TOLERANCE,
        );
        let left_out = per_class.iter().filter(|auc| auc.is_none()).count();
        assert_eq!(found.auc_left_out.len(), left_out, "{}", case.name);
    }
}

#[test]
fn agreement_beyond_chance() {
    for case in cases() {
        let found = Evaluation::new(&case.labels, &case.probabilities).unwrap();
        let golden = &case.expected;
        let what = |name: &str| format!("{} {name}", case.name);
        // scikit-learn says 0 where it is undefined: a constant on either side.
        let predicted = case.probabilities.predicted();
        let constant = |of: &[u16]| of.iter().all(|class| *class == of[0]);
        let undefined = constant(&case.labels) || constant(&predicted);
        assert_eq!(
            found.matthews_correlation.is_none(),
            undefined,
            "{}",
            case.name
        );
        same(
            &what("Matthews"),
            found.matthews_correlation.or(Some(0.0)),
            &golden["matthews_correlation"],
            TOLERANCE,
        );
        same(
            &what("kappa"),
            found.cohen_kappa,
            &golden["cohen_kappa"],
            TOLERANCE,
        );
    }
}

#[test]
fn areas_between_every_two_classes() {
    for case in cases() {
        let predictions = Predictions::new(&case.labels, &case.probabilities).unwrap();
        let found = OneVsOne::new(&predictions);
        let golden = &case.expected["one_vs_one"];
        let what = |name: &str| format!("{} one-vs-one {name}", case.name);
        same(
            &what("macro"),
            found.macro_auc(),
            &golden["macro"],
            TOLERANCE,
        );
        same(
            &what("weighted"),
            found.weighted_auc(),
            &golden["weighted"],
            TOLERANCE,
        );
    }
}

#[test]
fn average_precision() {
    for case in cases() {
        let found = Evaluation::new(&case.labels, &case.probabilities).unwrap();
        let golden = &case.expected["average_precision"];
        let what = |name: &str| format!("{} average precision {name}", case.name);
        let per_class: Vec<_> = found
            .per_class
            .iter()
            .map(|c| c.average_precision)
            .collect();
        all_same(
            &what("per class"),
            &per_class,
            &golden["per_class"],
            TOLERANCE,
        );
        same(
            &what("macro"),
            found.macro_average_precision,
            &golden["macro"],
            TOLERANCE,
        );
        same(
            &what("micro"),
            found.micro_average_precision,
            &golden["micro"],
            TOLERANCE,
        );
        same(
            &what("weighted"),
            found.weighted_average_precision,
            &golden["weighted"],
            TOLERANCE,
        );
    }
}

#[test]
fn precision_recall_curves() {
    let mut curves = 0;
    for case in cases() {
        let Some(golden) = case.expected["precision_recall"].as_array() else {
            continue;
        };
        let predictions = Predictions::new(&case.labels, &case.probabilities).unwrap();
        let rankings = OneVsRest::new(&predictions);
        for (class, (ranking, golden)) in rankings.classes().iter().zip(golden).enumerate() {
            let what = |name: &str| format!("{} class {class} {name}", case.name);
            let Some(curve) = ranking.precision_recall_curve() else {
                assert_eq!(golden, &json!({}), "{}", what("precision-recall"));
                continue;
            };
            curves += 1;
            let points = curve.points().iter();
            let recall: Vec<_> = points.clone().map(|p| Some(p.recall)).collect();
            let precision: Vec<_> = points.clone().map(|p| Some(p.precision)).collect();
            let thresholds: Vec<_> = points.map(|p| p.threshold.map(f64::from)).collect();
            all_same(&what("recall"), &recall, &golden["recall"], TOLERANCE);
            all_same(
                &what("precision"),
                &precision,
                &golden["precision"],
                TOLERANCE,
            );
            all_same(
                &what("thresholds"),
                &thresholds[1..],
                &golden["thresholds"],
                TOLERANCE,
            );
        }
    }
    assert!(curves >= 20, "only {curves} curves were compared");
}

#[test]
fn roc_curves() {
    let mut curves = 0;
    for case in cases() {
        let Some(golden) = case.expected["roc"].as_array() else {
            continue;
        };
        let predictions = Predictions::new(&case.labels, &case.probabilities).unwrap();
        let rankings = OneVsRest::new(&predictions);
        for (class, (ranking, golden)) in rankings.classes().iter().zip(golden).enumerate() {
            let what = |name: &str| format!("{} class {class} {name}", case.name);
            let Some(curve) = ranking.roc_curve(Collinear::Keep) else {
                assert_eq!(golden, &json!({}), "{}", what("ROC"));
                continue;
            };
            curves += 1;
            let points = curve.points().iter();
            let fpr: Vec<_> = points
                .clone()
                .map(|p| Some(p.false_positive_rate))
                .collect();
            let tpr: Vec<_> = points.clone().map(|p| Some(p.true_positive_rate)).collect();
            let thresholds: Vec<_> = points.map(|p| p.threshold.map(f64::from)).collect();
            all_same(&what("fpr"), &fpr, &golden["fpr"], TOLERANCE);
            all_same(&what("tpr"), &tpr, &golden["tpr"], TOLERANCE);
            assert_eq!(thresholds[0], None);
            all_same(
                &what("thresholds"),
                &thresholds[1..],
                &golden["thresholds"],
                TOLERANCE,
            );

            // Ours drops whatever scikit-learn drops, and keeps the line.
            let corners = ranking.roc_curve(Collinear::Drop).unwrap();
            assert!((corners.area() - curve.area()).abs() < TOLERANCE);
            let theirs: Vec<Vec<Option<f64>>> = golden["corners"]
                .as_array()
                .unwrap()
                .iter()
                .map(numbers)
                .collect();
            for point in corners.points() {
                let near = |at: &Vec<Option<f64>>| {
                    (at[0].unwrap() - point.false_positive_rate).abs() < TOLERANCE
                        && (at[1].unwrap() - point.true_positive_rate).abs() < TOLERANCE
                };
                assert!(theirs.iter().any(near), "{} {point:?}", what("corner"));
            }
        }
    }
    assert!(curves >= 20, "only {curves} curves were compared");
}
