//! A dataset and a model as a line of JSON.

use serde_json::{Value, json};

use super::{measured::Measured, shown::Shown};

pub(super) fn line(shown: &Shown, measured: &Measured) -> Value {
    let tally = &measured.tally;
    let interval = tally.interval();
    let misses = measured.misses();
    let misses = misses.iter().map(|(at, answer)| {
        json!({
            "file": shown.names[*at],
            "label": measured.class(measured.labels[*at]),
            "answer": measured.class(answer.class),
            "confidence": answer.confidence,
            "doubt": answer.doubt,
            "warnings": shown.fates[*at].as_deref().unwrap_or_default(),
        })
    });
    let misses: Vec<Value> = misses.collect();
    let names = shown.names.iter().zip(&measured.labels);
    let unanswered = names.zip(&shown.fates).filter_map(|((name, label), fate)| {
        let reason = fate.as_ref().err()?;
        Some(json!({ "file": name, "label": measured.class(*label), "reason": reason }))
    });
    let unanswered: Vec<Value> = unanswered.collect();
    let mut line = json!({
        "model": measured.model,
        "dataset": shown.dataset,
        "data_fingerprint": shown.fingerprint,
        "samples": tally.images,
        "answered": tally.answered,
        "correct": tally.correct,
        "accuracy": tally.accuracy(),
        "accuracy_interval": [interval.low, interval.high],
        "accuracy_of_answered": tally.accuracy_of_answered(),
        "unsure": tally.unsure,
        "unsure_misses": tally.unsure_misses,
        "confusion": measured.confusions,
        "misses": misses,
        "unanswered": unanswered,
        "notes": measured.notes,
    });
    if let (Some(evaluation), Some(line)) = (&measured.evaluation, line.as_object_mut()) {
        for (key, value) in [
            ("balanced_accuracy", Some(evaluation.balanced_accuracy)),
            ("macro_precision", Some(evaluation.macro_precision)),
            ("macro_recall", Some(evaluation.macro_recall)),
            ("macro_f1", Some(evaluation.macro_f1)),
            ("macro_auc", evaluation.macro_auc),
            ("log_loss", Some(evaluation.log_loss)),
        ] {
            line.insert(key.into(), json!(value));
        }
    }
    line
}
