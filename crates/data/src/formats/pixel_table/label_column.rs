//! Whether the first or the last column of a table without names is the label.
//!
//! Neither the commonest value nor the number of values tells alone: the border of digits is
//! nearly constant, a pixel of photographs has all values from 0 to 255. So a column has to look
//! like labels, or to be unlike the pixels beside it, and what the two say must not differ.

use std::collections::BTreeSet;

use csv::ByteRecord;

/// Fewer rows say nothing about how alike columns are.
const LEAST_ROWS: usize = 10;
/// The label differs so many times more from its neighbours than a pixel from its own.
const UNLIKE: f64 = 3.0;
/// Of two columns without gaps, pixels have so many times the different values of labels.
const MORE_VALUES: usize = 4;

/// The first or the last of the columns that may be pixels.
#[derive(Default)]
pub(super) struct Edge {
    numbers: usize,
    words: usize,
    distinct: BTreeSet<u16>,
    /// All numbers are whole, from 0 to 65534.
    whole: bool,
    /// The sum of the differences to the columns beside it.
    apart: f64,
}

impl Edge {
    /// Adds the value of a row: `places` are those of the column and of the two that may be its
    /// neighbours, one and (where three colours follow each other) three columns away.
    pub(super) fn add(&mut self, record: &ByteRecord, places: [Option<&usize>; 3]) {
        let text = |place: Option<&usize>| {
            let field = record.get(*place?)?;
            std::str::from_utf8(field).ok()
        };
        let number = |place| text(place)?.parse::<f64>().ok();
        let [own, beside @ ..] = places;
        let Some(value) = number(own) else {
            self.words += usize::from(text(own).is_some_and(|text| !text.is_empty()));
            return;
        };
        self.whole = value.fract() == 0.0
            && (0.0..65_535.0).contains(&value)
            && (self.whole || self.numbers == 0);
        self.numbers += 1;
        if self.whole {
            self.distinct.insert(value as u16);
        }
        let differences = beside.into_iter().filter_map(number);
        let least = differences.map(|other| (value - other).abs());
        self.apart += least.fold(f64::INFINITY, f64::min).min(65_535.0);
    }

    fn is_words(&self) -> bool {
        self.words > 0 && self.words >= self.numbers
    }

    /// Not constant, and every whole number from its lowest, 0 or 1, to its highest.
    fn is_gapless(&self) -> bool {
        let (Some(&low), Some(&high)) = (self.distinct.first(), self.distinct.last()) else {
            return false;
        };
        let all = self.distinct.len() == usize::from(high - low) + 1;
        self.whole && self.words == 0 && low <= 1 && high > low && all
    }
}

/// Which of the two is the label, and why; `None` where that is not clear.
pub(super) fn label_is_last(first: &Edge, last: &Edge) -> Option<(bool, &'static str)> {
    match (first.is_words(), last.is_words()) {
        (true, true) => return None,
        (false, false) => {}
        (_, last) => return Some((last, "it holds words")),
    }
    let rows = first.numbers.min(last.numbers);
    let by_values = match (first.is_gapless(), last.is_gapless()) {
        (true, false) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
        (true, true) => {
            let (a, b) = (first.distinct.len(), last.distinct.len());
            (a >= MORE_VALUES * b || b >= MORE_VALUES * a).then_some(b < a)
        }
    };
    let unlike = |one: &Edge, other: &Edge| {
        rows >= LEAST_ROWS && one.whole && one.words == 0 && one.apart > UNLIKE * other.apart
    };
    let by_neighbours = match (unlike(first, last), unlike(last, first)) {
        (true, false) => Some(false),
        (false, true) => Some(true),
        _ => None,
    };
    match (by_values, by_neighbours) {
        (Some(a), Some(b)) if a != b => None,
        (Some(last), _) => Some((last, "it alone has every whole number up to its highest")),
        (None, Some(last)) => Some((last, "it is unlike the column beside it")),
        // A row alone: the usual order.
        (None, None) if rows == 1 => Some((false, "that is the usual order")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a label and four pixels, the label first.
    fn decided(rows: impl Iterator<Item = (String, [u16; 4])>) -> [Option<bool>; 2] {
        let mut edges: [Edge; 4] = Default::default();
        for (label, pixels) in rows {
            let mut fields: Vec<String> = vec![label];
            fields.extend(pixels.iter().map(ToString::to_string));
            for turned in [0, 2] {
                let record = ByteRecord::from(fields.clone());
                edges[turned].add(&record, [Some(&0), Some(&1), Some(&3)]);
                edges[turned + 1].add(&record, [Some(&4), Some(&3), Some(&1)]);
                fields.reverse();
            }
        }
        let [a, b, c, d] = &edges;
        [label_is_last(a, b), label_is_last(c, d)].map(|found| found.map(|(last, _)| last))
    }

    /// A number that looks drawn by chance.
    fn drawn(seed: usize) -> usize {
        (seed.wrapping_mul(0x9e37_79b9) >> 7) % 1009
    }

    #[test]
    fn the_label_is_found_where_it_is() {
        // Photographs, with few rows and with so many that a pixel has every value.
        for rows in [40, 20_000] {
            let photo = |i: usize| {
                let base = drawn(i) % 250;
                [0, 1, 3, 5].map(|more| (base + more) as u16)
            };
            let found = decided((0..rows).map(|i| ((i % 3).to_string(), photo(i))));
            assert_eq!(found, [Some(false), Some(true)], "{rows}");
            // A label with gaps is unlike its neighbours, and few rows of pixels have gaps too.
            if rows == 40 {
                let found = decided((0..rows).map(|i| ((i % 3 * 700).to_string(), photo(i))));
                assert_eq!(found, [Some(false), Some(true)]);
            }
        }
        // A black border, and a class that most images have.
        let found = decided((0..50).map(|i| (usize::from(i % 9 == 0).to_string(), [0; 4])));
        assert_eq!(found, [Some(false), Some(true)]);
        // Words, one of which is a number.
        let found = decided((0..9).map(|i| (["a", "b", "0"][i % 3].into(), [7, 7, 7, 9])));
        assert_eq!(found, [Some(false), Some(true)]);
    }

    #[test]
    fn what_is_not_clear_is_not_guessed() {
        // A label with gaps, and a last pixel without: two answers.
        let found = decided((0..30).map(|i| {
            let label = (i % 2 * 40).to_string();
            (label, [5, 5, 5, (i % 3) as u16])
        }));
        assert_eq!(found, [None, None]);
        // Black and white alone, with a label of the same kind.
        let bit = |i: usize| (drawn(i) % 2) as u16;
        let found = decided((0..60).map(|i| {
            let pixels = [bit(i + 100), bit(i + 200), bit(i + 300), bit(i + 400)];
            (bit(i).to_string(), pixels)
        }));
        assert_eq!(found, [None, None]);
    }
}
