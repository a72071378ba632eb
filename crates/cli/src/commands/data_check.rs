//! `bakeoff data check`

use bakeoff_core::{Preparation, Samples};
use bakeoff_data::Opened;
use bakeoff_measures::format;
use serde_json::json;

use crate::{args::DataCheckArgs, text};

/// Scores of classes with fewer test images than this say little.
const RARE: usize = 10;

/// What is looked for in one part.
struct Part {
    images: usize,
    /// The darkest and the brightest value of all.
    range: Option<(u8, u8)>,
    /// Images of one value.
    blank: usize,
}

impl Part {
    fn of(samples: &Samples) -> Self {
        let images = samples.images();
        let pixels = images.pixels().iter().copied();
        let blank = |image: &&[u8]| image.windows(2).all(|pair| pair[0] == pair[1]);
        Self {
            images: samples.len(),
            range: pixels.clone().min().zip(pixels.max()),
            blank: images.iter().filter(blank).count(),
        }
    }
}

pub(crate) fn main(args: &DataCheckArgs) -> anyhow::Result<()> {
    let options = args.open.options();
    let Opened { dataset, notes } = bakeoff_data::open_with(&args.dataset, &options)?;
    let (train, test) = (dataset.train(), dataset.test());
    let repeats = bakeoff_data::repeats(train, test);
    let preparation = bakeoff_data::preparation(train.images(), &options);
    let parts = [Part::of(train), Part::of(test)];
    let names = train.class_names();
    let counts = train.class_counts().into_iter().zip(test.class_counts());
    let counts: Vec<(&String, (usize, usize))> = names.iter().zip(counts).collect();
    let classes = |which: &dyn Fn(usize, usize) -> bool| -> Vec<&str> {
        let found = counts
            .iter()
            .filter(|(_, (train, test))| which(*train, *test));
        found.map(|(name, _)| name.as_str()).collect()
    };
    let only_trained = classes(&|train, test| train > 0 && test == 0);
    let only_tested = classes(&|train, test| train == 0 && test > 0);
    let rare = classes(&|_, test| (1..RARE).contains(&test));
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
            "blank": { "train": parts[0].blank, "test": parts[1].blank },
            "range": { "train": parts[0].range, "test": parts[1].range },
            "classes_without_test_images": only_trained,
            "classes_without_training_images": only_tested,
            "classes_with_few_test_images": rare,
        }));
    }
    let images = |count: usize| format::counted(count as u64, "image", "images");
    let list = |names: &[&str]| {
        let few: Vec<String> = names.iter().take(5).map(|name| text::plain(name)).collect();
        let more = names.len() - few.len();
        match more {
            0 => few.join(", "),
            more => format!("{} and {more} more", few.join(", ")),
        }
    };
    let mut found: Vec<String> = Vec::new();
    if !repeats.seen.is_empty() {
        found.push(format!(
            "{} of {} test images are training images too, to the last pixel: scores would be too good",
            format::count(repeats.seen.len() as u64),
            format::count(test.len() as u64)
        ));
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
    for (name, part) in [("training", &parts[0]), ("test", &parts[1])] {
        if part.blank > 0 {
            found.push(format!("blank: {} of the {name} part", images(part.blank)));
        }
        if let Some((darkest, brightest)) = part.range
            && brightest - darkest < 128
        {
            found.push(format!(
                "the values of the {name} part lie between {darkest} and {brightest} of 0 to 255: is the scale right (--pixel-max)?"
            ));
        }
    }
    for (what, names) in [
        (
            "without test images, so that nothing is known of them",
            &only_trained,
        ),
        (
            "without training images, which no model can answer",
            &only_tested,
        ),
        (
            "with fewer than 10 test images, of which scores say little",
            &rare,
        ),
    ] {
        if !names.is_empty() {
            let classes = format::counted(names.len() as u64, "class", "classes");
            found.push(format!("{classes} {what}: {}", list(names)));
        }
    }
    let mut out = format!("{dataset}\n");
    for note in &notes {
        out += &format!("How it was read: {}\n", text::plain(note.text()));
    }
    out += match preparation {
        Preparation::Ink => {
            "Images from elsewhere are prepared as ink, because the training images are placed as MNIST's are.\n"
        }
        Preparation::Plain { .. } => {
            "Images from elsewhere are shown to the models as they are, at the size of the training images.\n"
        }
    };
    let looked_at: usize = parts.iter().map(|part| part.images).sum();
    out += &match found.as_slice() {
        [] => format!("\nNothing is wrong with these {}.\n", images(looked_at)),
        found => {
            let lines: Vec<String> = found.iter().map(|line| format!("  - {line}\n")).collect();
            format!("\nTo look at:\n{}", lines.concat())
        }
    };
    text::print(&out)
}
