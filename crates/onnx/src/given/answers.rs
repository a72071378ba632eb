//! A network's outputs as probabilities of the dataset's classes.

use bakeoff_core::{Probabilities, list};

use super::settings::Outputs;

/// How far a row's sum may be from one. Half precision is within 1e-3.
const SUM_TOLERANCE: f64 = 0.01;

/// For each class of the dataset, the position of its output.
pub(crate) fn order(
    of_outputs: &[String],
    of_data: &[String],
    stated_by: &str,
) -> Result<Vec<u16>, String> {
    let position = |name: &String| {
        let mut found = of_outputs
            .iter()
            .enumerate()
            .filter(|(_, other)| *other == name);
        match (found.next(), found.next()) {
            (Some((position, _)), None) => u16::try_from(position).ok(),
            _ => None,
        }
    };
    let order: Option<Vec<u16>> = of_data.iter().map(position).collect();
    match order {
        Some(order) if of_outputs.len() == of_data.len() => Ok(order),
        _ => Err(format!(
            "its classes are {} ({stated_by}), and those of the dataset are {}; they have to be the same names, \
             each once. `classes = [...]` states the dataset's names in the order of the outputs",
            list(of_outputs),
            list(of_data)
        )),
    }
}

/// Checks and converts the outputs for `images` images.
pub(crate) fn probabilities(
    values: Vec<f32>,
    images: usize,
    order: &[u16],
    kind: Outputs,
) -> Result<Probabilities, String> {
    let classes = order.len();
    if images == 0 {
        return Probabilities::new(classes, Vec::new()).map_err(|error| error.to_string());
    }
    let outputs = values.len() / images;
    let values = match outputs {
        found if found == classes => values,
        1 if classes == 2 => of_one(&values, kind)?,
        found => {
            return Err(format!(
                "it has {found} outputs, and the dataset has {classes} classes"
            ));
        }
    };
    let mut ordered = Vec::with_capacity(values.len());
    for row in values.chunks(classes) {
        let row_at = |&position: &u16| row.get(usize::from(position)).copied().unwrap_or(f32::NAN);
        ordered.extend(order.iter().map(row_at));
    }
    if let Some(wrong) = ordered.iter().find(|value| !value.is_finite()) {
        return Err(format!(
            "it answered {wrong}, which is no number to compare"
        ));
    }
    match kind {
        Outputs::Logits => Probabilities::from_logits(classes, ordered),
        Outputs::Probabilities => {
            normalise(&mut ordered, classes)?;
            Probabilities::new(classes, ordered)
        }
    }
    .map_err(|error| error.to_string())
}

/// One number of two classes is about the second of them.
fn of_one(values: &[f32], kind: Outputs) -> Result<Vec<f32>, String> {
    match kind {
        Outputs::Logits => Ok(values.iter().flat_map(|&score| [0.0, score]).collect()),
        Outputs::Probabilities => match values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            Some(wrong) => Err(format!(
                "its one output is {wrong}, which is no probability; if it is the score before a sigmoid, say \
                 outputs = \"logits\""
            )),
            None => Ok(values.iter().flat_map(|&p| [1.0 - p, p]).collect()),
        },
    }
}

fn normalise(values: &mut [f32], classes: usize) -> Result<(), String> {
    for row in values.chunks_mut(classes) {
        let sum: f64 = row.iter().map(|&value| f64::from(value)).sum();
        let negative = row.iter().find(|value| **value < 0.0);
        if negative.is_some() || (sum - 1.0).abs() > SUM_TOLERANCE {
            let what = match negative {
                Some(value) => format!("one of its outputs is {value}"),
                None => format!("its outputs for an image sum to {sum:.4}"),
            };
            return Err(format!(
                "{what}, so they are no probabilities; if they are scores before a softmax or logarithms, say \
                 outputs = \"logits\""
            ));
        }
        for value in row {
            *value = (f64::from(*value) / sum) as f32;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn outputs_are_put_into_the_order_of_the_dataset() {
        let order = order(
            &names(&["dog", "cat", "owl"]),
            &names(&["cat", "dog", "owl"]),
            "x",
        )
        .unwrap();
        let values = vec![0.2, 0.7, 0.1, 1.0, 0.0, 0.0];
        let found = probabilities(values, 2, &order, Outputs::Probabilities).unwrap();
        assert_eq!(found.values(), [0.7, 0.2, 0.1, 0.0, 1.0, 0.0]);
        let classes = names(&["cat", "dog"]);
        for wrong in [
            &["cat", "cat"][..],
            &["cat"],
            &["cat", "dog", "owl"],
            &["Cat", "dog"],
        ] {
            let said = super::order(&names(wrong), &classes, "its metadata").unwrap_err();
            assert!(
                said.contains("its metadata") && said.contains("classes = "),
                "{said}"
            );
        }
    }

    #[test]
    fn what_is_no_probability_is_refused_with_the_remedy() {
        let said = |values: &[f32], kind| {
            probabilities(values.to_vec(), 1, &[0, 1], kind)
                .map_or_else(|why| why, |found| format!("{:?}", found.values()))
        };
        assert!(said(&[2.0, 3.0], Outputs::Probabilities).contains("sum to 5.0000"));
        assert!(said(&[2.0, -1.0], Outputs::Probabilities).contains("outputs = \"logits\""));
        assert!(said(&[1.5], Outputs::Probabilities).contains("sigmoid"));
        assert!(said(&[f32::NAN, 0.5], Outputs::Logits).contains("NaN"));
        assert!(said(&[0.1, 0.2, 0.7], Outputs::Logits).contains("3 outputs"));
        assert_eq!(said(&[0.25], Outputs::Probabilities), "[0.75, 0.25]");
        assert_eq!(said(&[0.0], Outputs::Logits), "[0.5, 0.5]");
        assert_eq!(said(&[5.0, 5.0], Outputs::Logits), "[0.5, 0.5]");
    }
}
