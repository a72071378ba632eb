//! `bakeoff evaluate`

use anyhow::{Context as _, bail};
use bakeoff_ask::Model;
use bakeoff_core::Samples;
use bakeoff_measures::{ACCURACY, BALANCED_ACCURACY, LOG_LOSS, MACRO_AUC, MACRO_F1, format};
use bakeoff_metrics::Evaluation;
use bakeoff_report::terminal::{Align, table};
use serde_json::json;

use crate::{args::EvaluateArgs, text};

pub(crate) fn main(args: &EvaluateArgs) -> anyhow::Result<()> {
    let loaded = Model::open(&args.models_dir, &args.model)?.saved;
    let dataset = bakeoff_data::open(&args.dataset)?;
    let test = dataset.test();
    let facts = &loaded.manifest.facts;
    let matched = by_name(test, &facts.class_names)?;
    let test = matched.as_ref().unwrap_or(test);
    if test.classes() != loaded.model.classes() {
        bail!(
            "{} knows {} classes ({}), `{}` has {} ({})",
            loaded.full_name,
            facts.class_names.len(),
            facts.class_names.join(", "),
            dataset.name(),
            test.classes(),
            test.class_names().join(", ")
        );
    }
    let probabilities = loaded
        .model
        .predict_proba(test.images())
        .with_context(|| format!("{} on `{}`", loaded.full_name, dataset.name()))?;
    let evaluation = Evaluation::new(test.labels(), &probabilities)?;
    // The names differ, so that classes were matched by position; say so.
    let other_names = test.class_names() != facts.class_names;
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
            "other_class_names": other_names,
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
    let mut out = format!(
        "{} on {} of `{}`\n\n",
        loaded.full_name,
        format::counted(samples as u64, "test image", "test images"),
        dataset.name()
    );
    for measure in [
        &ACCURACY,
        &BALANCED_ACCURACY,
        &MACRO_F1,
        &MACRO_AUC,
        &LOG_LOSS,
    ] {
        let value = measure.metric.and_then(|metric| evaluation.get(metric));
        let text = text::measure(measure, value, samples);
        out += &format!("{:<17}  {text}\n", measure.label);
    }
    out += &format!("\n{}", table(&header, &rows));
    if other_names {
        out += &format!(
            "\nNote: the model's classes have other names ({}); they were matched by position.\n",
            facts.class_names.join(", ")
        );
    }
    text::print(&out)
}

/// The samples with the classes of the model, if the model knows each of their classes by
/// name: a person's own images rarely show all classes.
fn by_name(samples: &Samples, classes: &[String]) -> anyhow::Result<Option<Samples>> {
    if samples.class_names() == classes {
        return Ok(None);
    }
    let places: Option<Vec<u16>> = samples
        .class_names()
        .iter()
        .map(|name| {
            let place = classes.iter().position(|class| class == name)?;
            u16::try_from(place).ok()
        })
        .collect();
    let Some(places) = places else {
        return Ok(None);
    };
    let labels: Vec<u16> = samples
        .labels()
        .iter()
        .map(|&label| places[usize::from(label)])
        .collect();
    let images = samples.images().clone();
    Ok(Some(Samples::new(images, labels, classes.to_vec())?))
}
