//! Putting a dataset together from its parts, whatever format they come from.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use bakeoff_core::{Dataset, Images, OpenOptions, Samples, derive_seed};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    context::Context,
    error::DataError,
    listing::Listing,
    notes::some,
    resize::convert,
    split::{self, Split},
};

/// One part of a dataset, as a format reads it.
pub(crate) struct Part {
    /// The file or folder of the images.
    pub(crate) path: PathBuf,
    pub(crate) images: Images,
    /// As many as there are images.
    pub(crate) labels: Labels,
    /// The file of each image, where each has one of its own.
    pub(crate) files: Option<Vec<String>>,
    /// The group of each image, where the person named a column of them.
    pub(crate) groups: Option<Vec<String>>,
}

/// The labels of a part, and where each of them is.
#[derive(Clone)]
pub(crate) struct Labels {
    /// Their file.
    pub(crate) path: PathBuf,
    pub(crate) values: Vec<u16>,
    /// What positions in the file count: `byte` or `line`.
    pub(crate) unit: &'static str,
    /// The position of the first label; each other one follows the one before.
    pub(crate) first: u64,
}

/// The file that names the classes, and the names.
pub(crate) type ClassNames = (PathBuf, Vec<String>);

/// A dataset as its format reads it: at least one part.
#[derive(Default)]
pub(crate) struct Raw {
    /// The training part; all there is, where there is no other part.
    pub(crate) train: Option<Part>,
    pub(crate) validation: Option<Part>,
    pub(crate) test: Option<Part>,
    /// Where there are none, the labels themselves say how many classes there are.
    pub(crate) names: Option<ClassNames>,
    /// Without a stated split, the only part is a test part: a person's own labelled images.
    pub(crate) own_images: bool,
    /// The dataset's name, where the file says it; else it is that of the folder or file.
    pub(crate) name: Option<String>,
}

/// How a part that is alone is used, if no split is stated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alone {
    /// It is refused: somebody has to say which images a model may learn from.
    Refused,
    /// A model is measured on it.
    Test,
}

/// Images whose brightest pixel is below this were probably not stored from 0 to 255.
const DARK: f64 = 64.0;

/// The dataset of a folder.
pub(crate) fn finish(
    listing: &Listing,
    raw: Raw,
    alone: Alone,
    context: &mut Context<'_>,
) -> Result<Dataset, DataError> {
    let options = context.options;
    if let Some(brightest) = context.brightest.filter(|brightest| *brightest < DARK) {
        context.note(format!("the brightest pixel of all is {brightest} of 255: if {brightest} stands for white, state --pixel-max {brightest}", brightest = brightest as f32));
    }
    let Raw {
        train,
        mut validation,
        mut test,
        names,
        own_images,
        name,
    } = raw;
    if test.is_none() && validation.is_some() {
        test = validation.take();
        context.note("the validation part is used as the test part, because there is no other");
    }
    let parts = [&train, &validation, &test];
    let names = class_names(listing, &parts.map(Option::as_ref), names)?;
    let shown = |part: &Option<Part>| part.as_ref().map(|part| part.path.clone());
    let (train_path, test_path) = (shown(&train), shown(&test));
    // What stands in for images that are not decoded has no size.
    let lists = context.listed.is_some();
    let mut groups = train.as_ref().and_then(|part| part.groups.clone());
    let to_samples = |part: Part| {
        let images = match lists {
            true => part.images,
            false => convert(part.images, options),
        };
        let samples =
            Samples::new(images, part.labels.values, names.as_slice()).map_err(|problem| {
                DataError::Samples {
                    path: listing.path().into(),
                    problem,
                }
            })?;
        Ok(samples.with_files(part.files.unwrap_or_default()))
    };
    let train = train.map(to_samples).transpose()?;
    let validation = validation.map(to_samples).transpose()?;
    let mut test = test.map(to_samples).transpose()?;
    let mut train = match (train, &test) {
        (Some(train), _) => train,
        (None, Some(test)) => {
            if alone == Alone::Refused && !own_images {
                let problem = "there is only a test part, and nothing to learn from; `bakeoff evaluate` measures a saved model on it";
                return Err(DataError::invalid(listing.path(), problem));
            }
            nothing_of(test)
        }
        (None, None) => return Err(DataError::no_pictures(listing.path())),
    };
    match (&test, options.test_fraction) {
        (Some(_), Some(_)) if alone == Alone::Refused => context.note(
            "the data have a test part of their own, which is used: the stated fraction is not",
        ),
        (Some(_), _) => {}
        (None, Some(fraction)) => {
            let Split {
                train: rest,
                held_out,
            } = cut(listing, train, groups.take().as_deref(), fraction, context)?;
            (train, test) = (rest, Some(held_out));
        }
        (None, None) if alone == Alone::Test || own_images => {
            let nothing = nothing_of(&train);
            test = Some(std::mem::replace(&mut train, nothing));
            context.note("there is one part, which is used as a test part; with --test-fraction 0.2 a model can be trained on the rest");
        }
        (None, None) => {
            let notes: Vec<String> = context
                .notes
                .iter()
                .map(|note| format!(". Of how it was read: {note}"))
                .collect();
            return Err(DataError::invalid(
                train_path.as_deref().unwrap_or(listing.path()),
                format!(
                    "there are {} images and no test part: state which share is for testing, as in --test-fraction 0.2 (in an experiment, test_fraction = 0.2){}",
                    train.len(),
                    notes.concat()
                ),
            ));
        }
    }
    // Every branch above has set it.
    let test = test.unwrap_or_else(|| nothing_of(&train));
    let (a, b) = (train.images().shape(), test.images().shape());
    if a != b {
        let or = |path: Option<PathBuf>| path.unwrap_or_else(|| listing.path().into());
        return Err(DataError::invalid(
            &or(train_path),
            format!(
                "the training images are {a}, but those of {} are {b}: the files do not belong together, or a size must be stated, as in --size {}",
                or(test_path).display(),
                a.height.max(a.width)
            ),
        ));
    }
    say_lacking_classes(&train, &test, context);
    let wrong = |problem| DataError::Samples {
        path: listing.path().into(),
        problem,
    };
    let dataset =
        Dataset::new(name.unwrap_or_else(|| listing.name()), train, test).map_err(wrong)?;
    match validation.filter(|part| !part.is_empty()) {
        None => Ok(dataset),
        Some(validation) => {
            let shape = validation.images().shape();
            if shape != a {
                let problem = format!(
                    "the training images are {a}, but those of the validation part are {shape}: state a size, as in --size 32"
                );
                return Err(DataError::invalid(listing.path(), problem));
            }
            dataset.with_validation(validation).map_err(wrong)
        }
    }
}

