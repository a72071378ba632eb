//! The values of one result.

use crate::{MEASURES, Measure, TrialResult};

/// The values of one result, by measure, as far as they are defined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(Vec<(&'static Measure, f64)>);

impl Values {
    /// Takes every value from a result.
    pub fn of(result: &TrialResult<'_>) -> Self {
        let mut values = Self::default();
        for measure in MEASURES {
            values.set(measure, measure.value(result));
        }
        values
    }

    /// One value; `None` where it is undefined or was not measured.
    pub fn get(&self, measure: &Measure) -> Option<f64> {
        let found = self.0.iter().find(|(known, _)| *known == measure)?;
        Some(found.1)
    }

    /// Adds a value that is not known yet; nothing where there is none.
    pub fn set(&mut self, measure: &'static Measure, value: Option<f64>) {
        self.0.extend(value.map(|value| (measure, value)));
    }

    /// Adds the values of another.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// The mean over several results; `None` of none, and as soon as one of them lacks the
    /// value.
    pub fn mean<'v>(results: impl Iterator<Item = &'v Self>, measure: &Measure) -> Option<f64> {
        let values: Vec<f64> = results.map(|of| of.get(measure)).collect::<Option<_>>()?;
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ACCURACY, ERRORS};

    #[test]
    fn a_mean_is_of_results_that_all_have_the_value() {
        let mut first = Values::default();
        first.set(&ACCURACY, Some(0.5));
        first.set(&ERRORS, None);
        let mut second = Values::default();
        second.set(&ACCURACY, Some(1.0));
        second.set(&ERRORS, Some(3.0));
        let mean = |measure| Values::mean([&first, &second].into_iter(), measure);
        assert_eq!((mean(&ACCURACY), mean(&ERRORS)), (Some(0.75), None));
        assert_eq!(Values::mean(std::iter::empty(), &ACCURACY), None);
    }
}
