//! What a reader must know before trusting an accuracy, in the same sentences on the page and in
//! the terminal.

use bakeoff_core::record::{PlannedTrial, Record, Run};
use bakeoff_measures::{ACCURACY, BALANCED_ACCURACY, Measure, format};

use crate::analysis::{Entry, Group, Success, falling::Falling};

/// Sentences about a dataset's accuracies; none where they can be taken as they are.
pub(crate) fn cautions(group: &Group<'_>) -> Vec<String> {
    let mut sentences = of_repeats(group);
    sentences.extend(of_classes(group));
    sentences.extend(of_training(group));
    sentences.extend(of_elsewhere(group));
    sentences.extend(of_external(group));
    sentences
}

/// What the mark of models of other programs means.
pub(crate) const EXTERNAL_LEGEND: &str = "† external: the predictions of another program, imported. Its costs were not measured here; those that are shown are what its author says.";

/// Whether a model of another program is among the models of a dataset.
pub(crate) fn has_external(group: &Group<'_>) -> bool {
    group.entries.iter().any(|entry| entry.external().is_some())
}

/// What nobody can know of models that were read from files.
fn of_elsewhere(group: &Group<'_>) -> Option<String> {
    let given = group
        .entries
        .iter()
        .filter(|entry| entry.is_trained_elsewhere());
    let names: Vec<&str> = given.map(|entry| entry.model).collect();
    let (it, was) = match names.len() {
        0 => return None,
        1 => ("it", "was"),
        _ => ("they", "were"),
    };
    Some(format!(
        "{} {was} not trained here but read from a file: no cost of training is known (–), and nobody can check \
         whether {it} {was} trained on some of these test images.",
        format::list(&names)
    ))
}

/// Why imported predictions may be wrong.
fn of_external(group: &Group<'_>) -> Vec<String> {
    let fits = |entry: &Entry<'_>| -> Vec<String> {
        let external = entry
            .successes()
            .filter_map(|(_, success)| success.measured.external.as_ref());
        let warnings = external.flat_map(|external| &external.warnings);
        warnings
            .map(|words| format!("{}: {words}", entry.marked()))
            .collect()
    };
    group.entries.iter().flat_map(fits).collect()
}

/// How many trials of a run have no record, and how to get them.
pub(crate) fn missing(run: &Run) -> Option<String> {
    let record = |planned: &PlannedTrial| run.records.get(&planned.id);
    let is_external = |planned: &&PlannedTrial| {
        let measured = record(planned).and_then(Record::measured);
        measured.is_some_and(|measured| measured.external.is_some())
    };
    let planned = run.plan.len() - run.plan.iter().filter(is_external).count();
    let missing = run.plan.iter().filter(|p| record(p).is_none()).count();
    (missing > 0).then(|| {
        format!(
            "{} of {} {} no record: not run, ended from outside, or still running. With RUN for the \
             folder of this run, `bakeoff status RUN --missing` lists them; `bakeoff trial RUN --indices` \
             runs them here, and `bakeoff submit RUN` on a cluster.",
            format::count(missing as u64),
            format::counted(planned as u64, "trial", "trials"),
            if missing == 1 { "has" } else { "have" },
        )
    })
}

/// Images that are there more than once: above all test images that the models have been
/// trained on, with the accuracy on the others.
fn of_repeats(group: &Group<'_>) -> Vec<String> {
    let Some(data) = group.data else {
        return Vec::new();
    };
    let Some(repeats) = &data.repeats else {
        return Vec::new();
    };
    let samples: usize = data.test_counts.iter().sum();
    let images = |count: usize| format::counted(count as u64, "image", "images");
    let mut sentences = Vec::new();
    match repeats.seen.len() {
        0 => {}
        seen if seen == samples => sentences.push(format!(
            "All {} are training images too, to the last pixel: no score here says anything about new \
             images.",
            format::counted(samples as u64, "test image", "test images")
        )),
        seen => {
            let rest = samples.saturating_sub(seen);
            let accuracies: Vec<String> = group
                .entries
                .iter()
                .filter_map(|entry| {
                    let accuracy = entry.mean(|fit| accuracy_without(fit, &repeats.seen))?;
                    Some(format!("{} {}", entry.model, ACCURACY.write(accuracy, rest)))
                })
                .collect();
            let accuracies: Vec<&str> = accuracies.iter().map(String::as_str).collect();
            sentences.push(format!(
                "{} of {} test images {} too, to the last pixel, so that scores are too \
                 good. On the other {}, accuracies are: {}.",
                format::count(seen as u64),
                format::count(samples as u64),
                if seen == 1 { "is a training image" } else { "are training images" },
                format::count(rest as u64),
                format::list(&accuracies)
            ));
        }
    }
    if repeats.test_in_validation > 0 {
        sentences.push(format!(
            "{} of {} test images are validation images too, to the last pixel: what is chosen by the \
             validation part is chosen by what it is scored on.",
            format::count(repeats.test_in_validation as u64),
            format::count(samples as u64)
        ));
    }
    if repeats.validation_in_train > 0 {
        sentences.push(format!(
            "{} validation images are training images too, to the last pixel: they do not show when \
             training is enough.",
            format::count(repeats.validation_in_train as u64)
        ));
    }
    if repeats.conflicting > 0 {
        sentences.push(format!(
            "{} with more than one label: a part of the labels is wrong, or images do not tell the \
             classes apart.",
            match repeats.conflicting {
                1 => "One image occurs".to_owned(),
                count => format!("{} occur", images(count)),
            }
        ));
    }
    sentences
}

