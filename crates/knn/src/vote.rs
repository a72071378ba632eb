//! Turns neighbours into class probabilities: each class gets its share of the votes.

use crate::{search::Neighbour, settings::Weights};

/// Adds up the votes of the neighbours of one image into `shares`, one per class, and
/// scales them to sum to one. Votes are added in the order of the neighbours, in `f64`.
/// `votes` is memory for the sums, reused between calls.
///
/// With [`Weights::Distance`], if there are neighbours at distance 0, only they vote, one
/// vote each, as in scikit-learn.
pub(crate) fn vote(
    neighbours: &[Neighbour],
    labels: &[u16],
    weights: Weights,
    votes: &mut Vec<f64>,
    shares: &mut [f32],
) {
    votes.clear();
    votes.resize(shares.len(), 0.0);
    let exact = neighbours.iter().any(|neighbour| neighbour.distance == 0.0);
    let mut total = 0.0;
    for neighbour in neighbours {
        let weight = match weights {
            Weights::Uniform => 1.0,
            Weights::Distance if exact => f64::from(u8::from(neighbour.distance == 0.0)),
            Weights::Distance => neighbour.distance.recip(),
        };
        votes[usize::from(labels[neighbour.index])] += weight;
        total += weight;
    }
    for (share, vote) in shares.iter_mut().zip(votes) {
        *share = (*vote / total) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(weights: Weights, distances: &[f64]) -> Vec<f32> {
        let labels = [0, 1, 1, 2];
        let neighbours: Vec<_> = distances
            .iter()
            .enumerate()
            .map(|(index, &distance)| Neighbour { index, distance })
            .collect();
        let mut shares = vec![0.0; 4];
        vote(&neighbours, &labels, weights, &mut Vec::new(), &mut shares);
        shares
    }

    #[test]
    fn uniform_votes_count_the_same() {
        assert_eq!(
            shares(Weights::Uniform, &[1.0, 2.0, 3.0, 4.0]),
            [0.25, 0.5, 0.25, 0.0]
        );
    }

    #[test]
    fn nearer_neighbours_weigh_more() {
        // 1/1, 1/2, 1/4, 1/4: together 2.
        assert_eq!(
            shares(Weights::Distance, &[1.0, 2.0, 4.0, 4.0]),
            [0.5, 0.375, 0.125, 0.0]
        );
    }

    #[test]
    fn neighbours_at_distance_zero_share_all_votes() {
        assert_eq!(
            shares(Weights::Distance, &[0.0, 0.0, 1.0, 1.0]),
            [0.5, 0.5, 0.0, 0.0]
        );
    }
}
