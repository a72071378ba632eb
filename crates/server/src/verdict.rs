//! Whether the models agree, in words.

use bakeoff_ask::{Doubt, short_name};
use bakeoff_core::list;
use serde::Serialize;

/// Whether the models agree.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    /// Whether all of them answer the same class.
    unanimous: bool,
    /// For people.
    words: String,
}

/// From (model, class, doubt) of each answer, best model first.
pub(crate) fn verdict(said: &[(&str, &str, Option<Doubt>)]) -> Verdict {
    // The classes with the models that answer them, most models first; among equals the
    // class of the better model.
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for &(model, class, _) in said {
        match groups.iter_mut().find(|(other, _)| *other == class) {
            Some((_, models)) => models.push(model),
            None => groups.push((class, vec![model])),
        }
    }
    groups.sort_by_key(|(_, models)| std::cmp::Reverse(models.len()));
    let words = match (said, &groups[..]) {
        ([], _) | (_, []) => "No model answered.".to_owned(),
        ([(model, class, doubt)], _) => {
            let doubt = match doubt {
                None => "",
                Some(Doubt::Unsure) => ", but is unsure",
                Some(Doubt::NoClassFits) => ", but perhaps none of the classes fits",
            };
            format!("{} says {class}{doubt}.", short(model, said))
        }
        (_, [(class, models)]) => {
            let all = if models.len() == 2 {
                "Both".to_owned()
            } else {
                format!("All {}", models.len())
            };
            let all_are =
                |wanted: fn(Option<Doubt>) -> bool| said.iter().all(|(.., doubt)| wanted(*doubt));
            let doubt = if all_are(|doubt| doubt == Some(Doubt::NoClassFits)) {
                ", but perhaps none of the classes fits"
            } else if all_are(|doubt| doubt.is_some()) {
                ", but are unsure"
            } else {
                ""
            };
            format!("{all} models say {class}{doubt}.")
        }
        (_, several) => {
            let parts: Vec<String> = several
                .iter()
                .map(|(class, models)| {
                    let names: Vec<&str> = models.iter().map(|model| short(model, said)).collect();
                    let say = if models.len() == 1 { "says" } else { "say" };
                    format!("{} {say} {class}", list(&names))
                })
                .collect();
            format!("The models disagree: {}.", parts.join("; "))
        }
    };
    Verdict {
        unanimous: groups.len() == 1,
        words,
    }
}

/// A model's name without its dataset, unless that would be ambiguous here.
fn short<'a>(model: &'a str, said: &[(&str, &str, Option<Doubt>)]) -> &'a str {
    let name = short_name(model);
    let same = said.iter().filter(|(other, ..)| short_name(other) == name);
    if same.count() > 1 { model } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(said: &[(&str, &str, Option<Doubt>)]) -> (bool, String) {
        let verdict = verdict(said);
        (verdict.unanimous, verdict.words)
    }

    #[test]
    fn agreement_and_disagreement_are_said_in_words() {
        assert_eq!(
            words(&[("mnist/cnn", "7", None)]),
            (true, "cnn says 7.".into())
        );
        assert_eq!(
            words(&[("mnist/cnn", "7", Some(Doubt::Unsure))]),
            (true, "cnn says 7, but is unsure.".into())
        );
        assert_eq!(
            words(&[("mnist/cnn", "7", None), ("mnist/ann", "7", None)]),
            (true, "Both models say 7.".into())
        );
        assert_eq!(
            words(&[
                ("mnist/cnn", "7", Some(Doubt::Unsure)),
                ("mnist/ann", "7", Some(Doubt::NoClassFits))
            ]),
            (true, "Both models say 7, but are unsure.".into())
        );
        let one = ("mnist/cnn", "7", Some(Doubt::NoClassFits));
        assert_eq!(
            words(&[one]).1,
            "cnn says 7, but perhaps none of the classes fits."
        );
        assert_eq!(
            words(&[one, ("mnist/ann", "7", Some(Doubt::NoClassFits))]).1,
            "Both models say 7, but perhaps none of the classes fits."
        );
        let four = [
            ("mnist/cnn", "7", None),
            ("mnist/ann", "1", None),
            ("mnist/knn", "7", None),
            ("mnist/logistic", "7", None),
        ];
        assert_eq!(
            words(&four),
            (
                false,
                "The models disagree: cnn, knn and logistic say 7; ann says 1.".into()
            )
        );
        assert_eq!(
            words(&[("a/cnn", "7", None), ("b/cnn", "1", None)]),
            (
                false,
                "The models disagree: a/cnn says 7; b/cnn says 1.".into()
            )
        );
        assert_eq!(words(&[]), (false, "No model answered.".into()));
    }
}
