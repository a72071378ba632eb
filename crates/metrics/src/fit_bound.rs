//! Whether an image looks like none of the classes, by the score of its best class.
//!
//! The softmax says which class fits best, not whether one fits: a letter shown to a network of digits
//! has a digit of high probability. The score before the softmax tells more (the *maximum logit* of
//! D. Hendrycks et al., "Scaling out-of-distribution detection for real-world settings", ICML 2022).
//! It is compared with the scores of held-out images that got the same answer, because classes differ
//! in how high they go. Distances to the training images in the last hidden layer found fewer letters and scribbles
//! at the same rate of false alarms, distances between pixels more, but would need the images.

use bakeoff_core::Probabilities;
use serde::{Deserialize, Serialize};

/// The share of held-out images that fit worse than a [`FitBound`] allows.
const SHARE: f64 = 0.01;

/// For each class the score that nearly all held-out images with that answer reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitBound {
    /// The share of these images that do not reach it.
    pub share: f64,
    /// One for each class; `None` for a class that too few of the images were given.
    pub least: Vec<Option<f32>>,
}

impl FitBound {
    /// From the answers to images that the model was not trained on and, for each image, the score
    /// of its answer before the softmax. `None` where no class has enough answers to tell.
    pub fn of(answers: &Probabilities, scores: &[f32]) -> Option<Self> {
        let mut by_class = vec![Vec::new(); answers.classes()];
        for (class, &score) in answers.predicted().into_iter().zip(scores) {
            by_class[usize::from(class)].push(score);
        }
        let least: Vec<Option<f32>> = by_class
            .into_iter()
            .map(|mut scores| {
                scores.sort_by(f32::total_cmp);
                let below = (scores.len() as f64 * SHARE) as usize;
                (below > 0).then(|| scores[below])
            })
            .collect();
        let known = least.iter().any(Option::is_some);
        known.then_some(Self {
            share: SHARE,
            least,
        })
    }

    /// Whether a score is so low that perhaps no class fits.
    pub fn is_missed(&self, class: u16, score: f32) -> bool {
        let least = self.least.get(usize::from(class)).copied().flatten();
        least.is_some_and(|least| score < least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred_of_the_held_out_images_is_below() {
        // 200 answers of class 0 with scores 0..200 in some order, 99 of class 1.
        let scores: Vec<f32> = (0..299_u16).map(|at| f32::from(at * 37 % 200)).collect();
        let rows = (0..299).flat_map(|at| if at < 200 { [0.75, 0.25] } else { [0.25, 0.75] });
        let answers = Probabilities::new(2, rows.collect()).unwrap();
        let bound = FitBound::of(&answers, &scores).unwrap();
        assert_eq!(bound.least, [Some(2.0), None], "99 answers are too few");
        assert!(bound.is_missed(0, 1.9) && !bound.is_missed(0, 2.0));
        assert!(!bound.is_missed(1, -1e9) && !bound.is_missed(7, -1e9));
        let below = scores[..200]
            .iter()
            .filter(|score| bound.is_missed(0, **score));
        assert_eq!(below.count(), 2);
    }

    #[test]
    fn few_images_give_no_bound() {
        let answers = Probabilities::new(2, vec![0.75, 0.25]).unwrap();
        assert_eq!(FitBound::of(&answers, &[3.0]), None);
    }
}
