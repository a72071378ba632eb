//! The table of steps, and how the setting `features` is read.

use bakeoff_core::{ModelSpec, SpecError, did_you_mean};

use crate::{
    KEY,
    step::Step,
    steps::{Bank, Blur, Deskew, Hog, Pca, Standardise},
};

/// The steps in words, for help texts and errors.
pub(crate) const IN_WORDS: &str = "`deskew` (slanted writing upright), `blur RADIUS` (pixels), `hog CELL [ORIENTATIONS]` \
     (histograms of gradients in cells of so many pixels), `pca COMPONENTS`, `standardise`, \
     `patches COUNT SIZE [REGIONS]` (likeness to so many patches that k-means finds, summed in REGIONS × REGIONS parts), \
     `random-conv COUNT SIZE [REGIONS]` (random filters)";

/// A step that there is.
struct Row {
    /// Its first word.
    word: &'static str,
    /// How it is written, with what its numbers may be.
    usage: &'static str,
    /// Reads its numbers.
    read: fn(&[f64]) -> Option<Box<dyn Step>>,
}

const ROWS: [Row; 7] = [
    Row {
        word: "deskew",
        usage: "deskew",
        read: |numbers| numbers.is_empty().then(|| Box::new(Deskew) as _),
    },
    Row {
        word: "blur",
        usage: "blur RADIUS, a number above 0 and up to 16",
        read: |numbers| match *numbers {
            [radius] if radius > 0.0 && radius <= 16.0 => Some(Box::new(Blur { radius })),
            _ => None,
        },
    },
    Row {
        word: "hog",
        usage: "hog CELL [ORIENTATIONS], a cell of 2 to 64 pixels and 2 to 36 orientations (9 if left out)",
        read: |numbers| {
            let [cell, orientations] = whole(numbers, &[9])?;
            let fits = (2..=64).contains(&cell) && (2..=36).contains(&orientations);
            fits.then(|| Box::new(Hog { cell, orientations }) as _)
        },
    },
    Row {
        word: "pca",
        usage: "pca COMPONENTS, from 1 to 4096",
        read: |numbers| {
            let [components] = whole(numbers, &[])?;
            (1..=4096)
                .contains(&components)
                .then(|| Box::new(Pca { components }) as _)
        },
    },
    Row {
        word: "standardise",
        usage: "standardise",
        read: |numbers| numbers.is_empty().then(|| Box::new(Standardise) as _),
    },
    Row {
        word: "patches",
        usage: "patches COUNT SIZE [REGIONS], a count of 2 to 4096, a size of 2 to 16 pixels and 1 to 8 regions a side (2 if left out)",
        read: |numbers| bank(numbers, true),
    },
    Row {
        word: "random-conv",
        usage: "random-conv COUNT SIZE [REGIONS], a count of 2 to 4096, a size of 2 to 16 pixels and 1 to 8 regions a side (2 if left out)",
        read: |numbers| bank(numbers, false),
    },
];

fn bank(numbers: &[f64], learned: bool) -> Option<Box<dyn Step>> {
    let [count, size, regions] = whole(numbers, &[2])?;
    let fits =
        (2..=4096).contains(&count) && (2..=16).contains(&size) && (1..=8).contains(&regions);
    fits.then(|| {
        Box::new(Bank {
            count,
            size,
            regions,
            learned,
        }) as _
    })
}

/// The numbers as whole ones; `last` has what stands for those at the end that are left out.
fn whole<const N: usize>(numbers: &[f64], last: &[usize]) -> Option<[usize; N]> {
    let missing = N.checked_sub(numbers.len())?;
    let defaults = last.get(last.len().checked_sub(missing)?..)?;
    let given = numbers.iter().map(|&number| {
        let is_whole = number.fract() == 0.0 && (0.0..1e9).contains(&number);
        is_whole.then_some(number as usize)
    });
    let all: Option<Vec<usize>> = given.chain(defaults.iter().copied().map(Some)).collect();
    all?.try_into().ok()
}

/// The steps of a spec, none if it names none.
pub(crate) fn parse(spec: &ModelSpec) -> Result<Vec<Box<dyn Step>>, SpecError> {
    let Some(items) = spec.settings.get(KEY).and_then(|value| value.as_array()) else {
        return Ok(Vec::new());
    };
    let steps = items.iter().enumerate().map(|(at, item)| {
        let text = item.as_str().unwrap_or_default();
        step(text).map_err(|allowed| SpecError::Setting {
            family: spec.family.clone(),
            key: KEY.into(),
            got: format!("item {} \"{text}\"", at + 1),
            allowed,
        })
    });
    steps.collect()
}

/// One step, or what would do in its place.
fn step(text: &str) -> Result<Box<dyn Step>, String> {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    let Some(row) = ROWS.iter().find(|row| row.word == first) else {
        let names: Vec<String> = ROWS.iter().map(|row| row.word.to_owned()).collect();
        let meant = did_you_mean(first, &names);
        return Err(format!("{}{meant}", names.join(", ")));
    };
    let numbers: Result<Vec<f64>, _> = words.map(str::parse).collect();
    numbers
        .ok()
        .and_then(|numbers| (row.read)(&numbers))
        .ok_or_else(|| row.usage.to_owned())
}
