//! Places in a plan as people and schedulers write them: `0-5,8`.

use std::{collections::BTreeSet, fmt, str::FromStr};

/// More trials than any plan has: `0-99999999999` is a slip, and would take all memory.
const MOST: usize = 10_000_000;

/// A set of places in a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Indices(pub(crate) BTreeSet<usize>);

impl FromStr for Indices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |word: &str| {
            word.trim()
                .parse()
                .ok()
                .filter(|index: &usize| *index < MOST)
        };
        let mut places = BTreeSet::new();
        for part in text.split(',') {
            let range = match part.split_once('-') {
                None => number(part).map(|index| (index, index)),
                Some((first, last)) => number(first).zip(number(last)),
            };
            let range = range.filter(|(first, last)| first <= last);
            let (first, last) = range.ok_or_else(|| {
                format!("`{part}`: allowed: numbers and ranges of trials, as in 0-5,8")
            })?;
            places.extend(first..=last);
        }
        Ok(Self(places))
    }
}

impl fmt::Display for Indices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for &index in &self.0 {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == index => *last = index,
                _ => ranges.push((index, index)),
            }
        }
        for (place, (first, last)) in ranges.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_written() {
        for (text, count, again) in [
            ("3", 1, "3"),
            ("0-5,8", 7, "0-5,8"),
            ("8,0-2,3", 5, "0-3,8"),
            ("7-7,9,9", 2, "7,9"),
        ] {
            let read: Indices = text.parse().unwrap();
            assert_eq!((read.0.len(), read.to_string()), (count, again.to_owned()));
        }
        for wrong in ["", "a", "5-3", "1,", "-1", "1-", "0-99999999999"] {
            let error = wrong.parse::<Indices>().unwrap_err();
            assert!(error.contains("0-5,8"), "{error}");
        }
    }
}
