//! Whether the models agree, in words.

use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Prediction;

/// Whether the models agree.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Verdict {
    /// Whether all of them give the same class.
    unanimous: bool,
    /// For people.
    words: String,
}

/// Below this probability a single answer is called a guess.
const UNSURE: f32 = 0.5;

pub(crate) fn verdict(predictions: &[Prediction]) -> Verdict {
    let said: Vec<(&str, &str, f32)> = predictions
        .iter()
        .map(|prediction| {
            (
                prediction.model.as_str(),
                prediction.class.as_str(),
                prediction.confidence,
            )
        })
        .collect();
    in_words(&said)
}

/// Of (model, class, confidence), best model first.
fn in_words(said: &[(&str, &str, f32)]) -> Verdict {
    // The classes with the models that give them, most models first; among equals the
    // one that a better model gives.
    let mut camps: Vec<(&str, Vec<&str>)> = Vec::new();
    for &(model, class, _) in said {
        match camps.iter_mut().find(|(other, _)| *other == class) {
            Some((_, models)) => models.push(model),
            None => camps.push((class, vec![model])),
        }
    }
    camps.sort_by_key(|(_, models)| std::cmp::Reverse(models.len()));
    let words = match (said, &camps[..]) {
        ([], _) | (_, []) => "No model answered.".to_owned(),
        ([(model, class, confidence)], _) => {
            let unsure = if *confidence < UNSURE {
                ", but is not sure"
            } else {
                ""
            };
            format!("{} says {class}{unsure}.", short(model, said))
        }
        (_, [(class, models)]) => {
            let all = if models.len() == 2 {
                "Both".to_owned()
            } else {
                format!("All {}", models.len())
            };
            format!("{all} models say {class}.")
        }
        (_, several) => {
            let parts: Vec<String> = several
                .iter()
                .map(|(class, models)| {
                    let names: Vec<&str> = models.iter().map(|model| short(model, said)).collect();
                    let say = if models.len() == 1 { "says" } else { "say" };
                    format!("{} {say} {class}", listed(&names))
                })
                .collect();
            format!("The models disagree: {}.", parts.join("; "))
        }
    };
    Verdict {
        unanimous: camps.len() == 1,
        words,
    }
}

/// `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// A model's name without its dataset, unless that would be ambiguous here.
fn short<'a>(model: &'a str, said: &[(&str, &str, f32)]) -> &'a str {
    let last = |name: &'a str| name.rsplit('/').next().unwrap_or(name);
    let name = last(model);
    let namesakes = said
        .iter()
        .filter(|(other, ..)| other.rsplit('/').next() == Some(name))
        .count();
    if namesakes > 1 { model } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(said: &[(&str, &str, f32)]) -> (bool, String) {
        let verdict = in_words(said);
        (verdict.unanimous, verdict.words)
    }

    #[test]
    fn agreement_and_disagreement_are_said_in_words() {
        assert_eq!(
            words(&[("mnist/cnn", "7", 0.9)]),
            (true, "cnn says 7.".into())
        );
        assert_eq!(
            words(&[("mnist/cnn", "7", 0.4)]),
            (true, "cnn says 7, but is not sure.".into())
        );
        assert_eq!(
            words(&[("mnist/cnn", "7", 0.9), ("mnist/ann", "7", 0.9)]),
            (true, "Both models say 7.".into())
        );
        let four = [
            ("mnist/cnn", "7", 0.9),
            ("mnist/ann", "1", 0.9),
            ("mnist/knn", "7", 0.9),
            ("mnist/logistic", "7", 0.9),
        ];
        assert_eq!(
            words(&four),
            (
                false,
                "The models disagree: cnn, knn and logistic say 7; ann says 1.".into()
            )
        );
        assert_eq!(
            words(&[("a/cnn", "7", 0.9), ("b/cnn", "1", 0.9)]),
            (
                false,
                "The models disagree: a/cnn says 7; b/cnn says 1.".into()
            )
        );
        assert_eq!(words(&[]), (false, "No model answered.".into()));
    }
}
