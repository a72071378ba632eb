//! The two products, in tiles that stay in registers.

use pulp::Simd;

use super::{BLOCK, Rows, Weights};

#[inline(always)]
fn multiply_add<S: Simd, const FUSED: bool>(
    simd: S,
    a: S::f32s,
    b: S::f32s,
    c: S::f32s,
) -> S::f32s {
    if FUSED {
        simd.mul_add_e_f32s(a, b, c)
    } else {
        simd.add_f32s(simd.mul_f32s(a, b), c)
    }
}

/// One row as vectors.
#[inline(always)]
fn vectors<S: Simd>(rows: &Rows, at: usize) -> &[S::f32s] {
    S::as_simd_f32s(&rows.padded()[at * rows.stride()..][..rows.stride()]).0
}

/// `scores[class × BLOCK + picture] = weights[class] · pictures[picture] + bias`, of
/// the first `count` pictures.
#[inline(always)]
pub(super) fn scores<S: Simd, const FUSED: bool>(
    simd: S,
    pictures: &Rows,
    count: usize,
    weights: &Weights,
    scores: &mut [f32],
) {
    let mut picture = 0;
    // Of 32 registers, 20 hold sums; of 16, 10 do.
    let step = if S::REGISTER_COUNT >= 32 { 4 } else { 2 };
    while picture + step <= count {
        if S::REGISTER_COUNT >= 32 {
            scores_of::<S, FUSED, 4>(simd, pictures, picture, weights, scores);
        } else {
            scores_of::<S, FUSED, 2>(simd, pictures, picture, weights, scores);
        }
        picture += step;
    }
    while picture < count {
        scores_of::<S, FUSED, 1>(simd, pictures, picture, weights, scores);
        picture += 1;
    }
}

/// Scores of `P` pictures, five classes at a time.
#[inline(always)]
fn scores_of<S: Simd, const FUSED: bool, const P: usize>(
    simd: S,
    pictures: &Rows,
    picture: usize,
    weights: &Weights,
    scores: &mut [f32],
) {
    let classes = weights.rows.count();
    let mut class = 0;
    while class < classes {
        match classes - class {
            1 => dots::<S, FUSED, P, 1>(simd, pictures, picture, weights, class, scores),
            2 => dots::<S, FUSED, P, 2>(simd, pictures, picture, weights, class, scores),
            3 => dots::<S, FUSED, P, 3>(simd, pictures, picture, weights, class, scores),
            4 => dots::<S, FUSED, P, 4>(simd, pictures, picture, weights, class, scores),
            _ => dots::<S, FUSED, P, 5>(simd, pictures, picture, weights, class, scores),
        }
        class += 5;
    }
}

/// Scores of `P` pictures for `C` classes.
#[inline(always)]
fn dots<S: Simd, const FUSED: bool, const P: usize, const C: usize>(
    simd: S,
    pictures: &Rows,
    picture: usize,
    weights: &Weights,
    class: usize,
    scores: &mut [f32],
) {
    let x: [&[S::f32s]; P] = std::array::from_fn(|p| vectors::<S>(pictures, picture + p));
    let w: [&[S::f32s]; C] = std::array::from_fn(|c| vectors::<S>(&weights.rows, class + c));
    let lanes = x[0].len();
    // Said once here, so that the loop need not check.
    let (x, w) = (x.map(|x| &x[..lanes]), w.map(|w| &w[..lanes]));
    let mut sums = [[simd.splat_f32s(0.0); C]; P];
    for at in 0..lanes {
        for p in 0..P {
            for c in 0..C {
                sums[p][c] = multiply_add::<S, FUSED>(simd, x[p][at], w[c][at], sums[p][c]);
            }
        }
    }
    for p in 0..P {
        for c in 0..C {
            scores[(class + c) * BLOCK + picture + p] =
                simd.reduce_sum_f32s(sums[p][c]) + weights.biases[class + c];
        }
    }
}

/// `gradient[class] += Σ errors[class × BLOCK + picture] · pictures[picture]` over the
/// first `count` pictures.
#[inline(always)]
pub(super) fn accumulate<S: Simd, const FUSED: bool>(
    simd: S,
    pictures: &Rows,
    count: usize,
    errors: &[f32],
    gradient: &mut Rows,
) {
    let lanes = pictures.stride() / S::F32_LANES;
    let mut at = 0;
    let step = if S::REGISTER_COUNT >= 32 { 4 } else { 2 };
    while at + step <= lanes {
        if S::REGISTER_COUNT >= 32 {
            outer_at::<S, FUSED, 4>(simd, pictures, count, errors, at, gradient);
        } else {
            outer_at::<S, FUSED, 2>(simd, pictures, count, errors, at, gradient);
        }
        at += step;
    }
    while at < lanes {
        outer_at::<S, FUSED, 1>(simd, pictures, count, errors, at, gradient);
        at += 1;
    }
}

/// The gradient of `V` vectors of pixels, five classes at a time.
#[inline(always)]
fn outer_at<S: Simd, const FUSED: bool, const V: usize>(
    simd: S,
    pictures: &Rows,
    count: usize,
    errors: &[f32],
    at: usize,
    gradient: &mut Rows,
) {
    let classes = gradient.count();
    let mut class = 0;
    while class < classes {
        match classes - class {
            1 => outer::<S, FUSED, V, 1>(simd, pictures, count, errors, at, class, gradient),
            2 => outer::<S, FUSED, V, 2>(simd, pictures, count, errors, at, class, gradient),
            3 => outer::<S, FUSED, V, 3>(simd, pictures, count, errors, at, class, gradient),
            4 => outer::<S, FUSED, V, 4>(simd, pictures, count, errors, at, class, gradient),
            _ => outer::<S, FUSED, V, 5>(simd, pictures, count, errors, at, class, gradient),
        }
        class += 5;
    }
}

/// The gradient of `V` vectors of pixels for `C` classes.
#[inline(always)]
fn outer<S: Simd, const FUSED: bool, const V: usize, const C: usize>(
    simd: S,
    pictures: &Rows,
    count: usize,
    errors: &[f32],
    at: usize,
    class: usize,
    gradient: &mut Rows,
) {
    let lanes = pictures.stride() / S::F32_LANES;
    let (x, _) = S::as_simd_f32s(pictures.padded());
    let (out, _) = S::as_mut_simd_f32s(gradient.padded_mut());
    let errors: [&[f32]; C] = std::array::from_fn(|c| &errors[(class + c) * BLOCK..][..count]);
    let mut sums = [[simd.splat_f32s(0.0); V]; C];
    for (picture, x) in x.chunks_exact(lanes).take(count).enumerate() {
        let x = &x[at..at + V];
        for c in 0..C {
            let error = simd.splat_f32s(errors[c][picture]);
            for v in 0..V {
                sums[c][v] = multiply_add::<S, FUSED>(simd, x[v], error, sums[c][v]);
            }
        }
    }
    for c in 0..C {
        for (to, &sum) in out[(class + c) * lanes + at..][..V]
            .iter_mut()
            .zip(&sums[c])
        {
            *to = simd.add_f32s(*to, sum);
        }
    }
}