/// The accuracy of a fit on the test images that are not among these.
fn accuracy_without(fit: &Success<'_>, seen: &[u32]) -> f64 {
    let answers = fit.test.labels().iter().zip(&fit.predicted);
    let rest = answers.enumerate().filter(|(place, _)| {
        u32::try_from(*place).is_ok_and(|place| seen.binary_search(&place).is_err())
    });
    let (right, all) = rest.fold((0.0, 0.0), |(right, all), (_, (label, answer))| {
        (right + f64::from(u8::from(label == answer)), all + 1.0)
    });
    right / f64::max(all, 1.0)
}

/// Models whose training ended while it still helped.
fn of_training(group: &Group<'_>) -> Option<String> {
    let falling: Vec<(&str, Falling)> = group
        .entries
        .iter()
        .filter_map(|entry| Some((entry.model, Falling::of(entry)?)))
        .collect();
    let each = falling.iter().map(|(model, falling)| {
        let Falling {
            from, to, epochs, ..
        } = falling;
        let last = match falling.last {
            1 => "the last".to_owned(),
            count => format!("the last {count}"),
        };
        format!("{model} (from {from:.3} to {to:.3} in {last} of {epochs} epochs)")
    });
    let each: Vec<String> = each.collect();
    let list: Vec<&str> = each.iter().map(String::as_str).collect();
    (!list.is_empty()).then(|| {
        format!(
            "The validation loss was still falling when training ended: {}. More epochs are likely \
             to help, so that scores are of so much training and not of what the model can reach.",
            format::list(&list)
        )
    })
}

/// Sentences about how common the classes are.
fn of_classes(group: &Group<'_>) -> Vec<String> {
    let Some(constant) = &group.constant else {
        return Vec::new();
    };
    let samples = group.data.map_or(0, |data| data.test_counts.iter().sum());
    let write = |measure: &Measure, value: f64| measure.write(value, samples);
    let mut sentences = Vec::new();
    if !constant.not_beaten_by.is_empty() {
        let who = if constant.is_unbeaten() {
            "No model is".to_owned()
        } else {
            let models = constant.not_beaten_by.iter().map(String::as_str);
            let models: Vec<&str> = models.collect();
            let are = if models.len() == 1 { "is" } else { "are" };
            format!("{} {are} not", format::list(&models))
        };
        sentences.push(format!(
            "{who} significantly better than always answering {}, the most common class in the \
             training data, which is correct on {} of the test images.",
            constant.class,
            write(&ACCURACY, constant.accuracy)
        ));
    }
    if *group.headline != ACCURACY {
        let (largest, smallest) = constant.largest_and_smallest;
        let balanced = |entry: &Entry<'_>| entry.mean_of(&BALANCED_ACCURACY);
        let compared = || group.entries.iter().filter(|entry| !entry.is_baseline());
        let best = compared().filter_map(balanced).fold(0.0, f64::max);
        let leaders = compared().filter(|entry| balanced(entry) == Some(best));
        let leaders: Vec<&str> = leaders.map(|entry| entry.model).collect();
        let leader = match leaders.as_slice() {
            all if all.len() == constant.models && all.len() > 1 => {
                "all models have the same:".to_owned()
            }
            [only] => format!("{only} is best:"),
            several => format!("{} are best:", format::list(several)),
        };
        sentences.push(format!(
            "The classes are unbalanced ({} test images of the largest, {} of the smallest), and \
             accuracy hides the rare ones: models are ranked by {} instead. By balanced accuracy, \
             where every class counts the same, {leader} {}.",
            format::count(largest as u64),
            format::count(smallest as u64),
            group.headline.label,
            write(&BALANCED_ACCURACY, best)
        ));
    }
    let data = group.data;
    sentences.extend(data.and_then(|data| rare_classes(&data.class_names, &data.test_counts)));
    sentences
}

/// Scores of classes with fewer test images than this say little.
const RARE: usize = 10;

/// Names up to three of the classes with few test images; none where there are none.
fn rare_classes(names: &[String], test_counts: &[usize]) -> Option<String> {
    let counts = names.iter().zip(test_counts);
    let rare: Vec<&str> = counts
        .filter(|(_, count)| (1..RARE).contains(*count))
        .map(|(name, _)| name.as_str())
        .collect();
    let (have, their) = match rare.as_slice() {
        [] => return None,
        [only] => (format!("The class {only} has"), "its"),
        [_, _] | [_, _, _] => (format!("The classes {} have", format::list(&rare)), "their"),
        [first, second, third, ..] => (
            format!(
                "{} classes ({first}, {second}, {third} and others) have",
                format::count(rare.len() as u64)
            ),
            "their",
        ),
    };
    Some(format!(
        "{have} fewer than {RARE} test images: {their} precision, recall and F1, and means over \
         classes, may be far from what other test images would give."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(counts: &[usize]) -> Option<String> {
        let names: Vec<String> = (0..counts.len()).map(|class| format!("c{class}")).collect();
        rare_classes(&names, counts)
    }

    #[test]
    fn up_to_three_rare_classes_are_named() {
        assert_eq!(words(&[10, 200]), None);
        for (counts, start) in [
            (
                &[10, 9][..],
                "The class c1 has fewer than 10 test images: its precision",
            ),
            (
                &[3, 50, 9],
                "The classes c0 and c2 have fewer than 10 test images: their",
            ),
            (&[1, 2, 3], "The classes c0, c1 and c2 have fewer"),
            (&[1; 12], "12 classes (c0, c1, c2 and others) have fewer"),
        ] {
            let words = words(counts).unwrap();
            assert!(words.starts_with(start), "{words}");
        }
    }
}
