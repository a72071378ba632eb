//! The search before `bakeoff run auto`.

use bakeoff_bench::{Observer, Round, SearchObserver};
use bakeoff_core::record::{PlannedTrial, SearchInfo};
use bakeoff_measures::{ACCURACY, format};
use serde_json::json;

use crate::{args::RunArgs, progress, text};

/// Says what each round tries, and shows its trials as a run's.
pub(super) struct Rounds<'a> {
    pub(super) args: &'a RunArgs,
    pub(super) budget_seconds: Option<u64>,
}

impl SearchObserver for Rounds<'_> {
    fn round(&mut self, round: &Round<'_>) {
        if self.args.json {
            text::report_json(&json!({
                "kind": "search-round", "round": round.number, "recipes": round.recipes,
                "images": round.images, "seconds": round.seconds,
                "best": round.best.map(|(model, accuracy)| json!({ "model": model, "accuracy": accuracy })),
            }));
            return;
        }
        if self.args.quiet {
            return;
        }
        let best = round.best.map_or_else(String::new, |(model, accuracy)| {
            format!(
                "; best so far: {model}, {}",
                ACCURACY.write(accuracy, 10_000)
            )
        });
        let time = match self.budget_seconds {
            Some(budget) => format!(
                "; {} of {}",
                format::seconds(round.seconds),
                format::seconds(budget as f64)
            ),
            None => String::new(),
        };
        text::note(format_args!(
            "Search, round {}: {} on {} images{best}{time}",
            round.number,
            format::counted(round.recipes as u64, "recipe", "recipes"),
            format::count(round.images as u64),
        ));
    }

    fn trials(&mut self, plan: &[PlannedTrial]) -> Box<dyn Observer> {
        progress::brief_observer(self.args.quiet, self.args.json, plan)
    }
}

/// Says what the search has found.
pub(super) fn say(found: &SearchInfo) {
    let failed = found
        .tried
        .iter()
        .filter(|tried| tried.reason.is_some())
        .count();
    text::note(format_args!(
        "The search took {} and tried {}{}. Now the chosen models, on all training images:",
        format::seconds(found.seconds),
        format::counted(found.tried.len() as u64, "recipe", "recipes"),
        match failed {
            0 => String::new(),
            failed => format!(", of which {failed} failed"),
        },
    ));
    if !found.left_out.is_empty() {
        let left_out = format::list(&found.left_out);
        text::note(format_args!("The budget has no room for {left_out}."));
    }
}
