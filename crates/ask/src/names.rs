//! Finding a model by its name.

use bakeoff_core::did_you_mean;

/// The longest name that is looked for: finding a similar name takes memory by the product
/// of both lengths.
const MAX_NAME_BYTES: usize = 512;

/// Why a name stands for no saved model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// No model has this name.
    #[error(
        "there is no saved model `{name}`{}; there {}",
        did_you_mean(name, known.iter().flat_map(|full| [full, short_name(full)])),
        if known.is_empty() { "are none yet".to_owned() } else { format!("are: {}", known.join(", ")) }
    )]
    Unknown {
        /// The name asked for.
        name: String,
        /// The full names of all models.
        known: Vec<String>,
    },
    /// No model has such a long name.
    #[error("there is no saved model with a name of {0} bytes")]
    TooLong(usize),
    /// A model that is there and cannot be read.
    #[error("the saved model `{name}` cannot be read: {reason}")]
    Unreadable {
        /// The name asked for.
        name: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A short name that models of several datasets have.
    #[error("`{name}` could be any of: {}; say which", candidates.join(", "))]
    Ambiguous {
        /// The name asked for.
        name: String,
        /// The full names of the models that have it.
        candidates: Vec<String>,
    },
}

/// The part of a full name (`mnist/cnn`) that is enough where only one dataset has such a
/// model: `cnn`.
pub fn short_name(full_name: &str) -> &str {
    full_name
        .rsplit_once('/')
        .map_or(full_name, |(_, short)| short)
}

/// The position of the one model that is called `name`, by its full or its short name.
pub(crate) fn find(name: &str, full_names: &[&str]) -> Result<usize, NameError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong(name.len()));
    }
    let matching: Vec<usize> = (0..full_names.len())
        .filter(|&at| full_names[at] == name || short_name(full_names[at]) == name)
        .collect();
    let owned = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect();
    match matching[..] {
        [one] => Ok(one),
        [] => Err(NameError::Unknown {
            name: name.to_owned(),
            known: owned(&mut full_names.iter().copied()),
        }),
        _ => Err(NameError::Ambiguous {
            name: name.to_owned(),
            candidates: owned(&mut matching.iter().map(|&at| full_names[at])),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_work_until_they_are_ambiguous() {
        let names = ["fashion/cnn", "mnist/cnn", "mnist/knn"];
        assert_eq!(find("knn", &names), Ok(2));
        assert_eq!(find("mnist/cnn", &names), Ok(1));
        let said = |name: &str, names: &[&str]| find(name, names).map_err(|it| it.to_string());
        assert_eq!(
            said("cnn", &names),
            Err("`cnn` could be any of: fashion/cnn, mnist/cnn; say which".into())
        );
        assert_eq!(
            said("mnits/cnn", &names),
            Err(
                "there is no saved model `mnits/cnn` (did you mean `mnist/cnn`?); there are: \
                 fashion/cnn, mnist/cnn, mnist/knn"
                    .into()
            )
        );
        assert_eq!(
            said("cnn", &[]),
            Err("there is no saved model `cnn`; there are none yet".into())
        );
        assert_eq!(
            said(&"x".repeat(600), &names),
            Err("there is no saved model with a name of 600 bytes".into())
        );
    }
}
