//! The small language of the `layers` setting.
//!
//! ```text
//! conv FILTERS KERNEL [stride N]    KERNEL is N or ROWSxCOLUMNS
//! depthwise KERNEL [stride N]       each channel by itself (as MobileNet's, Howard et al. 2017)
//! max-pool SIZE [stride N]          without a stride, windows do not overlap
//! average-pool SIZE [stride N]      or `average-pool all`: one value for each channel
//! skip                              remembers the values for the next add
//! add                               adds them: a residual connection (He et al. 2016)
//! dense UNITS
//! dropout RATE                      0 <= RATE < 1
//! ```
//!
//! Tables in the experiment file were rejected: a list of short lines reads like the
//! summary that every deep-learning library prints, and fits on one line of a report.

use bakeoff_core::{SpecError, did_you_mean, nearest_name};
use bakeoff_network::{Padding, Step};

/// The language in words, for help texts and errors.
pub(crate) const IN_WORDS: &str = "`conv FILTERS KERNEL [stride N]` (KERNEL is N or ROWSxCOLUMNS), `depthwise KERNEL [stride N]`, \
     `max-pool SIZE [stride N]`, `average-pool SIZE [stride N]` or `average-pool all`, `skip` and `add` (the values at skip are \
     added), `dense UNITS`, `dropout RATE` (at least 0, below 1)";

const WORDS: [(&str, &str); 8] = [
    (
        "conv",
        "conv FILTERS KERNEL [stride N], KERNEL being N or ROWSxCOLUMNS",
    ),
    (
        "depthwise",
        "depthwise KERNEL [stride N], KERNEL being N or ROWSxCOLUMNS",
    ),
    ("max-pool", "max-pool SIZE [stride N]"),
    (
        "average-pool",
        "average-pool SIZE [stride N], or average-pool all",
    ),
    ("skip", "skip, with an add after it"),
    ("add", "add, with a skip before it"),
    ("dense", "dense UNITS"),
    ("dropout", "dropout RATE, at least 0 and below 1"),
];

/// An item that is not a layer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("item {item} \"{text}\": {allowed}")]
pub(crate) struct LayerError {
    /// Position in the list, from 1.
    item: usize,
    /// The item as written.
    text: String,
    /// What would do.
    allowed: String,
}

impl LayerError {
    /// The same as a refusal of the setting.
    pub(crate) fn refusal(self, family: &str) -> SpecError {
        SpecError::Setting {
            family: family.into(),
            key: "layers".into(),
            got: format!("item {} \"{}\"", self.item, self.text),
            allowed: self.allowed,
        }
    }
}

/// The layers in order. Whether they fit an image is found out later; that no image
/// layer follows a dense one is checked here, where the item is known.
pub(crate) fn parse(items: &[String], padding: Padding) -> Result<Vec<Step>, LayerError> {
    let mut steps: Vec<Step> = Vec::with_capacity(items.len());
    for (index, text) in items.iter().enumerate() {
        let refuse = |allowed: String| LayerError {
            item: index + 1,
            text: text.clone(),
            allowed,
        };
        let step = item(text, padding).map_err(refuse)?;
        let flat = steps.iter().any(|step| matches!(step, Step::Dense { .. }));
        if flat && !matches!(step, Step::Dense { .. } | Step::Dropout { .. }) {
            return Err(refuse(
                "after a dense layer only dense and dropout, since no image is left".into(),
            ));
        }
        steps.push(step);
    }
    Ok(steps)
}

/// One item, or what would do in its place.
fn item(text: &str, padding: Padding) -> Result<Step, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let Some((&name, rest)) = words.split_first() else {
        return Err(IN_WORDS.into());
    };
    let step = match (name, rest) {
        ("conv", [filters, size, rest @ ..]) => (|| {
            Some(Step::Conv {
                filters: count(filters)?,
                kernel: kernel(size)?,
                stride: stride(rest, 1)?,
                padding,
            })
        })(),
        ("depthwise", [size, rest @ ..]) => (|| {
            Some(Step::Depthwise {
                kernel: kernel(size)?,
                stride: stride(rest, 1)?,
                padding,
            })
        })(),
        ("max-pool", [size, rest @ ..]) => count(size).and_then(|size| {
            Some(Step::MaxPool {
                size,
                stride: stride(rest, size)?,
            })
        }),
        ("average-pool", ["all"]) => Some(Step::AveragePool {
            size: None,
            stride: 1,
        }),
        ("average-pool", [size, rest @ ..]) => count(size).and_then(|size| {
            Some(Step::AveragePool {
                size: Some(size),
                stride: stride(rest, size)?,
            })
        }),
        ("skip", []) => Some(Step::Skip),
        ("add", []) => Some(Step::Add),
        ("dense", [units]) => count(units).map(|units| Step::Dense { units }),
        ("dropout", [rate]) => rate
            .parse()
            .ok()
            .filter(|rate| (0.0..1.0).contains(rate))
            .map(|rate| Step::Dropout { rate }),
        _ => None,
    };
    step.ok_or_else(|| allowed(name))
}

