//! `bakeoff evaluate`

use anyhow::{Context as _, bail};
use bakeoff_core::{Colour, Fit, OpenOptions, Preparation, Samples, record::origin_of};
use bakeoff_data::Opened;
use bakeoff_measures::{ACCURACY, BALANCED_ACCURACY, LOG_LOSS, MACRO_AUC, MACRO_F1, format};
use bakeoff_metrics::Evaluation;
use bakeoff_report::terminal::{Align, Lines, table};
use bakeoff_store::Manifest;
use serde_json::json;

use crate::{args::EvaluateArgs, text};

pub(crate) fn main(args: &EvaluateArgs) -> anyhow::Result<()> {
    let loaded = super::saved_model(&args.models_dir, &args.model)?.saved;
    let (options, warning) = options(args.open.options(), &args.dataset, &loaded.manifest);
    if let Some(warning) = &warning {
        text::note(format_args!("warning: {warning}"));
    }
    let learned = loaded.manifest.facts.pixel_range;
    let Opened { dataset, notes } =
        bakeoff_data::open_to_evaluate(&args.dataset, &options, learned)?;
    for note in &notes {
        text::note(format_args!("note: {}", note.text()));
    }
    let facts = &loaded.manifest.facts;
    let test = match by_name(dataset.test(), &facts.class_names)? {
        Ok(test) => test,
        Err(unknown) => bail!(
            "{} knows {} classes ({}), `{}` has {} ({}), of which {} {} unknown to the model. \
             Classes are matched by name, and upper and lower case differ: rename them, or name \
             them in a classes.txt",
            loaded.full_name,
            facts.class_names.len(),
            facts.class_names.join(", "),
            dataset.name(),
            dataset.test().classes(),
            dataset.test().class_names().join(", "),
            unknown.join(", "),
            if unknown.len() == 1 { "is" } else { "are" },
        ),
    };
    let test = &test;
    let probabilities = loaded
        .model
        .predict_proba(test.images())
        .with_context(|| format!("{} on `{}`", loaded.full_name, dataset.name()))?;
    let evaluation = Evaluation::new(test.labels(), &probabilities)?;
    if args.json {
        return text::print_json(&json!({
            "model": loaded.full_name,
            "dataset": dataset.name(),
            "data_fingerprint": dataset.fingerprint(),
            "samples": evaluation.samples,
            "accuracy": evaluation.accuracy,
            "balanced_accuracy": evaluation.balanced_accuracy,
            "macro_precision": evaluation.macro_precision,
            "macro_recall": evaluation.macro_recall,
            "macro_f1": evaluation.macro_f1,
            "macro_auc": evaluation.macro_auc,
            "log_loss": evaluation.log_loss,
            "notes": notes.iter().map(ToString::to_string).chain(warning).collect::<Vec<_>>(),
        }));
    }
    let score = |value: Option<f64>| format::or_nothing(value, format::score);
    let rows: Vec<Vec<String>> = evaluation
        .per_class
        .iter()
        .map(|class| {
            vec![
                test.class_names()[class.class].clone(),
                format::count(class.support),
                score(class.precision),
                score(class.recall),
                score(class.f1),
                format::or_nothing(class.auc, format::auc),
            ]
        })
        .collect();
    let header = [
        ("class", Align::Left),
        ("samples", Align::Right),
        ("precision", Align::Right),
        ("recall", Align::Right),
        ("F1", Align::Right),
        ("AUC", Align::Right),
    ];
    let samples = evaluation.samples;
    let mut out = Lines::new();
    out.line(format_args!(
        "{} on {} of `{}`",
        loaded.full_name,
        format::counted(samples as u64, "test image", "test images"),
        dataset.name()
    ));
    out.blank();
    for measure in [
        &ACCURACY,
        &BALANCED_ACCURACY,
        &MACRO_F1,
        &MACRO_AUC,
        &LOG_LOSS,
    ] {
        let value = measure.metric.and_then(|metric| evaluation.get(metric));
        let text = text::measure(measure, value, samples);
        out.line(format_args!("{:<17}  {text}", measure.label));
    }
    out.blank();
    out.append(&table(&header, &rows));
    text::print(&out)
}

/// How the images are opened: as a person states it, and else as the model's training images were. A
/// dataset that the model was trained on is split as it was then; the second value says where a
/// person states otherwise.
fn options(
    stated: OpenOptions,
    dataset: &str,
    manifest: &Manifest,
) -> (OpenOptions, Option<String>) {
    let mut options = stated.clone();
    let shape = manifest.input_shape;
    if let Preparation::Plain { fit } = manifest.preparation() {
        options.size = options.size.or(Some([shape.height, shape.width]));
        if options.fit == Fit::default() {
            options.fit = fit;
        }
    }
    if options.colour == Colour::Auto {
        options.colour = match shape.channels {
            1 => Colour::Grey,
            _ => Colour::Rgb,
        };
    }
    let Some(origin) = &manifest.facts.origin else {
        return (options, None);
    };
    let trained = &origin.options;
    options.label = options.label.or_else(|| trained.label.clone());
    let is_the_same = origin_of(&bakeoff_data::absolute(dataset), trained) == origin.data;
    let split = |options: &OpenOptions| {
        let OpenOptions {
            test_fraction,
            split_seed,
            group,
            ..
        } = options.clone();
        (test_fraction, split_seed, group)
    };
    if !is_the_same || trained.test_fraction.is_none() || split(&stated) == split(trained) {
        return (options, None);
    }
    if stated.test_fraction.is_none() {
        (options.test_fraction, options.split_seed, options.group) = split(trained);
        return (options, None);
    }
    let warning = "the model was trained on another split of these images: it has seen some of those that it is measured on. Without --test-fraction, it is measured on its own test part";
    (options, Some(warning.to_owned()))
}

/// The samples with the classes of the model, or the names that the model does not know. A
/// person's own images rarely show all classes; a class without images is no matter.
fn by_name(samples: &Samples, classes: &[String]) -> anyhow::Result<Result<Samples, Vec<String>>> {
    if samples.class_names() == classes {
        return Ok(Ok(samples.clone()));
    }
    let places: Vec<Option<u16>> = samples
        .class_names()
        .iter()
        .map(|name| {
            let place = classes.iter().position(|class| class == name)?;
            u16::try_from(place).ok()
        })
        .collect();
    let counts = samples.class_counts();
    let unknown: Vec<String> = (0..places.len())
        .filter(|&class| places[class].is_none() && counts[class] > 0)
        .map(|class| samples.class_names()[class].clone())
        .collect();
    if !unknown.is_empty() {
        return Ok(Err(unknown));
    }
    let labels: Vec<u16> = samples
        .labels()
        .iter()
        .map(|&label| places[usize::from(label)].unwrap_or_default())
        .collect();
    let images = samples.images().clone();
    Ok(Ok(Samples::new(images, labels, classes.to_vec())?))
}
