//! Finding a model by its name.

use bakeoff_core::did_you_mean;
use bakeoff_store::Origin;

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
}

/// The part of a full name (`mnist/cnn`) that is enough for the newest such model: `cnn`.
pub fn short_name(full_name: &str) -> &str {
    full_name
        .rsplit_once('/')
        .map_or(full_name, |(_, short)| short)
}

/// A saved model as it is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) full_name: &'a str,
    /// `None` in models of earlier versions, and where it cannot be read.
    pub(crate) origin: Option<&'a Origin>,
}

impl Candidate<'_> {
    /// Of several models of one short name the greatest is meant: one that was trained on all the
    /// training data before one of a limited run, then the newest.
    fn rank(&self) -> (bool, &str) {
        let saved_at = self.origin.map_or("", |origin| origin.saved_at.as_str());
        (!self.origin.is_some_and(|origin| origin.partial), saved_at)
    }
}

/// The positions of the models that `name` can mean, by their full or their short name: the one
/// that is meant first, and at least one.
pub(crate) fn find(name: &str, candidates: &[Candidate<'_>]) -> Result<Vec<usize>, NameError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong(name.len()));
    }
    let full = |&at: &usize| candidates[at].full_name == name;
    if let Some(at) = (0..candidates.len()).find(full) {
        return Ok(vec![at]);
    }
    let mut matching: Vec<usize> = (0..candidates.len())
        .filter(|&at| short_name(candidates[at].full_name) == name)
        .collect();
    matching.sort_by(|&a, &b| candidates[b].rank().cmp(&candidates[a].rank()));
    match matching.is_empty() {
        false => Ok(matching),
        true => Err(NameError::Unknown {
            name: name.to_owned(),
            known: candidates
                .iter()
                .map(|it| it.full_name.to_owned())
                .collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::OpenOptions;

    use super::*;

    #[test]
    fn the_newest_full_model_of_a_short_name_is_meant() {
        let origin = |day: &str, partial| Origin {
            data: String::new(),
            saved_at: format!("2026-11-{day}T10:00:00.000Z"),
            partial,
            options: OpenOptions::default(),
        };
        let (old, new, part) = (origin("29", false), origin("30", false), origin("31", true));
        let of = |full_name, origin| Candidate { full_name, origin };
        let candidates = [
            of("early/cnn", None),
            of("fashion/cnn", Some(&old)),
            of("mnist-6000/cnn", Some(&part)),
            of("mnist/cnn", Some(&new)),
            of("mnist/knn", None),
        ];
        let found = |name: &str| find(name, &candidates);
        assert_eq!(found("knn"), Ok(vec![4]));
        assert_eq!(found("fashion/cnn"), Ok(vec![1]));
        assert_eq!(found("cnn"), Ok(vec![3, 1, 0, 2]));
    }

    #[test]
    fn a_name_of_no_model_is_answered_with_those_there_are() {
        let of = |full_name| Candidate {
            full_name,
            origin: None,
        };
        let names = ["fashion/cnn", "mnist/cnn", "mnist/knn"];
        let said = |name: &str, names: &[&'static str]| {
            let candidates: Vec<_> = names.iter().map(|name| of(*name)).collect();
            find(name, &candidates).map_err(|it| it.to_string())
        };
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