/// What an item that begins with `name` may look like.
fn allowed(name: &str) -> String {
    let form = |wanted: &str| {
        WORDS
            .iter()
            .find(|(word, _)| *word == wanted)
            .map(|(_, form)| *form)
    };
    if let Some(form) = form(name) {
        return form.into();
    }
    nearest_name(name, WORDS.iter().map(|(word, _)| *word))
        .and_then(|word| Some(form(&word)?.to_string() + &did_you_mean(name, [&word])))
        .unwrap_or_else(|| IN_WORDS.into())
}

/// A whole number from 1.
fn count(word: &str) -> Option<usize> {
    word.parse().ok().filter(|&number| number > 0)
}

fn kernel(word: &str) -> Option<[usize; 2]> {
    match word.split_once('x') {
        Some((rows, columns)) => Some([count(rows)?, count(columns)?]),
        None => count(word).map(|size| [size, size]),
    }
}

fn stride(words: &[&str], default: usize) -> Option<usize> {
    match words {
        [] => Some(default),
        ["stride", number] => count(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Step, String> {
        parse(&[text.into()], Padding::Valid)
            .map(|steps| steps[0])
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_is_read() {
        let conv = |filters, kernel, stride| Step::Conv {
            filters,
            kernel,
            stride,
            padding: Padding::Valid,
        };
        assert_eq!(one("conv 32 3"), Ok(conv(32, [3, 3], 1)));
        assert_eq!(one("  conv 8   5x1 stride 2 "), Ok(conv(8, [5, 1], 2)));
        assert_eq!(one("max-pool 2"), Ok(Step::MaxPool { size: 2, stride: 2 }));
        assert_eq!(
            one("max-pool 3 stride 2"),
            Ok(Step::MaxPool { size: 3, stride: 2 })
        );
        assert_eq!(one("dense 128"), Ok(Step::Dense { units: 128 }));
        assert_eq!(one("dropout 0.5"), Ok(Step::Dropout { rate: 0.5 }));
    }

    #[test]
    fn what_a_layer_prints_is_read_back() {
        for text in [
            "conv 32 3x3",
            "conv 4 5x1 stride 2",
            "depthwise 3x3",
            "depthwise 5x1 stride 2",
            "max-pool 2",
            "max-pool 3 stride 1",
            "average-pool all",
            "average-pool 2",
            "average-pool 3 stride 1",
            "skip",
            "add",
            "dense 7",
            "dropout 0.25",
        ] {
            assert_eq!(one(text).map(|step| step.to_string()), Ok(text.into()));
        }
    }

    #[test]
    fn mistakes_say_where_and_what_would_do() {
        for text in [
            "conv 32",
            "conv 0 3",
            "conv 32 3 2",
            "conv 32 3 stride",
            "conv 32 3x",
            "conv -1 3",
        ] {
            let error = one(text).unwrap_err();
            assert_eq!(error, format!("item 1 \"{text}\": {}", WORDS[0].1));
        }
        for (text, hint) in [
            ("depthwise", WORDS[1].1),
            ("depthwise 8 3", WORDS[1].1),
            ("max-pool", WORDS[2].1),
            ("max-pool all", WORDS[2].1),
            ("average-pool", WORDS[3].1),
            ("skip 1", WORDS[4].1),
            ("add 2", WORDS[5].1),
            ("dense 3 4", WORDS[6].1),
            ("dropout 1", WORDS[7].1),
            ("dropout nan", WORDS[7].1),
            ("", IN_WORDS),
            ("attention 3", IN_WORDS),
            ("desne 3", "did you mean `dense`?"),
        ] {
            let error = one(text).unwrap_err();
            assert!(error.contains(hint), "{error}");
        }
    }

    #[test]
    fn a_picture_layer_after_a_dense_one_is_refused_by_its_item() {
        let items = ["dense 4", "dropout 0.1", "conv 2 3"].map(String::from);
        let error = parse(&items, Padding::Valid).unwrap_err();
        assert_eq!(error.item, 3);
        assert!(error.allowed.contains("after a dense layer"));
    }
}
