//! Which part of a dataset a file or folder is, by the words of its name.

use crate::{error::DataError, listing::Listing};

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Train,
    Validation,
    Test,
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its name in an error.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The word that arrays are named by.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "val",
            Self::Test => "test",
        }
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Train => &["train", "training", "tra", "trn"],
            Self::Validation => &["val", "valid", "validation", "dev"],
            Self::Test => &["test", "testing", "tes", "tst", "t10k", "privatetest"],
        }
    }

    /// The part that a whole word names.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        Self::ALL
            .into_iter()
            .find(|role| role.words().contains(&word.as_str()))
    }

    /// The part that is a whole word of a name, such as `mnist_train.csv`, `trainingSet` or
    /// `seg_test`; `None` where no part or more than one is.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let mut found = None;
        for word in words(name) {
            match (Self::of_word(&word), found) {
                (Some(role), Some(other)) if role != other => return None,
                (Some(role), _) => found = Some(role),
                (None, _) => {}
            }
        }
        found
    }
}

/// The words of a name: letters and digits together, a capital after a small letter begins a
/// new one.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (small && c.is_uppercase()) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        small = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// One name for each part, of the names given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ByRole {
    pub(crate) train: Option<String>,
    pub(crate) validation: Option<String>,
    pub(crate) test: Option<String>,
}

impl ByRole {
    pub(crate) fn get(&self, role: Role) -> Option<&str> {
        match role {
            Role::Train => self.train.as_deref(),
            Role::Validation => self.validation.as_deref(),
            Role::Test => self.test.as_deref(),
        }
    }

    /// Finds them; two candidates for one part are refused by name.
    pub(crate) fn find<'a>(
        listing: &Listing,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<Self, DataError> {
        let mut found = Self::default();
        for name in names {
            let Some(role) = Role::of(name) else {
                continue;
            };
            let slot = match role {
                Role::Train => &mut found.train,
                Role::Validation => &mut found.validation,
                Role::Test => &mut found.test,
            };
            match slot {
                None => *slot = Some(name.into()),
                Some(other) => {
                    let problem = format!(
                        "{other} and {name} could both be the {} part. Rename one, or keep one dataset in one folder",
                        role.name()
                    );
                    return Err(DataError::invalid(listing.path(), problem));
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_words() {
        for (name, role) in [
            ("mnist_train.csv", Some(Role::Train)),
            ("latest_train.csv", Some(Role::Train)),
            ("trainingSet", Some(Role::Train)),
            ("latest.csv", None),
            ("contest.csv", None),
            ("test_set", Some(Role::Test)),
            ("Valid", Some(Role::Validation)),
            ("optdigits.tes", Some(Role::Test)),
            ("train_test.csv", None),
            ("test-00000-of-00001.parquet", Some(Role::Test)),
        ] {
            assert_eq!(Role::of(name), role, "{name}");
        }
    }
}
