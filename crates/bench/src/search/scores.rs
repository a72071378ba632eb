//! What is known of the recipes that were tried.

use bakeoff_core::{ModelSpec, Settings, record::Tried};
use bakeoff_search::{Seen, Space};

/// A recipe to try.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) spec: ModelSpec,
    /// Whether it has its family's defaults.
    pub(super) is_default: bool,
}

/// A score: accuracy, and among equals the lower log loss.
pub(super) type Score = (f64, f64);

/// Which of two is better first.
pub(super) fn better_first(a: Score, b: Score) -> std::cmp::Ordering {
    b.0.total_cmp(&a.0).then(a.1.total_cmp(&b.1))
}

/// A candidate with what is known of it: what its trials on the smaller and on the larger share say.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) candidate: Candidate,
    pub(super) small: Option<Tried>,
    pub(super) large: Option<Tried>,
}

/// The score of a candidate that did not fail.
pub(super) fn score(tried: &Tried) -> Option<Score> {
    Some((tried.accuracy?, tried.log_loss.unwrap_or(f64::INFINITY)))
}

impl Known {
    /// The score on the larger share. Where there is none it is expected: its errors on the smaller share
    /// become fewer by the same factor as those of others.
    fn expected(&self, gain: f64) -> Option<Score> {
        if let Some(large) = self.large.as_ref().and_then(score) {
            return Some(large);
        }
        let (accuracy, log_loss) = self.small.as_ref().and_then(score)?;
        Some((1.0 - (1.0 - accuracy) * gain, log_loss * gain))
    }

    /// What the trial on the most images says that did not fail.
    pub(super) fn last(&self) -> Option<&Tried> {
        let of_both = [&self.large, &self.small].into_iter().flatten();
        of_both.into_iter().find(|tried| tried.accuracy.is_some())
    }
}

/// By which factor errors are fewer on the larger share, the geometric mean over the candidates that were
/// tried on both.
fn gain(known: &[Known]) -> f64 {
    /// Of no errors a ratio says nothing.
    const LEAST: f64 = 1e-4;
    let ratio = |known: &Known| {
        let error = |tried: &Option<Tried>| Some((1.0 - tried.as_ref()?.accuracy?).max(LEAST));
        Some((error(&known.large)? / error(&known.small)?).ln())
    };
    let ratios: Vec<f64> = known.iter().filter_map(ratio).collect();
    match ratios.len() {
        0 => 1.0,
        count => (ratios.iter().sum::<f64>() / count as f64).exp(),
    }
}

/// All candidates that did not fail, the best first; among equals the earlier.
pub(super) fn ranked(known: &[Known]) -> Vec<&Known> {
    let gain = gain(known);
    let mut ranked: Vec<(&Known, Score)> = known
        .iter()
        .filter_map(|known| Some((known, known.expected(gain)?)))
        .collect();
    ranked.sort_by(|(_, a), (_, b)| better_first(*a, *b));
    ranked.into_iter().map(|(known, _)| known).collect()
}

/// The families of the candidates that did not fail, in the order of their best ones.
pub(super) fn families(known: &[Known]) -> Vec<&str> {
    let mut families: Vec<&str> = Vec::new();
    for known in ranked(known) {
        let family = known.candidate.spec.family.as_str();
        if !families.contains(&family) {
            families.push(family);
        }
    }
    families
}

/// What a proposal for a family is made from: its candidates on the smaller share.
pub(super) fn seen(known: &[Known], space: &Space) -> Vec<Seen> {
    let of_family = known
        .iter()
        .filter(|known| known.candidate.spec.family == space.family);
    of_family
        .filter_map(|known| {
            let (accuracy, log_loss) = score(known.small.as_ref()?)?;
            Some(Seen {
                settings: all_settings(&known.candidate.spec),
                // A share of an image, so that it decides among equals alone.
                score: accuracy - 1e-9 * log_loss.min(1e3),
            })
        })
        .collect()
}

/// The settings of a recipe, also those that are left out of it while they have their defaults.
fn all_settings(spec: &ModelSpec) -> Settings {
    let mut settings = spec.settings.clone();
    if let Ok(family) = bakeoff_zoo::family(&spec.family) {
        for setting in family.settings() {
            settings
                .entry(setting.key.to_owned())
                .or_insert_with(setting.default);
        }
    }
    settings
}
