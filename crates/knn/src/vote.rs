//! Turns neighbours into class probabilities: each class gets its share of the votes.

use crate::{
    search::Neighbour,
    settings::{Ties, Weights},
};

/// Adds up the votes of the neighbours of one image into `shares`, one per class, and
/// scales them to sum to one. Votes are added in the order of the neighbours, in `f64`.
/// `votes` is memory for the sums, reused between calls.
///
/// `smoothing` votes for every class are added to those of the neighbours, who have one vote each
/// on average. (The mean of a Dirichlet posterior with that prior; P. Laplace's rule of succession
/// is 1.)
///
/// With [`Ties::Nearest`] each neighbour has a little more than its vote, 2⁻¹¹ for the nearest and half as much for each
/// that follows: together less than a vote, and that of one more than those of all farther ones. So it
/// decides between classes with as many votes and nothing else where each neighbour has one.
///
/// With [`Weights::Distance`], if there are neighbours at distance 0, only they vote, one
/// vote each, as in scikit-learn.
pub(crate) fn vote(
    neighbours: &[Neighbour],
    labels: &[u16],
    (weights, smoothing, ties): (Weights, f64, Ties),
    votes: &mut Vec<f64>,
    shares: &mut [f32],
) {
    votes.clear();
    votes.resize(shares.len(), 0.0);
    let exact = neighbours.iter().any(|neighbour| neighbour.distance == 0.0);
    let mut total = 0.0;
    let mut more = match ties {
        Ties::LowestClass => 0.0,
        Ties::Nearest => 2.0_f64.powi(-11),
    };
    for neighbour in neighbours {
        let weight = match weights {
            Weights::Uniform => 1.0,
            Weights::Distance if exact => f64::from(u8::from(neighbour.distance == 0.0)),
            Weights::Distance => neighbour.distance.recip(),
        };
        let weight = weight * (1.0 + more);
        more *= 0.5;
        votes[usize::from(labels[neighbour.index])] += weight;
        total += weight;
    }
    if smoothing > 0.0 {
        let each = neighbours.len() as f64 / total;
        total = neighbours.len() as f64 + smoothing * votes.len() as f64;
        votes
            .iter_mut()
            .for_each(|vote| *vote = *vote * each + smoothing);
    }
    for (share, vote) in shares.iter_mut().zip(votes) {
        *share = (*vote / total) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(weights: Weights, distances: &[f64]) -> Vec<f32> {
        smoothed((weights, 0.0), distances)
    }

    fn smoothed((weights, smoothing): (Weights, f64), distances: &[f64]) -> Vec<f32> {
        let labels = [0, 1, 1, 2];
        let neighbours: Vec<_> = distances
            .iter()
            .enumerate()
            .map(|(index, &distance)| Neighbour { index, distance })
            .collect();
        let mut shares = vec![0.0; 4];
        let how = (weights, smoothing, Ties::LowestClass);
        vote(&neighbours, &labels, how, &mut Vec::new(), &mut shares);
        shares
    }

    #[test]
    fn the_nearest_neighbour_decides_ties_and_nothing_else() {
        let predicted = |labels: &[u16], weights: Weights| {
            let neighbours: Vec<_> = (0..labels.len())
                .map(|index| Neighbour {
                    index,
                    distance: 1.0,
                })
                .collect();
            let mut shares = vec![0.0; 4];
            let how = (weights, 0.0, Ties::Nearest);
            vote(&neighbours, labels, how, &mut Vec::new(), &mut shares);
            let largest = shares.iter().copied().fold(0.0, f32::max);
            assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            shares.iter().position(|&share| share == largest).unwrap()
        };
        for weights in [Weights::Uniform, Weights::Distance] {
            assert_eq!(predicted(&[3, 0, 1], weights), 3);
            // Between those that are tied: the nearest one of all is no reason.
            assert_eq!(predicted(&[0, 3, 1, 1, 3], weights), 3);
            // One vote more is more, however far.
            assert_eq!(predicted(&[3, 3, 0, 0, 0], weights), 0);
        }
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
    fn smoothing_adds_a_vote_for_every_class() {
        // (1, 2, 1, 0) votes and one more for each of four classes.
        assert_eq!(
            smoothed((Weights::Uniform, 1.0), &[1.0, 2.0, 3.0, 4.0]),
            [0.25, 0.375, 0.25, 0.125]
        );
        // Shares 1/2, 3/8, 1/8, 0 of four votes, whatever the unit of the distances.
        for unit in [1.0, 1000.0] {
            let distances = [1.0, 2.0, 4.0, 4.0].map(|d| d * unit);
            assert_eq!(
                smoothed((Weights::Distance, 1.0), &distances),
                [0.375, 0.3125, 0.1875, 0.125]
            );
        }
    }

    #[test]
    fn neighbours_at_distance_zero_share_all_votes() {
        assert_eq!(
            shares(Weights::Distance, &[0.0, 0.0, 1.0, 1.0]),
            [0.5, 0.5, 0.0, 0.0]
        );
    }
}