/// The samples of a part without samples.
fn nothing_of(samples: &Samples) -> Samples {
    samples.select(&[])
}

/// The test part that a person stated, cut from all there is.
fn cut(
    listing: &Listing,
    all: Samples,
    groups: Option<&[String]>,
    fraction: f64,
    context: &mut Context<'_>,
) -> Result<Split, DataError> {
    let options = context.options;
    let seed = options.split_seed.unwrap_or(1);
    let indices = match (&options.group, groups) {
        (None, _) => split::hold_out_indices(&all, fraction, derive_seed(seed, "test part")),
        (Some(_), Some(groups)) => group_indices(groups, fraction, seed),
        (Some(column), None) => {
            let problem = format!(
                "there is no column `{column}` to group by: groups need a table that has one"
            );
            return Err(DataError::invalid(listing.path(), problem));
        }
    };
    if indices.is_empty() || indices.len() == all.len() {
        let remedy = match &options.group {
            Some(_) => "state another share, or more groups",
            None => "it is taken of each class, so that classes need more images, or another share",
        };
        let problem = format!(
            "a test part of {fraction} of {} images leaves one part without images: {remedy}",
            all.len()
        );
        return Err(DataError::invalid(listing.path(), problem));
    }
    let grouped = match &options.group {
        Some(column) => format!(", no `{column}` in both parts"),
        None => ", stratified by class".into(),
    };
    context.note(format!(
        "the test part is a stated share: {} of {} images, seed {seed}{grouped}",
        indices.len(),
        all.len()
    ));
    Ok(split::take_out(all, &indices))
}

/// The samples of whole groups, drawn until the share is reached.
fn group_indices(groups: &[String], fraction: f64, seed: u64) -> Vec<usize> {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        members.entry(group).or_default().push(index);
    }
    let mut order: Vec<Vec<usize>> = members.into_values().collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(derive_seed(seed, "groups")));
    let target = fraction * groups.len() as f64;
    let mut taken: Vec<usize> = Vec::new();
    for group in order {
        // A group is taken if the share is closer to the target with it than without.
        let (before, after) = (taken.len() as f64, (taken.len() + group.len()) as f64);
        if (after - target).abs() <= (before - target).abs() {
            taken.extend(group);
        }
    }
    taken.sort_unstable();
    taken
}

/// Says which classes only one part has.
fn say_lacking_classes(train: &Samples, test: &Samples, context: &mut Context<'_>) {
    if train.is_empty() || test.is_empty() {
        return;
    }
    let counts: Vec<(usize, usize)> = train
        .class_counts()
        .into_iter()
        .zip(test.class_counts())
        .collect();
    let named = |wanted: fn(&(usize, usize)) -> bool| -> Vec<&str> {
        let names = train.class_names().iter().zip(&counts);
        names
            .filter(|(_, counts)| wanted(counts))
            .map(|(name, _)| name.as_str())
            .collect()
    };
    let only_test = named(|&(train, test)| train == 0 && test > 0);
    let only_train = named(|&(train, test)| train > 0 && test == 0);
    let neither = named(|&(train, test)| train == 0 && test == 0);
    for (names, what) in [
        (
            only_test,
            "only in the test part, so that no model can learn them",
        ),
        (
            only_train,
            "only in the training part, so that no model is tested on them",
        ),
        (neither, "in no part"),
    ] {
        if !names.is_empty() {
            context.note(format!(
                "{} of {} classes have images {what}: {}",
                names.len(),
                counts.len(),
                some(&names)
            ));
        }
    }
}

