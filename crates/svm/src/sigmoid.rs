//! From values to probabilities: a sigmoid for each pair of classes, and one distribution out of all pairs.

/// `1 / (1 + exp(slope · value + offset))`: how probable the first class of a pair is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sigmoid {
    pub(crate) slope: f64,
    pub(crate) offset: f64,
}

impl Sigmoid {
    /// The most probable sigmoid for values of which the first ones are those of the first class (Platt 1999), by
    /// Newton's method as Lin, Lin and Weng (2007) give it. Targets are a little inside of 0 and 1, as if
    /// there were one image more of each class.
    pub(crate) fn fit(values: &[f64], firsts: usize) -> Self {
        let (first, second) = (firsts as f64, (values.len() - firsts) as f64);
        let targets = [(first + 1.0) / (first + 2.0), 1.0 / (second + 2.0)];
        let target = |index: usize| targets[usize::from(index >= firsts)];
        let mut found = Self {
            slope: 0.0,
            offset: ((second + 1.0) / (first + 1.0)).ln(),
        };
        let loss = |sigmoid: Self| -> f64 {
            let losses = values.iter().enumerate().map(|(index, &value)| {
                let score = sigmoid.slope * value + sigmoid.offset;
                let target = target(index);
                match score >= 0.0 {
                    true => target * score + (-score).exp().ln_1p(),
                    false => (target - 1.0) * score + score.exp().ln_1p(),
                }
            });
            losses.sum()
        };
        let mut before = loss(found);
        for _ in 0..100 {
            // A ridge keeps the matrix invertible.
            let (mut ss, mut so, mut oo) = (1e-12, 0.0, 1e-12);
            let (mut s, mut o) = (0.0, 0.0);
            for (index, &value) in values.iter().enumerate() {
                let p = found.probability(value);
                let curvature = p * (1.0 - p);
                ss += value * value * curvature;
                so += value * curvature;
                oo += curvature;
                let away = target(index) - p;
                s += value * away;
                o += away;
            }
            if s.abs() < 1e-5 && o.abs() < 1e-5 {
                break;
            }
            let determinant = ss * oo - so * so;
            let step = (
                -(oo * s - so * o) / determinant,
                -(ss * o - so * s) / determinant,
            );
            let descent = s * step.0 + o * step.1;
            let mut size = 1.0;
            let next = loop {
                let next = Self {
                    slope: found.slope + size * step.0,
                    offset: found.offset + size * step.1,
                };
                let after = loss(next);
                if after < before + 1e-4 * size * descent {
                    break Some((next, after));
                }
                size *= 0.5;
                if size < 1e-10 {
                    break None;
                }
            };
            match next {
                Some(next) => (found, before) = next,
                None => break,
            }
        }
        found
    }

    pub(crate) fn probability(self, value: f64) -> f64 {
        let score = self.slope * value + self.offset;
        match score >= 0.0 {
            true => (-score).exp() / (1.0 + (-score).exp()),
            false => 1.0 / (1.0 + score.exp()),
        }
    }
}

/// How near a pair's probability comes to 0 and 1, as in LIBSVM.
const NEAREST: f64 = 1e-7;

/// The distribution over classes that agrees best with the probabilities of all pairs, `pairwise[i·k + j]` that of i
/// against j: the second method of Wu, Lin and Weng (2004), by their algorithm. The diagonal is not read.
pub(crate) fn couple(pairwise: &mut [f64], classes: usize) -> Vec<f64> {
    let at = |row: usize, column: usize| row * classes + column;
    for row in 0..classes {
        for column in row + 1..classes {
            let p = pairwise[at(row, column)].clamp(NEAREST, 1.0 - NEAREST);
            (pairwise[at(row, column)], pairwise[at(column, row)]) = (p, 1.0 - p);
        }
    }
    let others = |row: usize| (0..classes).filter(move |&column| column != row);
    let mut matrix = vec![0.0; classes * classes];
    for row in 0..classes {
        for column in others(row) {
            let other = pairwise[at(column, row)];
            matrix[at(row, row)] += other * other;
            matrix[at(row, column)] = -other * pairwise[at(row, column)];
        }
    }
    let mut found = vec![1.0 / classes as f64; classes];
    let mut products = vec![0.0; classes];
    let tolerance = 0.005 / classes as f64;
    for _ in 0..classes.max(100) {
        let mut total = 0.0;
        for (row, product) in products.iter_mut().enumerate() {
            let row = &matrix[at(row, 0)..][..classes];
            *product = row.iter().zip(&found).map(|(value, p)| value * p).sum();
        }
        for (p, product) in found.iter().zip(&products) {
            total += p * product;
        }
        let worst = products.iter().map(|product| (product - total).abs());
        if worst.fold(0.0, f64::max) < tolerance {
            break;
        }
        for row in 0..classes {
            let own = matrix[at(row, row)];
            let step = (total - products[row]) / own;
            found[row] += step;
            let scale = 1.0 + step;
            total = (total + step * (step * own + 2.0 * products[row])) / scale / scale;
            for column in 0..classes {
                products[column] = (products[column] + step * matrix[at(row, column)]) / scale;
                found[column] /= scale;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sigmoid_is_found_again() {
        // Values whose shares of the first class follow a known sigmoid.
        let known = Sigmoid {
            slope: -2.0,
            offset: 0.3,
        };
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for step in -40..=40 {
            let value = f64::from(step) / 20.0;
            let share = (1000.0 * known.probability(value)).round() as usize;
            first.extend(vec![value; share]);
            second.extend(vec![value; 1000 - share]);
        }
        let firsts = first.len();
        first.extend(second);
        let found = Sigmoid::fit(&first, firsts);
        assert!((found.slope - known.slope).abs() < 0.01, "{found:?}");
        assert!((found.offset - known.offset).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn pairs_that_come_from_a_distribution_give_it_back() {
        let expected = [0.5, 0.3, 0.15, 0.05];
        let mut pairwise: Vec<f64> = (0..16)
            .map(|at| expected[at / 4] / (expected[at / 4] + expected[at % 4]))
            .collect();
        for (found, expected) in couple(&mut pairwise, 4).into_iter().zip(expected) {
            assert!((found - expected).abs() < 2e-3, "{found} {expected}");
        }
    }

    #[test]
    fn values_of_one_kind_do_no_harm() {
        for values in [vec![0.0; 4], vec![1e9, 1e9, -1e9, -1e9]] {
            let found = Sigmoid::fit(&values, 2);
            assert!(found.slope.is_finite() && found.offset.is_finite());
        }
    }
}
