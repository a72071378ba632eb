//! What values a setting of an experiment takes: one rule for files and flags alike.

use bakeoff_core::{Size, did_you_mean};
use serde_json::Value;

/// What values a setting takes.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Switch,
    /// A text that follows a rule: the rule in words, and as a function.
    Text(&'static str, fn(&str) -> bool),
    /// A whole number in an inclusive range.
    Whole(u64, u64),
    /// A number from 0 to a limit, both allowed.
    Number(f64),
    /// A number above 0 and up to a limit.
    Share(f64),
    /// Height and width in pixels: a list of two whole numbers, or `32` or `32x24`.
    Size,
    /// One of a few words.
    Word(fn() -> Vec<&'static str>),
    /// A list of at least one item, all different.
    List(&'static Kind),
    /// `true` for every item, `false` for none, or a list of different items.
    AllOrList(&'static Kind),
}

/// Why a value is not allowed.
pub(crate) struct Wrong {
    /// The position of the item at fault, in a list.
    pub(crate) item: Option<usize>,
    /// What follows the setting's name in an error.
    pub(crate) message: String,
}

impl Kind {
    /// What is allowed, in words.
    pub(crate) fn allowed(self) -> String {
        self.words("a whole number", "a number", " or ")
    }

    fn words(self, whole: &str, number: &str, or: &str) -> String {
        let different = |kind: &Kind| kind.words("whole numbers", "numbers", ", ");
        match self {
            Self::Switch => format!("true{or}false"),
            Self::Text(rule, _) => rule.into(),
            Self::Whole(min, u64::MAX) => format!("{whole} from {min}"),
            Self::Whole(min, max) => format!("{whole} from {min} to {max}"),
            Self::Size => {
                "a side, or a height and a width, as in [32, 24], each from 1 to 4096".into()
            }
            Self::Number(max) => format!("{number} from 0 to {max}"),
            Self::Share(max) => format!("{number} above 0 and up to {max}"),
            Self::Word(words) => {
                let quoted: Vec<String> = words().iter().map(|w| format!("\"{w}\"")).collect();
                quoted.join(or)
            }
            Self::List(kind) => format!("a list of different {}", different(kind)),
            Self::AllOrList(kind) => format!("true, false or a list of: {}", different(kind)),
        }
    }

    /// Whether a value is allowed.
    pub(crate) fn check(self, value: &Value) -> Result<(), Wrong> {
        let wrong = |item, problem: String| Wrong {
            item,
            message: format!("{problem}; allowed: {}", self.allowed()),
        };
        let (kind, items) = match (self, value) {
            (Self::AllOrList(_), Value::Bool(_)) => return Ok(()),
            (Self::List(_), Value::Array(items)) if items.is_empty() => {
                return Err(wrong(None, "is empty".into()));
            }
            (Self::List(kind) | Self::AllOrList(kind), Value::Array(items)) => (kind, items),
            _ if self.holds(value) => return Ok(()),
            _ => return Err(wrong(None, format!("is {value}{}", self.hint(value)))),
        };
        for (position, item) in items.iter().enumerate() {
            if !kind.holds(item) {
                let problem = format!("has the item {item}{}", kind.hint(item));
                return Err(wrong(Some(position), problem));
            }
            if items[..position].contains(item) {
                return Err(wrong(Some(position), format!("has the item {item} twice")));
            }
        }
        Ok(())
    }

    /// Whether a value that is no list is allowed.
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Switch => value.is_boolean(),
            Self::Text(_, rule) => value.as_str().is_some_and(rule),
            Self::Whole(min, max) => value.as_u64().is_some_and(|n| (min..=max).contains(&n)),
            Self::Size => {
                let is_side = |side: &Value| side.as_u64().is_some_and(|n| (1..=4096).contains(&n));
                let both = |sides: &Vec<Value>| sides.len() == 2 && sides.iter().all(is_side);
                is_side(value) || value.as_array().is_some_and(both)
            }
            Self::Number(max) => value.as_f64().is_some_and(|x| (0.0..=max).contains(&x)),
            Self::Share(max) => value.as_f64().is_some_and(|x| x > 0.0 && x <= max),
            Self::Word(words) => value.as_str().is_some_and(|word| words().contains(&word)),
            Self::List(_) | Self::AllOrList(_) => false,
        }
    }

    /// The word that was probably meant, for an error.
    fn hint(self, value: &Value) -> String {
        match (self, value.as_str()) {
            (Self::Word(words), Some(text)) => did_you_mean(text, words()),
            _ => String::new(),
        }
    }

    /// The value that the words after a flag stand for. What cannot be read stays a text,
    /// which [`Kind::check`] refuses.
    pub(crate) fn read(self, words: &[&str]) -> Value {
        let number = |word: &str| -> Option<Value> {
            match self {
                Self::Whole(..) => word.parse::<u64>().ok().map(Value::from),
                Self::Number(_) | Self::Share(_) => {
                    serde_json::Number::from_f64(word.parse().ok()?).map(Value::from)
                }
                Self::Size => {
                    let Size(sides) = word.parse().ok()?;
                    Some(Value::from(sides.to_vec()))
                }
                Self::Switch | Self::AllOrList(_) => word.parse::<bool>().ok().map(Value::from),
                _ => None,
            }
        };
        match (self, words) {
            (Self::List(kind), _) => words.iter().map(|word| kind.read(&[word])).collect(),
            (_, [word]) => number(word).unwrap_or_else(|| Value::from(*word)),
            _ => Value::from(words),
        }
    }
}
