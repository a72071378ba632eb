//! The ranked summary of a run, and its two machine-readable forms.
//!
//! A row is plain numbers in base units, for programs; views write them for people. What
//! was not measured is null in JSON and empty in CSV, and never zero, so that a failed
//! trial cannot be averaged by mistake.

use std::borrow::Cow;

use bakeoff_core::cell_of_text;
use bakeoff_measures::{
    ACCURACY, CORRUPTED_ACCURACY, FIT_TIME, LATENCY_P50, MEAN_CORRUPTION_ERROR, MEMORY, Measure,
    PEAK_MEMORY, Shown, TEST_SAMPLES, Values,
    timing::{Disturbances, Range},
};
use bakeoff_metrics::{Interval, Metric, TooFew};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::{
    ReportError,
    analysis::{
        Analysis, Group, Trial, descending,
        significance::{Claim, HEADLINES},
    },
    caution::{cautions, has_external, missing},
    timing,
};

pub use crate::results::Status;

/// One trial.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderboardRow {
    /// The name the user gave the model.
    pub model: String,
    /// Its family.
    pub family: String,
    /// The engine within the family.
    pub engine: String,
    /// The dataset's name.
    pub dataset: String,
    /// Seed of the fit.
    pub seed: u64,
    /// How the trial stands.
    pub status: Status,
    /// Why there are no measurements.
    pub reason: Option<String>,
    /// Every measure, as far as it is defined. Those of corrupted images are means over
    /// the model's seeds.
    pub values: Values,
    /// 95 % intervals of headline scores for other test samples, or what there is too little
    /// of for one.
    pub intervals: Vec<(Metric, Result<Interval, TooFew>)>,
    /// Whether it answers without looking at the image; it wins nothing.
    pub is_baseline: bool,
    /// Whether another program trained it: its predictions were imported, and its costs are what its
    /// author says, not measured here.
    pub is_external: bool,
    /// The score that the models of its dataset are ranked and compared by.
    pub ranked_by: &'static Measure,
    /// Whether its model is the best one by that score on this dataset, or not significantly
    /// different from it: a paired test on the test samples, corrected for all pairs of
    /// models (Holm), at 5 %. The same for all seeds of a model.
    pub tied_with_best: Option<bool>,
    /// Whether that is about the recipe, or about this one fit of it.
    pub claim: Option<Claim>,
    /// Standard deviation of the accuracy over the seeds of its model, where it has
    /// several. The intervals of a trial do not include it: they are about the test samples.
    pub accuracy_seed_deviation: Option<f64>,
    /// The ranges of times, in the units of their measures.
    pub ranges: Vec<(&'static Measure, Range)>,
    /// How many fits its fit time is the median of.
    pub fits_timed: Option<usize>,
    /// Which of its times other programs disturbed.
    pub disturbed: Disturbances,
    /// The trial's id.
    pub trial: String,
}

/// Every planned trial: by dataset in the order of the run, within it by the score that its models are ranked by,
/// best first; then those that failed, then those without a record.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Leaderboard {
    /// The trials.
    pub rows: Vec<LeaderboardRow>,
    /// What must be known before accuracies are trusted, in sentences: dataset and words.
    #[serde(skip)]
    pub cautions: Vec<(String, String)>,
    /// What must be known of costs, in the same form.
    #[serde(skip)]
    pub disturbances: Vec<(String, String)>,
    /// How many trials of the run have no record, and how to get them.
    #[serde(skip)]
    pub missing: Option<String>,
    /// Whether a model of another program is among them.
    #[serde(skip)]
    pub external: bool,
}

/// Times whose ranges are in the files: those that models are compared by.
pub(crate) const RANGES: [&Measure; 2] = [&FIT_TIME, &LATENCY_P50];

/// The measures that a place shows, as far as a run has them: runs of earlier versions have the
/// peak of the whole process in the place of the memory of the model.
pub(crate) fn shown_columns(
    place: Shown,
    is_known: impl Fn(&Measure) -> bool,
) -> Vec<&'static Measure> {
    let instead = !is_known(&MEMORY) && is_known(&PEAK_MEMORY);
    Measure::shown_in(place)
        .map(|measure| match *measure == MEMORY && instead {
            true => &PEAK_MEMORY,
            false => measure,
        })
        .collect()
}

