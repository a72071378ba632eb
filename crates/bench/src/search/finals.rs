//! The models that a search ends with.

use bakeoff_core::{
    ModelSpec,
    record::{Chosen, Tried},
};
use serde_json::Value;

use super::scores::{Candidate, Known, families, ranked};
use crate::experiment::ModelEntry;

/// A headline trial also reads the data, answers the test part and single images, and is saved: seconds.
const AROUND_A_FIT: f64 = 2.5;
/// It is fitted up to four times more for its time, within so many seconds.
const REPEATS: (f64, f64) = (4.0, 2.0);
/// What a trial of the search takes besides its fit.
const AROUND_A_TRIAL: f64 = 1.0;
/// A fit takes so much longer than images times time for an image say: caches hold less of more images.
const MARGIN: f64 = 1.15;
/// The share of what is left that is kept for the defaults of the best family, at most.
const MOST_KEPT: f64 = 0.25;
/// Epochs are cut to at least this share of what was tried; with fewer it would be another recipe.
const LEAST_EPOCHS: f64 = 0.4;

/// What the finals have room for.
pub(super) struct Room {
    /// Training images of a headline trial.
    pub(super) images: usize,
    /// Seconds that are left; `None` where trials are counted.
    pub(super) seconds: Option<f64>,
}

/// The models of the run, with what was found for each family and what had no room.
pub(super) struct Finals {
    pub(super) models: Vec<ModelEntry>,
    /// The candidate that each of them was, by name.
    pub(super) candidates: Vec<String>,
    pub(super) chosen: Vec<Chosen>,
    pub(super) left_out: Vec<String>,
    /// What the models will take.
    seconds: f64,
}

/// What a headline trial of a recipe will take.
fn expected_seconds(tried: &Tried, images: usize) -> f64 {
    let each = tried.seconds / tried.trials.max(1) as f64;
    let fit = (each - AROUND_A_TRIAL).max(0.1);
    let work = |images: usize| passes(&tried.spec, images) * images.max(1) as f64;
    let fit = MARGIN * fit * work(images) / work(tried.train_samples);
    AROUND_A_FIT + (REPEATS.0 * fit).min(REPEATS.1) + fit
}

/// How often a fit goes over so many images: its epochs. `auto` is ten, and more where that would be less than
/// `steps` steps; it may end earlier, which is not counted on.
fn passes(spec: &ModelSpec, images: usize) -> f64 {
    const LEAST: u64 = 10;
    let setting = |key| spec.settings.get(key);
    let whole = |key| setting(key).and_then(Value::as_u64);
    if let Some(epochs) = whole("epochs") {
        return epochs as f64;
    }
    match (setting("epochs"), whole("steps"), whole("batch_size")) {
        (Some(_), Some(steps), Some(batch)) => {
            let of_an_epoch = (images as u64).div_ceil(batch.max(1)).max(1);
            steps.div_ceil(of_an_epoch).max(LEAST) as f64
        }
        _ => 1.0,
    }
}

/// What the headline trials of all that is known would take: the defaults and the best of each family.
pub(super) fn all_seconds(known: &[Known], images: usize) -> f64 {
    let room = Room {
        images,
        seconds: Some(f64::MAX),
    };
    choose(known, room).seconds
}

/// Chooses: first the best recipe of all, then the defaults and the best recipes of the families, the
/// better families first, as long as there is room.
pub(super) fn choose(known: &[Known], mut room: Room) -> Finals {
    let mut finals = Finals {
        models: Vec::new(),
        candidates: Vec::new(),
        chosen: Vec::new(),
        left_out: Vec::new(),
        seconds: 0.0,
    };
    let order = ranked(known);
    for (rank, family) in families(known).into_iter().enumerate() {
        let own = || {
            let known = order.iter().copied();
            known.filter(|known| known.candidate.spec.family == family)
        };
        let default = own().find(|known| known.candidate.is_default);
        let best = own().next().filter(|known| !known.candidate.is_default);
        let name = format!("{family}-tuned");
        let mut tuned = false;
        if rank == 0 {
            // What the defaults of its family need is kept for them, so that it can be said what the search
            // brought.
            let kept = default.and_then(Known::last);
            let kept = kept.map_or(0.0, |tried| expected_seconds(tried, room.images));
            let kept = match room.seconds {
                Some(left) if kept <= MOST_KEPT * left => kept,
                _ => 0.0,
            };
            room.keep(kept);
            tuned = best.is_some_and(|known| finals.take(known, &name, &mut room, true));
            room.keep(-kept);
        }
        let default =
            default.filter(|known| finals.take(known, family, &mut room, rank == 0 && !tuned));
        if rank > 0 {
            tuned = best.is_some_and(|known| finals.take(known, &name, &mut room, false));
        }
        finals.chosen.push(Chosen {
            family: family.to_owned(),
            default: default.map(|_| family.to_owned()),
            tuned: tuned.then_some(name),
        });
    }
    finals
}

impl Room {
    fn keep(&mut self, kept: f64) {
        if let Some(seconds) = &mut self.seconds {
            *seconds -= kept;
        }
    }
}

impl Finals {
    /// Adds a model if there is room for it. An important one may be cut to fewer epochs.
    fn take(&mut self, known: &Known, name: &str, room: &mut Room, important: bool) -> bool {
        let Some(tried) = known.last() else {
            return false;
        };
        let mut candidate = known.candidate.clone();
        let expected = expected_seconds(tried, room.images);
        let mut taken = expected;
        if let Some(left) = &mut room.seconds {
            if expected > *left {
                let cut = important.then(|| fewer_epochs(&candidate, expected, *left));
                let Some((shorter, seconds)) = cut.flatten() else {
                    let left_out = format!("{name} (about {expected:.0} s)");
                    self.left_out.push(left_out);
                    return false;
                };
                (candidate, taken) = (shorter, seconds);
            }
            *left -= taken;
        }
        self.seconds += taken;
        self.candidates.push(candidate.name);
        self.models.push(ModelEntry {
            name: name.to_owned(),
            spec: candidate.spec,
            calibration: None,
        });
        true
    }
}

/// The same recipe with as many epochs as there is time for, and what it takes.
fn fewer_epochs(candidate: &Candidate, expected: f64, left: f64) -> Option<(Candidate, f64)> {
    let epochs = candidate.spec.settings.get("epochs")?.as_u64()? as f64;
    let share = (left - AROUND_A_FIT) / (expected - AROUND_A_FIT);
    let fewer = (share * epochs).floor();
    if fewer < (LEAST_EPOCHS * epochs).max(1.0) {
        return None;
    }
    let mut shorter = candidate.clone();
    let settings = &mut shorter.spec.settings;
    settings.insert("epochs".into(), Value::from(fewer as u64));
    let seconds = AROUND_A_FIT + (expected - AROUND_A_FIT) * fewer / epochs;
    Some((shorter, seconds))
}
