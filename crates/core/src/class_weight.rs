//! How much the samples of a class weigh in a loss.

crate::choices! {
    /// How much the samples of a class weigh.
    #[derive(Default)]
    pub enum ClassWeight {
        /// All samples alike.
        #[default]
        None = "none",
        /// All classes alike: a sample weighs samples / (classes × samples of its class), where
        /// only classes that occur are counted. The weights of all samples sum to their number.
        /// scikit-learn's `class_weight="balanced"`; King and Zeng, "Logistic Regression in Rare
        /// Events Data" (2001).
        Balanced = "balanced",
    }
}

impl ClassWeight {
    /// The weight of each class, of which `counts` says how many samples it has; empty where all
    /// weigh the same. A class without samples weighs nothing.
    pub fn of_classes(self, counts: &[usize]) -> Vec<f64> {
        match self {
            Self::None => Vec::new(),
            Self::Balanced => {
                let samples: usize = counts.iter().sum();
                let occurring = counts.iter().filter(|&&count| count > 0).count();
                let weight = |&count: &usize| match count {
                    0 => 0.0,
                    count => samples as f64 / (occurring * count) as f64,
                };
                counts.iter().map(weight).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        // compute_class_weight("balanced", classes=[0, 1, 3], y=[0] * 6 + [1] * 3 + [3]).
        let weights = ClassWeight::Balanced.of_classes(&[6, 3, 0, 1]);
        let expected = [
            0.555_555_555_555_555_6,
            1.111_111_111_111_111_2,
            0.0,
            3.333_333_333_333_333_5,
        ];
        assert_eq!(weights, expected);
        assert!(ClassWeight::None.of_classes(&[6, 3]).is_empty());
    }
}
