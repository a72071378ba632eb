//! Softmax and cross-entropy of a block of scores, classes × images.
//!
//! Plain loops over the images of one class, which the compiler vectorises for the
//! instruction set of the calling kernel. The standard library's exponential is a function
//! call for each number and would cost as much as a product.

use super::block::BLOCK;

/// Below this, `exp` is smaller than the smallest normal number of single precision.
const UNDERFLOW: f32 = -87.0;

/// `exp(x)` for `x <= 0`, to 2 units in the last place; 0 below −87.
///
/// The method of Cephes' `expf`: `x = n ln 2 + r`, a polynomial of `r`, and `n` added
/// to the exponent. Multiply and add are separate operations, so that the bits do not
/// depend on whether the processor can fuse them.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding this rounds to a whole number and leaves it in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Unlike `f32::max`, this keeps NaN.
    let clamped = if x < UNDERFLOW { UNDERFLOW } else { x };
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (clamped - n * LN_2_HIGH) - n * LN_2_LOW;
    let p = 1.987_569_2e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    let two_to_n = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    if x < UNDERFLOW { 0.0 } else { p * two_to_n }
}

/// Replaces the scores of `count` images by `exp(score − top)`, where `top` is an image's
/// largest score; writes each image's sum of them and its `top`.
#[inline(always)]
pub(super) fn exponentials(
    scores: &mut [f32],
    sums: &mut [f32; BLOCK],
    tops: &mut [f32; BLOCK],
    count: usize,
) {
    let (sums, tops) = (&mut sums[..count], &mut tops[..count]);
    tops.fill(f32::NEG_INFINITY);
    sums.fill(0.0);
    for row in scores.chunks_exact(BLOCK) {
        for (top, &score) in tops.iter_mut().zip(row) {
            // Unlike `f32::max`, this is one instruction.
            *top = if score > *top { score } else { *top };
        }
    }
    for row in scores.chunks_exact_mut(BLOCK) {
        for ((score, sum), &top) in row.iter_mut().zip(sums.iter_mut()).zip(&*tops) {
            *score = exp(*score - top);
            *sum += *score;
        }
    }
}

/// As [`errors`], with the weight of each class: errors and cross-entropies are multiplied by it.
#[inline(always)]
pub(super) fn weighted_errors(scores: &mut [f32], targets: &[u16], weights: &[f64]) -> f64 {
    let count = targets.len();
    let (mut sums, mut tops) = ([0.0; BLOCK], [0.0; BLOCK]);
    let mut factors = [0.0; BLOCK];
    let mut loss = 0.0;
    for (picture, (&target, factor)) in targets.iter().zip(&mut factors).enumerate() {
        *factor = weights[usize::from(target)];
        loss -= *factor * f64::from(scores[usize::from(target) * BLOCK + picture]);
    }
    exponentials(scores, &mut sums, &mut tops, count);
    for (factor, (&sum, &top)) in factors[..count].iter().zip(sums.iter().zip(&tops)) {
        loss += factor * (f64::from(sum).ln() + f64::from(top));
    }
    for (picture, &target) in targets.iter().enumerate() {
        let (own, factor) = (usize::from(target), factors[picture] as f32);
        for (class, row) in scores.chunks_exact_mut(BLOCK).enumerate() {
            let truth = if class == own { 1.0 } else { 0.0 };
            row[picture] = factor * (row[picture] / sums[picture] - truth);
        }
    }
    for row in scores.chunks_exact_mut(BLOCK) {
        // The products read whole tiles of images.
        row[count..].fill(0.0);
    }
    loss
}

/// Replaces the scores by probabilities, minus one for the true class; returns the sum of
/// cross-entropies in nats.
#[inline(always)]
pub(super) fn errors(scores: &mut [f32], targets: &[u16]) -> f64 {
    let count = targets.len();
    let (mut sums, mut tops) = ([0.0; BLOCK], [0.0; BLOCK]);
    let truth =
        |scores: &[f32], picture: usize, target: u16| scores[usize::from(target) * BLOCK + picture];
    let mut loss = 0.0;
    for (picture, &target) in targets.iter().enumerate() {
        loss -= f64::from(truth(scores, picture, target));
    }
    exponentials(scores, &mut sums, &mut tops, count);
    // One logarithm of a product instead of 32: no sum is above 65,536, and the 32nd power
    // of that is well within the range of double precision.
    for (sums, tops) in sums[..count].chunks(32).zip(tops[..count].chunks(32)) {
        loss += sums.iter().copied().map(f64::from).product::<f64>().ln();
        loss += tops.iter().copied().map(f64::from).sum::<f64>();
    }
    for sum in &mut sums[..count] {
        *sum = sum.recip();
    }
    for row in scores.chunks_exact_mut(BLOCK) {
        for (score, factor) in row.iter_mut().zip(&sums[..count]) {
            *score *= factor;
        }
        // The products read whole tiles of images.
        row[count..].fill(0.0);
    }
    for (picture, &target) in targets.iter().enumerate() {
        scores[usize::from(target) * BLOCK + picture] -= 1.0;
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_the_standard_library() {
        for n in 0..870_000 {
            let x = -n as f32 * 1e-4;
            let (got, expected) = (exp(x), f64::from(x).exp());
            let error = (f64::from(got) - expected).abs() / expected;
            assert!(
                error < 2.0 * f64::from(f32::EPSILON),
                "{x}: {got} {expected}"
            );
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::MIN), 0.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert!(exp(f32::NAN).is_nan());
    }
}
