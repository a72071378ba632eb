//! What a saved model made of a person's own images, in counts.

use bakeoff_measures::{ACCURACY, Unit};
use bakeoff_metrics::{Confidence, Interval, statistics::mid_p};
use serde::Serialize;

/// One image: what it shows and what the model said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The position of its class.
    pub label: u16,
    /// The class that the model answered; `None` where nothing could be shown to it.
    pub answer: Option<u16>,
    /// Whether its probability was low.
    pub unsure: bool,
}

impl Outcome {
    /// Whether the answer is its label.
    pub fn is_correct(&self) -> bool {
        self.answer == Some(self.label)
    }

    /// Whether there is an answer, and a wrong one.
    pub fn is_miss(&self) -> bool {
        self.answer.is_some_and(|answer| answer != self.label)
    }
}

/// How many images were answered, and how. An image without an answer counts as wrong and is no
/// miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// All images.
    pub images: usize,
    /// Those with an answer.
    pub answered: usize,
    /// Those whose answer is their label.
    pub correct: usize,
    /// Those with a wrong answer.
    pub misses: usize,
    /// Those with an answer that is unsure.
    pub unsure: usize,
    /// Of the misses, those that were unsure.
    pub unsure_misses: usize,
}

impl Tally {
    /// Counts outcomes.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|it| wanted(it)).count();
        Self {
            images: outcomes.len(),
            answered: count(|it| it.answer.is_some()),
            correct: count(Outcome::is_correct),
            misses: count(Outcome::is_miss),
            unsure: count(|it| it.answer.is_some() && it.unsure),
            unsure_misses: count(|it| it.is_miss() && it.unsure),
        }
    }

    /// Those without an answer.
    pub fn unanswered(&self) -> usize {
        self.images - self.answered
    }

    /// The share of correct answers among all images; `None` of none.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.correct, self.images)
    }

    /// The share of correct answers among those that were given; `None` of none.
    pub fn accuracy_of_answered(&self) -> Option<f64> {
        share(self.correct, self.answered)
    }

    /// The 95 % interval of [`Self::accuracy`] ([`mid_p`]).
    pub fn interval(&self) -> Interval {
        mid_p(self.correct as u64, self.images as u64, Confidence::P95)
    }

    /// [`Self::accuracy`] as every view writes it, or a dash.
    pub fn accuracy_text(&self) -> String {
        ACCURACY.write_or_dash(self.accuracy(), self.images)
    }

    /// [`Self::interval`] as every view writes it: `82–99 %`.
    pub fn interval_text(&self) -> String {
        let Interval { low, high } = self.interval();
        let ends = Unit::Percent.write_interval(low, high, self.images);
        format!("{ends}\u{a0}%")
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The classes that occur, as labels or as answers, and how often each was answered as which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Confusions {
    /// The names of the classes that occur, in their order.
    pub classes: Vec<String>,
    /// Row by row, actual by answered: as many rows and columns as classes.
    pub counts: Vec<u64>,
    /// Images of each class without an answer.
    pub unanswered: Vec<u64>,
}

impl Confusions {
    /// Counts outcomes; `names` are those of all classes.
    pub fn of(names: &[String], outcomes: &[Outcome]) -> Self {
        let mut place: Vec<Option<usize>> = vec![None; names.len()];
        for outcome in outcomes {
            for class in [Some(outcome.label), outcome.answer].into_iter().flatten() {
                if let Some(place) = place.get_mut(usize::from(class)) {
                    *place = Some(0);
                }
            }
        }
        let mut classes = Vec::new();
        for (place, name) in place.iter_mut().zip(names) {
            if let Some(place) = place {
                *place = classes.len();
                classes.push(name.clone());
            }
        }
        let k = classes.len();
        let (mut counts, mut unanswered) = (vec![0; k * k], vec![0; k]);
        let at = |class: u16| place.get(usize::from(class)).copied().flatten();
        for outcome in outcomes {
            let Some(row) = at(outcome.label) else {
                continue;
            };
            match outcome.answer {
                Some(answer) => {
                    if let Some(column) = at(answer) {
                        counts[row * k + column] += 1;
                    }
                }
                None => unanswered[row] += 1,
            }
        }
        Self {
            classes,
            counts,
            unanswered,
        }
    }

    /// Label, wrong answer and how often, the most frequent first; equals in the order of classes.
    pub fn most_frequent(&self) -> Vec<(&str, &str, u64)> {
        let k = self.classes.len();
        let wrong = self.counts.iter().enumerate();
        let wrong = wrong.filter(|(at, count)| **count > 0 && at / k != at % k);
        let mut found: Vec<_> = wrong
            .map(|(at, &count)| {
                let (label, answer) = (&self.classes[at / k], &self.classes[at % k]);
                (label.as_str(), answer.as_str(), count)
            })
            .collect();
        found.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(label: u16, answer: Option<u16>, unsure: bool) -> Outcome {
        Outcome {
            label,
            answer,
            unsure,
        }
    }

    #[test]
    fn an_image_without_an_answer_is_wrong_and_no_miss() {
        let found = Tally::of(&[
            outcome(0, Some(0), false),
            outcome(0, Some(0), true),
            outcome(1, Some(3), true),
            outcome(1, Some(3), false),
            outcome(1, None, false),
        ]);
        let expected = Tally {
            images: 5,
            answered: 4,
            correct: 2,
            misses: 2,
            unsure: 2,
            unsure_misses: 1,
        };
        assert_eq!((found, found.unanswered()), (expected, 1));
        assert_eq!(found.accuracy(), Some(0.4));
        assert_eq!(found.accuracy_of_answered(), Some(0.5));
        assert_eq!(found.accuracy_text(), "40\u{a0}%");
        assert!(found.interval().contains(0.4) && !found.interval().contains(0.9));
    }

    #[test]
    fn of_nothing_there_is_no_accuracy() {
        let nothing = Tally::of(&[]);
        assert_eq!(
            (nothing.accuracy(), nothing.accuracy_of_answered()),
            (None, None)
        );
        assert_eq!(nothing.interval_text(), "0–100\u{a0}%");
    }

    #[test]
    fn only_classes_that_occur_are_in_the_matrix() {
        let names = ["a", "b", "c", "d"].map(String::from);
        let found = Confusions::of(
            &names,
            &[
                outcome(3, Some(1), false),
                outcome(3, Some(1), false),
                outcome(1, Some(3), false),
                outcome(1, Some(1), false),
                outcome(3, None, false),
            ],
        );
        assert_eq!(found.classes, ["b", "d"]);
        assert_eq!(found.counts, [1, 1, 2, 0]);
        assert_eq!(found.unanswered, [0, 1]);
        assert_eq!(found.most_frequent(), [("d", "b", 2), ("b", "d", 1)]);
    }
}
