//! Samples whose label is probably wrong: confident learning.
//!
//! Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset
//! Labels", Journal of Artificial Intelligence Research 70, 2021. Samples whose predicted class is not their
//! label are ranked by the probability of the label (self-confidence); those that are counted off
//! the diagonal of the confident joint (section 3.1, equation 1) are marked. In cleanlab, whose
//! results the tests compare with: `filter_by="predicted_neq_given"` and
//! `"confident_learning"`, ranked by `"self_confidence"`.
//!
//! Rejected: only the marked ones. A model that is nearly always right and sure of it has
//! thresholds so high that hardly any sample reaches another's: of the labels of MNIST's
//! test part that people found to be wrong, the confident joint of a network that is right
//! about 99 of 100 has one of 15, and the ranked list has 11 among its first 50. Pruning by class or by noise rate
//! removes as many samples as the joint estimates, and is as sparse there.

use crate::Predictions;

/// Probabilities closer than this count as equal, as in cleanlab.
const TIE: f64 = 1e-6;

/// A sample whose label is probably wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelIssue {
    /// The sample.
    pub sample: usize,
    /// Its label.
    pub given: u16,
    /// The class that is predicted for it.
    pub suggested: u16,
    /// The probability that the given label is wrong: one less that of the given label, as
    /// predicted.
    pub confidence: f64,
    /// Whether confident learning counts it as an error: the suggested class is at least as
    /// probable as it is on average for samples with its label.
    pub confident: bool,
}

/// What confident learning finds.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelIssues {
    /// The issues, the most confident first; equals in the order of the samples.
    pub issues: Vec<LabelIssue>,
    /// How many labels are estimated to be wrong: the share off the diagonal of the confident
    /// joint in the samples of each label, times their number, summed over labels (equation 3
    /// of the paper).
    pub estimated: f64,
}

impl LabelIssues {
    /// Finds the labels that differ from what is predicted.
    ///
    /// The predictions must come from models that were not trained on these samples: a model that
    /// was often predicts the label it was given, also where that label is wrong.
    ///
    /// A class is predicted confidently where its probability is at least the mean
    /// probability of that class over the samples with that label; of several such classes the
    /// most probable one counts. Classes without samples are never predicted confidently.
    pub fn new(predictions: &Predictions<'_>) -> Self {
        let (classes, labels) = (predictions.classes(), predictions.labels());
        let thresholds = thresholds(predictions);
        let mut joint = vec![0_u64; classes * classes];
        let mut issues = Vec::new();
        for (sample, (row, &given)) in predictions.probabilities().rows().zip(labels).enumerate() {
            let confident = confident_class(row, &thresholds);
            if let Some(class) = confident {
                joint[usize::from(given) * classes + usize::from(class)] += 1;
            }
            let own = row[usize::from(given)];
            let predicted = predictions.predicted()[sample];
            // Where the given label is as probable as any other, nothing contradicts it.
            if f64::from(own) + TIE < f64::from(row[usize::from(predicted)]) {
                let confident = confident.filter(|class| *class != given);
                issues.push(LabelIssue {
                    sample,
                    given,
                    suggested: confident.unwrap_or(predicted),
                    confidence: 1.0 - f64::from(own),
                    confident: confident.is_some(),
                });
            }
        }
        // A stable sort keeps equals in the order of the samples.
        issues.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        Self {
            issues,
            estimated: estimated(&joint, predictions.support()),
        }
    }
}

/// For each class the mean probability of it over the samples with that label; infinite for
/// a class without samples.
fn thresholds(predictions: &Predictions<'_>) -> Vec<f64> {
    let mut sums = vec![0.0; predictions.classes()];
    let rows = predictions.probabilities().rows();
    for (row, &label) in rows.zip(predictions.labels()) {
        sums[usize::from(label)] += f64::from(row[usize::from(label)]);
    }
    let means = sums.into_iter().zip(predictions.support());
    means
        .map(|(sum, &samples)| match samples {
            0 => f64::INFINITY,
            samples => f64::max(sum / samples as f64, 2.0 * TIE),
        })
        .collect()
}

/// The class whose probability reaches its threshold; of several, the most probable class of all.
fn confident_class(row: &[f32], thresholds: &[f64]) -> Option<u16> {
    let reached = |(p, threshold): (&f32, &f64)| f64::from(*p) >= threshold - TIE;
    let mut confident = row
        .iter()
        .zip(thresholds)
        .enumerate()
        .filter(|(_, pair)| reached(*pair))
        .map(|(class, _)| class);
    let first = confident.next()?;
    let most_probable = |best: usize, class: usize| match row[class] > row[best] {
        true => class,
        false => best,
    };
    let class = match confident.next() {
        None => first,
        Some(_) => (0..row.len()).fold(0, most_probable),
    };
    u16::try_from(class).ok()
}

/// The number of wrong labels, from counts by given and confident class.
fn estimated(joint: &[u64], support: &[u64]) -> f64 {
    let rows = joint.chunks_exact(support.len()).zip(support).enumerate();
    rows.map(|(label, (row, &samples))| {
        // As cleanlab, which counts one sample at least as confidently right.
        let right = row[label].max(1);
        let wrong = row.iter().sum::<u64>() - row[label];
        samples as f64 * wrong as f64 / (right + wrong) as f64
    })
    .sum()
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;

    use super::*;

    fn found(labels: &[u16], rows: &[[f32; 2]]) -> LabelIssues {
        let probabilities = Probabilities::new(2, rows.concat()).unwrap();
        LabelIssues::new(&Predictions::new(labels, &probabilities).unwrap())
    }

    #[test]
    fn what_is_confidently_another_class_is_an_issue() {
        // Thresholds: (0.9 + 0.8 + 0.1) / 3 = 0.6 and (0.9 + 0.45) / 2 = 0.675.
        let rows = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.1, 0.9], [0.55, 0.45]];
        let LabelIssues { issues, estimated } = found(&[0, 0, 0, 1, 1], &rows);
        let of = |issue: &LabelIssue| (issue.sample, issue.given, issue.suggested, issue.confident);
        // 0.55 is not as much as images with that label have.
        let expected = [(2, 0, 1, true), (4, 1, 0, false)];
        assert_eq!(issues.iter().map(of).collect::<Vec<_>>(), expected);
        assert!((issues[0].confidence - 0.9).abs() < 1e-7);
        // One of three of label 0; of label 1 one is confidently right and the other unknown.
        assert_eq!(estimated, 1.0);
    }

    #[test]
    fn agreement_and_ties_are_no_issues() {
        let sure = [[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]];
        assert_eq!(found(&[0, 0, 1, 1], &sure).issues, []);
        // Labels that are noise: every image is as much of one class as of the other.
        assert_eq!(found(&[0, 1, 0, 1], &[[0.5, 0.5]; 4]).issues, []);
        // Nothing is known of a class without samples.
        let other = found(&[0, 0], &[[0.9, 0.1], [0.1, 0.9]]);
        assert!(other.issues.iter().all(|issue| !issue.confident));
        assert_eq!(other.estimated, 0.0);
    }

    #[test]
    fn the_most_confident_is_first() {
        let rows = [
            [0.2, 0.8],
            [0.05, 0.95],
            [0.99, 0.01],
            [0.99, 0.01],
            [0.3, 0.7],
        ];
        let issues = found(&[0, 0, 0, 0, 1], &rows).issues;
        let order: Vec<usize> = issues.iter().map(|issue| issue.sample).collect();
        assert_eq!(order, [1, 0]);
    }
}
