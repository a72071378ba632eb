//! What is wrong with a dataset, in the same sentences in `data check` and in the report.

use bakeoff_core::record::{DataInfo, PixelValues, Repeats};
use bakeoff_measures::format;

/// Scores of classes with fewer test images than this say little.
pub const RARE: usize = 10;
/// Values of less than half of the range are more likely read wrong than dark.
const NARROW: u8 = 128;

/// What is known of a dataset.
#[derive(Clone, Copy, Debug)]
pub struct DataFacts<'a> {
    /// The names of the K classes.
    pub class_names: &'a [String],
    /// Training images of each class, K numbers.
    pub train_counts: &'a [usize],
    /// Test images of each class, K numbers.
    pub test_counts: &'a [usize],
    /// Images that repeat, where it is known.
    pub repeats: Option<&'a Repeats>,
    /// The pixel values of the training and of the test part, where they are known.
    pub values: Option<&'a [PixelValues; 2]>,
}

impl<'a> From<&'a DataInfo> for DataFacts<'a> {
    fn from(data: &'a DataInfo) -> Self {
        Self {
            class_names: &data.class_names,
            train_counts: &data.train_counts,
            test_counts: &data.test_counts,
            repeats: data.repeats.as_ref(),
            values: data.values.as_ref(),
        }
    }
}

/// What a reader should look at, the worst first; nothing where nothing is wrong.
pub fn data_findings(facts: &DataFacts<'_>) -> Vec<String> {
    let mut found = facts.repeats.map_or_else(Vec::new, |repeats| {
        of_repeats(repeats, facts.test_counts.iter().sum())
    });
    if let Some(values) = facts.values {
        let parts = [
            ("training", facts.train_counts),
            ("test", facts.test_counts),
        ];
        for ((part, counts), values) in parts.into_iter().zip(values) {
            // Of no images there is nothing to say.
            if counts.iter().any(|&count| count > 0) {
                found.extend(of_values(part, values));
            }
        }
    }
    found.extend(of_classes(facts));
    found
}

fn images(count: usize) -> String {
    format::counted(count as u64, "image", "images")
}

fn of_repeats(repeats: &Repeats, samples: usize) -> Vec<String> {
    let mut found = Vec::new();
    if !repeats.seen.is_empty() {
        found.push(format!(
            "{} of {} test images are training images too, to the last pixel: scores would be too good",
            format::count(repeats.seen.len() as u64),
            format::count(samples as u64)
        ));
    }
    for (count, parts) in [
        (
            repeats.test_in_validation,
            "test images are validation images too, to the last pixel: models are chosen by what they are scored on",
        ),
        (
            repeats.validation_in_train,
            "validation images are training images too, to the last pixel: they do not show when training is enough",
        ),
    ] {
        if count > 0 {
            found.push(format!("{} {parts}", format::count(count as u64)));
        }
    }
    if repeats.conflicting > 0 {
        found.push(format!(
            "{} with more than one label",
            images(repeats.conflicting)
        ));
    }
    for (part, count) in [("training", repeats.in_train), ("test", repeats.in_test)] {
        if count > 0 {
            found.push(format!("repeated: {} of the {part} part", images(count)));
        }
    }
    found
}

fn of_values(part: &str, values: &PixelValues) -> Vec<String> {
    let PixelValues {
        lowest,
        highest,
        blank,
    } = *values;
    let mut found = Vec::new();
    if blank > 0 {
        found.push(format!("blank: {} of the {part} part", images(blank)));
    }
    if highest.saturating_sub(lowest) < NARROW {
        found.push(format!(
            "the values of the {part} part lie between {lowest} and {highest} of 0 to 255: is the scale right \
             (--pixel-max for tables and arrays; other images have to be saved so that white is 255 or 65535)?"
        ));
    }
    found
}

fn of_classes(facts: &DataFacts<'_>) -> Vec<String> {
    let counts = facts.train_counts.iter().zip(facts.test_counts);
    let counts: Vec<_> = facts.class_names.iter().zip(counts).collect();
    let no_training = facts.train_counts.iter().all(|&count| count == 0);
    let of = |wanted: fn(usize, usize) -> bool, what: &str| {
        let names = counts
            .iter()
            .filter(|(_, (train, test))| wanted(**train, **test));
        let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
        let few = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = match names.len().saturating_sub(5) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let classes = format::counted(names.len() as u64, "class", "classes");
        (!names.is_empty()).then(|| format!("{classes} {what}: {few}{more}"))
    };
    [
        of(|train, test| train + test == 0, "without any image"),
        of(
            |train, test| train > 0 && test == 0,
            "without test images, so that nothing is known of them",
        ),
        of(
            |train, test| train == 0 && test > 0,
            "without training images, which no model can answer",
        )
        // A test part alone is for models that are trained already.
        .filter(|_| !no_training),
        of(
            |train, _| train == 1,
            "with one training image, of which no model can learn what varies",
        ),
        of(
            |_, test| (1..RARE).contains(&test),
            "with fewer than 10 test images, of which scores say little",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_is_named_and_nothing_else() {
        let names: Vec<String> = ["ant", "bee", "cat", "dog", "eel"]
            .map(String::from)
            .to_vec();
        let fine = DataFacts {
            class_names: &names,
            train_counts: &[20; 5],
            test_counts: &[20; 5],
            repeats: Some(&Repeats::default()),
            values: Some(
                &[PixelValues {
                    lowest: 0,
                    highest: 255,
                    blank: 0,
                }; 2],
            ),
        };
        assert_eq!(data_findings(&fine), Vec::<String>::new());
        let repeats = Repeats {
            in_train: 2,
            in_test: 1,
            conflicting: 3,
            seen: vec![4, 5],
            validation_in_train: 6,
            test_in_validation: 7,
        };
        let values = [
            PixelValues {
                lowest: 0,
                highest: 16,
                blank: 0,
            },
            PixelValues {
                lowest: 0,
                highest: 255,
                blank: 7,
            },
        ];
        let found = data_findings(&DataFacts {
            train_counts: &[20, 1, 0, 20, 0],
            test_counts: &[20, 20, 20, 0, 0],
            repeats: Some(&repeats),
            values: Some(&values),
            ..fine
        });
        let starts = [
            "2 of 60 test images are training images too",
            "7 test images are validation images too",
            "6 validation images are training images too",
            "3 images with more than one label",
            "repeated: 2 images of the training part",
            "repeated: 1 image of the test part",
            "the values of the training part lie between 0 and 16",
            "blank: 7 images of the test part",
            "1 class without any image: eel",
            "1 class without test images, so that nothing is known of them: dog",
            "1 class without training images, which no model can answer: cat",
            "1 class with one training image, of which no model can learn what varies: bee",
        ];
        let none = PixelValues {
            lowest: 0,
            highest: 0,
            blank: 0,
        };
        let test_part_alone = DataFacts {
            train_counts: &[0; 5],
            values: Some(&[none, fine.values.unwrap()[1]]),
            ..fine
        };
        assert_eq!(data_findings(&test_part_alone), Vec::<String>::new());
        assert_eq!(found.len(), starts.len(), "{found:#?}");
        for (found, start) in found.iter().zip(starts) {
            assert!(found.starts_with(start), "{found}");
        }
        let rare = DataFacts {
            test_counts: &[9; 5],
            ..fine
        };
        assert!(data_findings(&rare)[0].starts_with("5 classes with fewer than 10 test images"));
    }
}
