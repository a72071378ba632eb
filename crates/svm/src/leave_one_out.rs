//! What the values of the training images would be if each had not been trained on, without training again.
//!
//! Leaving out an image that is no support vector changes nothing. For a support vector the value is less sure by
//! β times the squared *span*: how far the image is, in the space of the kernel, from what the other support
//! vectors can replace it by (Vapnik and Chapelle 2000; Opper and Winther 2000 without the bias). It is exact if
//! leaving the image out moves no other image onto or off a bound.
//!
//! With S the images at no bound and K̃ their kernel matrix, bordered by ones for the bias, the squared span is
//! 1 / (K̃⁻¹)ₚₚ for an image of S, and K(p, p) − vᵀ K̃⁻¹ v with v = (K(S, p), 1) for one at the bound. Both come from one
//! elimination in blocks, in single precision: what follows is a sigmoid of two parameters, fitted to all images.

use bakeoff_kernels::{ByteRows, Strided, multiply};

use crate::pair::{Pair, Solution};

/// Images whose spans are computed with each other; of more, those of each group are taken for all there are, which
/// makes the spans larger.
const GROUP: usize = 1024;
/// Rows that are eliminated at once.
const BLOCK: usize = 64;
/// Added to the diagonal, relative to it, so that images that are alike do no harm.
const RIDGE: f32 = 1e-4;

/// `values`, which a solution gives to the images of a pair, as far as possible without each itself.
pub(crate) fn leave_one_out(pair: &Pair, solution: &Solution, mut values: Vec<f64>) -> Vec<f64> {
    let (mut free, mut bound) = (Vec::new(), Vec::new());
    for (image, &coefficient) in solution.coefficients.iter().enumerate() {
        match coefficient.abs() {
            0.0 => {}
            size if size < pair.c => free.push(image),
            _ => bound.push(image),
        }
    }
    let groups = free.len().div_ceil(GROUP).max(1);
    for group in 0..groups {
        let every = |images: &[usize]| -> Vec<usize> {
            images.iter().skip(group).step_by(groups).copied().collect()
        };
        let (free, bound) = (every(&free), every(&bound));
        let chunks: Vec<&[usize]> = match bound.is_empty() {
            true => vec![&[]],
            false => bound.chunks(GROUP).collect(),
        };
        for (at, bound) in chunks.into_iter().enumerate() {
            let (of_free, of_bound) = squared_spans(pair, &free, bound);
            let free = free.iter().zip(of_free).filter(|_| at == 0);
            for (&image, span) in free.chain(bound.iter().zip(of_bound)) {
                values[image] -= solution.coefficients[image] * span;
            }
        }
    }
    values
}

/// The squared spans of the images at no bound, and of those at one.
fn squared_spans(pair: &Pair, free: &[usize], bound: &[usize]) -> (Vec<f64>, Vec<f64>) {
    let (count, bounds) = (free.len(), bound.len());
    let own = |&image: &usize| {
        let image = pair.image(image);
        let mut value = [0.0];
        ByteRows::new(image, pair.columns).values(pair.function, image, &mut value);
        value[0]
    };
    if count == 0 {
        let spans = bound.iter().map(|image| own(image).into());
        return (Vec::new(), spans.collect());
    }
    // [K + ridge | I | 1 | K(S, bound)] becomes [Lᵀ | L⁻¹ | L⁻¹ 1 | L⁻¹ K(S, bound)].
    let width = 2 * count + 1 + bounds;
    let (packed, left) = (
        ByteRows::new(&pair.images(&[free, bound].concat()), pair.columns),
        pair.images(free),
    );
    let mut values = vec![0.0; count * packed.len()];
    packed.values(pair.function, &left, &mut values);
    let mut matrix = vec![0.0; count * width];
    let rows = matrix.chunks_exact_mut(width);
    for (at, (row, values)) in rows.zip(values.chunks_exact(packed.len())).enumerate() {
        row[..count].copy_from_slice(&values[..count]);
        row[at] *= 1.0 + RIDGE;
        row[count + at] = 1.0;
        row[2 * count] = 1.0;
        row[2 * count + 1..].copy_from_slice(&values[count..]);
    }
    eliminate(&mut matrix, count, width);
    // Of each column behind Lᵀ its square, and its product with L⁻¹ 1.
    let mut squares = vec![0.0; width - count];
    let mut products = squares.clone();
    for row in matrix.chunks_exact(width) {
        let one = f64::from(row[2 * count]);
        let sums = squares.iter_mut().zip(&mut products);
        for ((square, product), &value) in sums.zip(&row[count..]) {
            let value = f64::from(value);
            *square += value * value;
            *product += value * one;
        }
    }
    let total = squares[count];
    let of_free = (0..count).map(|at| {
        let inverse = squares[at] - products[at].powi(2) / total;
        if inverse > 0.0 { inverse.recip() } else { 0.0 }
    });
    let of_bound = bound.iter().enumerate().map(|(at, image)| {
        let at = count + 1 + at;
        let bias = (products[at] - 1.0).powi(2) / total;
        (f64::from(own(image)) - squares[at] + bias).max(0.0)
    });
    (of_free.collect(), of_bound.collect())
}

/// Gaussian elimination of `[K | I | …]`, rows × width, by the Cholesky factor of K.
fn eliminate(matrix: &mut [f32], rows: usize, width: usize) {
    let tail = 2 * rows;
    for from in (0..rows).step_by(BLOCK) {
        let count = BLOCK.min(rows - from);
        let (done, rest) = matrix.split_at_mut(from * width);
        let block = &mut rest[..count * width];
        // Left of `from` and right of the identity's last one all is zero.
        let parts = [from..rows + from + count, tail..width];
        if from > 0 {
            let left = Strided {
                values: &done[from..],
                row_stride: 1,
                column_stride: width,
            };
            for part in parts.clone() {
                multiply(
                    (count, from, part.len()),
                    left,
                    Strided::rows(&done[part.start..], width),
                    -1.0,
                    true,
                    &mut block[part.start..],
                    width,
                );
            }
        }
        for at in 0..count {
            let (above, below) = block.split_at_mut((at + 1) * width);
            let row = &mut above[at * width..];
            // What rounding has made of a pivot that is not above 0 has nothing to say.
            let pivot = row[from + at];
            let scale = if pivot > 1e-12 {
                pivot.sqrt().recip()
            } else {
                0.0
            };
            for part in parts.clone() {
                row[part].iter_mut().for_each(|value| *value *= scale);
            }
            for (next, below) in below.chunks_exact_mut(width).enumerate() {
                let factor = row[from + at + 1 + next];
                for part in parts.clone() {
                    let pairs = below[part.clone()].iter_mut().zip(&row[part]);
                    pairs.for_each(|(below, value)| *below -= factor * value);
                }
            }
        }
    }
}