impl LeaderboardRow {
    fn new(group: &Group<'_>, entry: usize, trial: &Trial<'_>) -> Self {
        let planned = trial.planned;
        let spec = &planned.trial.spec;
        let mut row = Self {
            model: planned.trial.model.clone(),
            family: spec.family.clone(),
            engine: spec.engine.clone(),
            dataset: planned.trial.data.name.clone(),
            seed: planned.trial.seed,
            status: trial.fate.status(),
            reason: trial.fate.reason().map(str::to_owned),
            values: Values::default(),
            intervals: Vec::new(),
            is_baseline: group.entries[entry].is_baseline(),
            is_external: group.entries[entry].external().is_some(),
            ranked_by: group.headline,
            tied_with_best: None,
            claim: None,
            accuracy_seed_deviation: None,
            ranges: Vec::new(),
            fits_timed: None,
            disturbed: Disturbances::default(),
            trial: planned.id.clone(),
        };
        if let Some(corrupted) = group.robustness.as_ref().and_then(|r| r.of_entry(entry)) {
            let values = &mut row.values;
            values.set(&CORRUPTED_ACCURACY, Some(corrupted.mean));
            values.set(&MEAN_CORRUPTION_ERROR, corrupted.error);
        }
        if let Some(success) = trial.success() {
            row.values.extend(&success.values);
            let costs = &success.measured.costs;
            let ranges = RANGES.map(|measure| Some((measure, success.range_of(measure)?)));
            row.ranges = ranges.into_iter().flatten().collect();
            let is_timed = !row.is_external && !success.measured.trained_elsewhere;
            row.fits_timed = is_timed.then_some(costs.fits.len().max(1));
            row.disturbed = Disturbances::of(costs);
            row.intervals = group.significance.of_trial(&planned.id).to_vec();
            if let Some(model) = group.significance.of_entry(entry) {
                let accuracy = model.score(Metric::Accuracy);
                row.tied_with_best = Some(model.tied_with_best);
                row.claim = Some(model.claim);
                row.accuracy_seed_deviation = accuracy
                    .and_then(|score| score.seeds)
                    .map(|seeds| seeds.deviation);
            }
        }
        row
    }

    /// The 95 % interval of a headline score.
    pub fn interval(&self, metric: Metric) -> Option<Interval> {
        self.interval_or_reason(metric)?.ok()
    }

    /// Why a headline score has no interval; `None` where it has one, or is undefined.
    pub fn no_interval(&self, metric: Metric) -> Option<TooFew> {
        self.interval_or_reason(metric)?.err()
    }

    fn interval_or_reason(&self, metric: Metric) -> Option<Result<Interval, TooFew>> {
        let found = self.intervals.iter().find(|(known, _)| *known == metric)?;
        Some(found.1)
    }

    /// The range of a time.
    pub fn range(&self, measure: &Measure) -> Option<Range> {
        let found = self.ranges.iter().find(|(known, _)| *known == measure)?;
        Some(found.1)
    }

    /// Whether other programs disturbed a time.
    pub(crate) fn is_disturbed(&self, measure: &Measure) -> bool {
        self.disturbed.of_measure(measure) == Some(true)
    }

    /// A measure in words, or a dash.
    pub(crate) fn text(&self, measure: &Measure) -> String {
        measure.write_or_dash(self.values.get(measure), self.samples())
    }

    /// Test samples, by which the digits of percentages are chosen.
    pub(crate) fn samples(&self) -> usize {
        self.values
            .get(&TEST_SAMPLES)
            .map_or(0, |samples| samples as usize)
    }