/// The names of the classes: those that are given, or the labels themselves.
fn class_names(
    listing: &Listing,
    parts: &[Option<&Part>],
    names: Option<ClassNames>,
) -> Result<Vec<String>, DataError> {
    let parts: Vec<&Part> = parts.iter().copied().flatten().collect();
    if let Some((path, names)) = names {
        for part in parts {
            check(&part.labels, names.len(), &path)?;
        }
        return Ok(names);
    }
    let values = || parts.iter().flat_map(|part| &part.labels.values);
    let classes = values().max().map_or(0, |&label| usize::from(label) + 1);
    let occurring = values().collect::<BTreeSet<_>>().len();
    // A few missing ones are a gap; thousands are a label that is none.
    if classes > 100 && classes > 10 * occurring {
        for part in &parts {
            let highest = part
                .labels
                .values
                .iter()
                .enumerate()
                .max_by_key(|(_, label)| **label);
            if let Some((index, &label)) = highest
                && usize::from(label) + 1 == classes
            {
                let problem = format!(
                    "{} {}: label {label}, where only {occurring} different labels occur: it would make {classes} classes. Correct it, or name the classes by words",
                    part.labels.unit,
                    part.labels.first + index as u64
                );
                return Err(DataError::invalid(&part.labels.path, problem));
            }
        }
        return Err(DataError::no_pictures(listing.path()));
    }
    Ok((0..classes).map(|label| label.to_string()).collect())
}

/// Every label has a name.
fn check(labels: &Labels, classes: usize, names: &Path) -> Result<(), DataError> {
    let mut pairs = labels.values.iter().enumerate();
    let Some((index, label)) = pairs.find(|&(_, &label)| usize::from(label) >= classes) else {
        return Ok(());
    };
    Err(DataError::invalid(
        &labels.path,
        format!(
            "{} {}: label {label} of sample {index} is out of range, because {} names {classes} classes (0 to {}). Add the missing names or correct the label",
            labels.unit,
            labels.first + index as u64,
            names.display(),
            classes.saturating_sub(1)
        ),
    ))
}

/// The names of classes, where they are words; and the class of each sample, part by part.
pub(crate) type Numbered = (Option<Vec<String>>, Vec<Vec<u16>>);

/// Labels as words: their classes, and the class of each.
///
/// Whole numbers in their shortest form stand for the classes from 0 to the highest, and have
/// no names; else the classes are the words that occur, in their order.
pub(crate) fn numbered(parts: &[&[String]]) -> Option<Numbered> {
    let number = |label: &String| {
        let number: Option<u16> = label.parse().ok();
        number.filter(|n| n.to_string() == *label && *n < u16::MAX)
    };
    let numbers: Option<Vec<Vec<u16>>> = parts
        .iter()
        .map(|labels| labels.iter().map(number).collect())
        .collect();
    if let Some(numbers) = numbers {
        return Some((None, numbers));
    }
    let names: BTreeSet<&str> = parts
        .iter()
        .copied()
        .flatten()
        .map(String::as_str)
        .collect();
    let places: BTreeMap<&str, u16> = names
        .iter()
        .enumerate()
        .map(|(place, name)| u16::try_from(place).ok().map(|place| (*name, place)))
        .collect::<Option<_>>()?;
    let values = parts
        .iter()
        .map(|labels| labels.iter().map(|label| places[label.as_str()]).collect())
        .collect();
    Some((Some(names.into_iter().map(String::from).collect()), values))
}

/// The dataset of parts that need no options: what is inside the binary.
pub(crate) fn plain(
    folder: &Path,
    name: &str,
    train: Part,
    test: Part,
) -> Result<Dataset, DataError> {
    let labels = train.labels.values.iter().chain(&test.labels.values);
    let classes = labels.max().map_or(0, |&label| usize::from(label) + 1);
    let names: Vec<String> = (0..classes).map(|label| label.to_string()).collect();
    let samples = |part: Part| Samples::new(part.images, part.labels.values, names.as_slice());
    samples(train)
        .and_then(|train| Dataset::new(name, train, samples(test)?))
        .map_err(|problem| DataError::Samples {
            path: folder.into(),
            problem,
        })
}

/// Built-in data at a stated size and colour.
pub(crate) fn converted(dataset: Dataset, options: &OpenOptions) -> Result<Dataset, DataError> {
    if options.size.is_none() && options.colour == bakeoff_core::Colour::Auto {
        return Ok(dataset);
    }
    let samples = |samples: &Samples| {
        let images = convert(samples.images().clone(), options);
        Samples::new(images, samples.labels(), samples.class_names())
    };
    samples(dataset.train())
        .and_then(|train| Dataset::new(dataset.name(), train, samples(dataset.test())?))
        .map_err(|problem| DataError::Samples {
            path: dataset.name().into(),
            problem,
        })
}
