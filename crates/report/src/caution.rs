//! What a reader must know before trusting an accuracy, in the same sentences on the page and in
//! the terminal.

use bakeoff_measures::{ACCURACY, BALANCED_ACCURACY, Measure, format};

use crate::analysis::{Entry, Group, falling::Falling};

/// Sentences about a dataset's accuracies; none where they can be taken as they are.
pub(crate) fn cautions(group: &Group<'_>) -> Vec<String> {
    let mut sentences = of_classes(group);
    sentences.extend(of_training(group));
    sentences
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
        format!(
            "{model} (from {from:.3} to {to:.3} in the last {} of {})",
            falling.last,
            format::counted(*epochs as u64, "epoch", "epochs")
        )
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
    if constant.is_unbalanced() {
        let (largest, smallest) = constant.largest_and_smallest;
        let balanced = |entry: &Entry<'_>| entry.mean_of(&BALANCED_ACCURACY);
        let values = group.entries.iter().filter_map(balanced);
        let best = values.fold(0.0, f64::max);
        let leaders = group.entries.iter().filter(|e| balanced(e) == Some(best));
        let leaders: Vec<&str> = leaders.map(|entry| entry.model).collect();
        let leader = match leaders.as_slice() {
            all if all.len() == constant.models && all.len() > 1 => {
                "all models have the same:".to_owned()
            }
            [only] => format!("{only} has the most:"),
            several => format!("{} have the most:", format::list(several)),
        };
        sentences.push(format!(
            "The classes are unbalanced ({} test images of the largest, {} of the smallest), and \
             accuracy hides the rare ones. By balanced accuracy, where every class counts the \
             same, {leader} {}.",
            format::count(largest as u64),
            format::count(smallest as u64),
            write(&BALANCED_ACCURACY, best)
        ));
    }
    sentences
}