    /// The keys of `leaderboard.json` and columns of `leaderboard.csv`, in order.
    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        let mut fields: Vec<(Cow<'static, str>, Value)> = vec![
            ("model".into(), json!(self.model)),
            ("family".into(), json!(self.family)),
            ("engine".into(), json!(self.engine)),
            ("dataset".into(), json!(self.dataset)),
            ("seed".into(), json!(self.seed)),
            ("status".into(), json!(self.status)),
            ("reason".into(), json!(self.reason)),
        ];
        for measure in Measure::shown_in(Shown::LeaderboardFiles) {
            let value = self.values.get(measure);
            let number = match measure.unit.is_whole() {
                true => json!(value.map(|value| value as u64)),
                false => json!(value),
            };
            fields.push((measure.id.into(), number));
            if let Some(metric) = measure.metric.filter(|m| HEADLINES.contains(m)) {
                let (low, high) = self.interval(metric).map(|i| (i.low, i.high)).unzip();
                fields.push((format!("{}_low", measure.id).into(), json!(low)));
                fields.push((format!("{}_high", measure.id).into(), json!(high)));
                let reason = self.no_interval(metric);
                fields.push((format!("{}_no_interval", measure.id).into(), json!(reason)));
            }
            if RANGES.contains(&measure) {
                let (low, high) = self.range(measure).map(|r| (r.low, r.high)).unzip();
                fields.push((format!("{}_low", measure.id).into(), json!(low)));
                fields.push((format!("{}_high", measure.id).into(), json!(high)));
            }
            if measure == &ACCURACY {
                let deviation = self.accuracy_seed_deviation;
                fields.push(("ranked_by".into(), json!(self.ranked_by.id)));
                fields.push(("is_baseline".into(), json!(self.is_baseline)));
                fields.push(("is_external".into(), json!(self.is_external)));
                fields.push(("tied_with_best".into(), json!(self.tied_with_best)));
                fields.push(("claim".into(), json!(self.claim)));
                fields.push(("accuracy_seed_deviation".into(), json!(deviation)));
            }
        }
        fields.extend([
            ("fits_timed".into(), json!(self.fits_timed)),
            ("fit_disturbed".into(), json!(self.disturbed.fit)),
            ("predict_disturbed".into(), json!(self.disturbed.batch)),
            ("latency_disturbed".into(), json!(self.disturbed.latency)),
        ]);
        fields.push(("trial".into(), json!(self.trial)));
        fields
    }
}

impl Serialize for LeaderboardRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields())
    }
}

impl Leaderboard {
    /// The rows of every trial, ranked.
    pub(crate) fn new(analysis: &Analysis<'_>) -> Self {
        let mut ranked = Vec::new();
        for group in &analysis.groups {
            let mut rows: Vec<(usize, LeaderboardRow)> = Vec::new();
            for (entry, of) in group.entries.iter().enumerate() {
                rows.extend(of.trials.iter().map(|trial| {
                    let row = LeaderboardRow::new(group, entry, trial);
                    (trial.planned.index, row)
                }));
            }
            rows.sort_by(|(i, a), (j, b)| {
                a.status
                    .cmp(&b.status)
                    .then(a.is_baseline.cmp(&b.is_baseline))
                    .then(descending(
                        a.values.get(group.headline),
                        b.values.get(group.headline),
                    ))
                    .then(i.cmp(j))
            });
            ranked.extend(rows.into_iter().map(|(_, row)| row));
        }
        let of_group = |group: &Group<'_>| {
            let name = group.name.to_owned();
            cautions(group)
                .into_iter()
                .map(move |words| (name.clone(), words))
        };
        let disturbed = analysis
            .groups
            .iter()
            .filter_map(|group| Some((group.name.to_owned(), timing::cautions(group)?)));
        Self {
            rows: ranked,
            cautions: analysis.groups.iter().flat_map(of_group).collect(),
            disturbances: disturbed.collect(),
            missing: missing(analysis.run),
            external: analysis.groups.iter().any(has_external),
        }
    }

    /// `leaderboard.json`: an array of objects.
    ///
    /// # Errors
    /// When a number cannot be written; a leaderboard of a run has none such.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// `leaderboard.csv`: a line of names, then one line per trial (RFC 4180, with
    /// plain newlines). A text that a spreadsheet would take for a formula has an apostrophe before it.
    ///
    /// # Errors
    /// When a row cannot be written; a leaderboard of a run has none such.
    pub fn to_csv(&self) -> Result<String, ReportError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for (place, row) in self.rows.iter().enumerate() {
            let fields = row.fields();
            if place == 0 {
                writer.write_record(fields.iter().map(|(name, _)| name.as_ref()))?;
            }
            writer.write_record(fields.into_iter().map(|(_, value)| match value {
                Value::Null => String::new(),
                Value::String(text) => cell_of_text(&text).into_owned(),
                other => other.to_string(),
            }))?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| ReportError::Csv(error.into_error().into()))?;
        // Every field is a `String`.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
