//! `bakeoff data check`

use std::collections::HashMap;

use bakeoff_bench::data_check::{self, Drift, NearDuplicates};
use bakeoff_core::{Preparation, Samples};
use bakeoff_data::Opened;
use bakeoff_measures::format;
use bakeoff_report::{DataFacts, RARE, data_findings, terminal::Lines};
use serde_json::json;

use crate::{args::DataCheckArgs, text};

/// Images that are named as examples.
const EXAMPLES: usize = 5;

/// An image as a person finds it: by its file, or by its position in its part.
fn named(part: &str, samples: &Samples, index: usize) -> String {
    match samples.files().and_then(|files| files.get(index)) {
        Some(file) => file.clone(),
        None => format!("{part} image {index}"),
    }
}

/// The test images that are training images, each with the first training image that it is.
fn copied(train: &Samples, test: &Samples, seen: &[u32]) -> Vec<[String; 2]> {
    if seen.is_empty() {
        return Vec::new();
    }
    let mut first: HashMap<&[u8], usize> = HashMap::with_capacity(train.len());
    for (index, image) in train.images().iter().enumerate() {
        first.entry(image).or_insert(index);
    }
    let images: Vec<&[u8]> = test.images().iter().collect();
    let seen = seen.iter().map(|&index| index as usize);
    seen.filter_map(|index| {
        let original = first.get(images.get(index)?)?;
        Some([
            named("test", test, index),
            named("training", train, *original),
        ])
    })
    .collect()
}

/// What there is to say of images that are nearly the same.
fn nearly_the_same(found: &NearDuplicates, train: &Samples, test: &Samples) -> Vec<String> {
    let pairs = |count: usize| format::counted(count as u64, "pair of images", "pairs of images");
    let mut lines = Vec::new();
    let across = found.test_images_in_train();
    if across > 0 {
        let example = found
            .pairs
            .iter()
            .find(|pair| pair.first.in_test != pair.second.in_test);
        let example = example.map_or_else(String::new, |pair| {
            format!(
                " (the nearest: {} and {})",
                named("test", test, pair.second.index),
                named("training", train, pair.first.index)
            )
        });
        lines.push(format!(
            "{} nearly the same as a training image: scores are too good if they are copies{example}",
            match across {
                1 => "one test image is".to_owned(),
                across => format!("{} test images are", format::count(across as u64)),
            }
        ));
    }
    for (part, count) in [
        ("training", found.within(false)),
        ("test", found.within(true)),
    ] {
        if count > 0 {
            lines.push(format!(
                "nearly the same: {} within the {part} part",
                pairs(count)
            ));
        }
    }
    let conflicting = found.conflicting();
    if conflicting > 0 {
        lines.push(format!(
            "nearly the same, with different labels: {}",
            pairs(conflicting)
        ));
    }
    lines
}

/// What there is to say of parts that differ.
fn parts_differ(found: &Drift) -> Option<String> {
    found.is_significant().then(|| {
        let accuracy = format::percent(found.accuracy(), 1000);
        format!(
            "training and test images differ: a classifier that has to say which part an image is from is \
             right for {} of {} images ({accuracy}; by chance it would be 50 %, {}). Scores are of images \
             that are not quite like the training images",
            format::count(found.correct),
            format::count(found.tested),
            format::p_text(found.p)
        )
    })
}

pub(crate) fn main(args: &DataCheckArgs) -> anyhow::Result<()> {
    let options = args.open.options();
    let Opened { dataset, notes } = bakeoff_data::open_with(&args.dataset, &options)?;
    let (train, test) = (dataset.train(), dataset.test());
    let repeats = bakeoff_data::repeats(train, dataset.validation(), test);
    let near = data_check::near_duplicates(train, test)?;
    let drift = data_check::drift(train, test)?;
    let preparation = bakeoff_data::preparation(train.images(), &options);
    let values = [train, test].map(bakeoff_data::pixel_values);
    let names = train.class_names();
    let (train_counts, test_counts) = (train.class_counts(), test.class_counts());
    let classes = |wanted: fn(usize, usize) -> bool| -> Vec<&String> {
        let counts = train_counts.iter().zip(&test_counts);
        let found = names.iter().zip(counts);
        let found = found.filter(|(_, (train, test))| wanted(**train, **test));
        found.map(|(name, _)| name).collect()
    };
    if args.json {
        return text::print_json(&json!({
            "name": dataset.name(),
            "fingerprint": dataset.fingerprint(),
            "shape": train.images().shape(),
            "train": train.len(),
            "test": test.len(),
            "classes": names.len(),
            "notes": notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "preparation": preparation,
            "repeats": repeats,
            "test_images_in_train": copied(train, test, &repeats.seen),
            "values": { "train": values[0], "test": values[1] },
            "classes_without_test_images": classes(|train, test| train > 0 && test == 0),
            "classes_without_training_images": classes(|train, test| train == 0 && test > 0),
            "classes_with_few_test_images": classes(|_, test| (1..RARE).contains(&test)),
            "classes_with_one_training_image": classes(|train, _| train == 1),
            "near_duplicates": near,
            "drift": drift,
        }));
    }
    let mut found = data_findings(&DataFacts {
        class_names: names,
        train_counts: &train_counts,
        test_counts: &test_counts,
        repeats: Some(&repeats),
        values: Some(&values),
    });
    let copies = copied(train, test, &repeats.seen);
    if !copies.is_empty() {
        let shown = copies.iter().take(EXAMPLES);
        let shown: Vec<String> = shown
            .map(|[test, train]| format!("{test} = {train}"))
            .collect();
        let all = match copies.len() > EXAMPLES {
            true => "; --json lists all",
            false => "",
        };
        found.push(format!(
            "these test images are training images: {}{all}",
            shown.join(", ")
        ));
    }
    found.extend(
        near.iter()
            .flat_map(|near| nearly_the_same(near, train, test)),
    );
    found.extend(drift.as_ref().and_then(parts_differ));
    let mut out = Lines::new();
    out.line(&dataset);
    for note in &notes {
        out.line(format_args!("How it was read: {}", note.text()));
    }
    out.line(match preparation {
        Preparation::Ink => {
            "Images from elsewhere are prepared as ink, because the training images are placed as MNIST's are."
        }
        Preparation::Plain { .. } => {
            "Images from elsewhere are shown to the models as they are, at the size of the training images."
        }
    });
    if near.is_none() {
        out.line(
            "Images that are nearly the same were not looked for: there are fewer than 20 \
             different images, or so many and large ones that it would take minutes (--size makes them smaller).",
        );
    }
    out.blank();
    match found.as_slice() {
        [] => out.line(format_args!(
            "Nothing is wrong with these {}.",
            format::counted((train.len() + test.len()) as u64, "image", "images")
        )),
        found => {
            out.line("To look at:");
            for line in found {
                out.line(format_args!("  - {line}"));
            }
        }
    }
    text::print(&out)
}
