//! Which columns are pixels, as names with numbers say it: `pixel0`, `1x1`, `12_red`.

use std::collections::BTreeMap;

/// Fewer columns of one pattern say nothing.
const LEAST: usize = 4;

/// A name without its numbers, and of each column that has it the numbers and the place.
type Pattern = (String, Vec<(Vec<u64>, usize)>);

/// The columns of pixels, in the order of the image.
#[derive(Debug)]
pub(super) struct Pixels {
    pub(super) columns: Vec<usize>,
    /// They are three planes: red, green and blue.
    pub(super) planes: bool,
    pub(super) note: Option<String>,
}

/// The columns among `places` whose names differ by numbers alone, or by these and a colour.
/// Those of transparency are not among them.
pub(super) fn pixels(names: &[String], places: &[usize]) -> Option<Pixels> {
    let mut patterns: BTreeMap<String, Vec<(Vec<u64>, usize)>> = BTreeMap::new();
    for &place in places {
        let (pattern, numbers) = pattern(names.get(place)?);
        if !numbers.is_empty() {
            patterns.entry(pattern).or_default().push((numbers, place));
        }
    }
    let most = patterns
        .values()
        .map(Vec::len)
        .max()
        .filter(|&most| most >= LEAST)?;
    let mut groups: Vec<Pattern> = patterns
        .into_iter()
        .filter(|(_, columns)| columns.len() == most)
        .collect();
    if let Some(planes) = colours(&mut groups) {
        return Some(Pixels {
            columns: planes,
            planes: true,
            note: None,
        });
    }
    let [(_, columns)] = groups.as_mut_slice() else {
        return None;
    };
    // Of two numbers nobody knows which is the row.
    let single = columns.iter().all(|(numbers, _)| numbers.len() == 1);
    let sorted = columns.is_sorted();
    let mut note = None;
    if single && !sorted && counts_up(columns) {
        columns.sort();
        note = Some("the columns of pixels are not in the order of the numbers in their names, which is taken".into());
    }
    Some(Pixels {
        columns: columns.iter().map(|&(_, place)| place).collect(),
        planes: false,
        note,
    })
}

/// Whether every number from the lowest to the highest is there once.
fn counts_up(columns: &[(Vec<u64>, usize)]) -> bool {
    let mut numbers: Vec<u64> = columns
        .iter()
        .filter_map(|(n, _)| n.first().copied())
        .collect();
    numbers.sort_unstable();
    numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// A name with `#` for each number, and the numbers.
fn pattern(name: &str) -> (String, Vec<u64>) {
    let (mut pattern, mut numbers) = (String::new(), Vec::new());
    let mut rest = name;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(from.len());
        let (digits, after) = from.split_at(end);
        pattern += before;
        pattern.push('#');
        numbers.push(digits.parse().unwrap_or(u64::MAX));
        rest = after;
    }
    (pattern + rest, numbers)
}

/// The columns of red, then green, then blue, where the patterns differ by the name of a colour.
fn colours(groups: &mut [Pattern]) -> Option<Vec<usize>> {
    if !(3..=4).contains(&groups.len()) {
        return None;
    }
    let letters: Vec<Vec<char>> = groups
        .iter()
        .map(|(name, _)| name.chars().collect())
        .collect();
    let shortest = letters.iter().map(Vec::len).min()?;
    let alike = |at: &dyn Fn(&Vec<char>) -> Option<char>| {
        letters.windows(2).all(|pair| at(&pair[0]) == at(&pair[1]))
    };
    let before = (0..shortest)
        .take_while(|&i| alike(&|name| name.get(i).copied()))
        .count();
    let after = (0..shortest.saturating_sub(before))
        .take_while(|&i| alike(&|name| name.get(name.len() - 1 - i).copied()))
        .count();
    let mut places = [None; 4];
    for (group, name) in letters.iter().enumerate() {
        let colour: String = name.get(before..name.len() - after)?.iter().collect();
        let place = match colour.as_str() {
            "r" | "red" => 0,
            "g" | "green" => 1,
            "b" | "blue" => 2,
            "a" | "alpha" => 3,
            _ => return None,
        };
        places[place] = Some(group);
    }
    let mut columns = Vec::new();
    for place in places.into_iter().take(3) {
        let (_, of_colour) = groups.get_mut(place?)?;
        of_colour.sort();
        columns.extend(of_colour.iter().map(|&(_, place)| place));
    }
    Some(columns)
}
