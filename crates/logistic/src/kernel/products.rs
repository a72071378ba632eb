//! The two matrix products, in tiles that stay in registers.
//!
//! There are no closures here: the compiler does not inline them into functions that are
//! compiled for other instructions, and a vector addition would become a call.

use pulp::Simd;

use super::{
    block::{BLOCK, PackedWeights, classes_together},
    tiles::{LINE, Tiles},
};

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

/// Calls a function with the heights of two tiles as constants: of the images (1, 2 or 4)
/// and of the classes (1 to 5).
///
/// With five classes, 4 images are 20 sums of 32 registers, 2 images 10 of 16. Blocks of
/// fewer than four images are computed one by one, so that no work is wasted. Tiles that
/// do not fit the number of registers are not compiled.
macro_rules! with_heights {
    ($function:ident::<$s:ident, $fused:ident>, $pictures:expr, $classes:expr, $arguments:tt) => {
        if $pictures == 1 {
            with_heights!(@ $function::<$s, $fused, 1>, $classes, $arguments)
        } else if $s::REGISTER_COUNT >= 32 {
            with_heights!(@ $function::<$s, $fused, 4>, $classes, $arguments)
        } else {
            with_heights!(@ $function::<$s, $fused, 2>, $classes, $arguments)
        }
    };
    (@ $function:ident::<$s:ident, $fused:ident, $p:literal>, $classes:expr, $arguments:tt) => {
        match $classes {
            1 => $function::<$s, $fused, $p, 1> $arguments,
            2 => $function::<$s, $fused, $p, 2> $arguments,
            3 => $function::<$s, $fused, $p, 3> $arguments,
            4 => $function::<$s, $fused, $p, 4> $arguments,
            _ => $function::<$s, $fused, $p, 5> $arguments,
        }
    };
}

/// `scores[class × BLOCK + image] = weights[class] · images[image] + bias`. Converts
/// the bytes of the images to numbers, tile by tile, and leaves them in `pictures` for
/// [`accumulate`]. `next` are the bytes of the next blocks.
#[inline(always)]
pub(super) fn scores<S: Simd, const FUSED: bool>(
    simd: S,
    bytes: &[u8],
    next: &[u8],
    pictures: &mut Tiles,
    weights: &PackedWeights,
    scores: &mut [f32],
) {
    pictures.set_height(match bytes.len() / pictures.columns() {
        0..4 => 1,
        _ if S::REGISTER_COUNT >= 32 => 4,
        _ => 2,
    });
    let heights = (pictures.height(), weights.tiles.height());
    with_heights!(
        scores_of::<S, FUSED>,
        heights.0,
        heights.1,
        (simd, bytes, next, pictures, weights, scores)
    );
}

#[inline(always)]
fn scores_of<S: Simd, const FUSED: bool, const P: usize, const C: usize>(
    simd: S,
    bytes: &[u8],
    next: &[u8],
    pictures: &mut Tiles,
    weights: &PackedWeights,
    scores: &mut [f32],
) {
    let pixels = pictures.columns();
    let mut next = next.chunks(P * pixels);
    for (at, bytes) in bytes.chunks(P * pixels).enumerate() {
        prefetch(next.next().unwrap_or_default());
        for (row, bytes) in (at * P..).zip(bytes.chunks_exact(pixels)) {
            pictures.fill(row, bytes, f32::from);
        }
        let Some(pictures) = pictures.tiles().nth(at) else {
            return;
        };
        let scores = scores.chunks_mut(C * BLOCK);
        let biases = weights.biases.chunks(C);
        for ((weights, biases), scores) in weights.tiles.tiles().zip(biases).zip(scores) {
            let dots = dots::<S, FUSED, P, C>(simd, pictures, weights);
            // The last tile may have more rows than there are classes left.
            for ((row, bias), dots) in scores.chunks_exact_mut(BLOCK).zip(biases).zip(dots) {
                for (score, dot) in row[at * P..].iter_mut().zip(dots) {
                    *score = dot + bias;
                }
            }
        }
    }
}

/// Loads these bytes into the cache while the processor multiplies. Its own prefetcher
/// works only while bytes are being read, which is a tenth of the time.
#[inline(always)]
fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(64) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction; it is a hint about an address
        // within `bytes` and has no effect on the program's values.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}

/// The products of two tiles' rows, class by class.
#[inline(always)]
fn dots<S: Simd, const FUSED: bool, const P: usize, const C: usize>(
    simd: S,
    pictures: &[f32],
    weights: &[f32],
) -> [[f32; P]; C] {
    let vectors = LINE / S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); P]; C];
    let lines = pictures
        .chunks_exact(P * LINE)
        .zip(weights.chunks_exact(C * LINE));
    for (x, w) in lines {
        let (x, w) = (S::as_simd_f32s(x).0, S::as_simd_f32s(w).0);
        for v in 0..vectors {
            for c in 0..C {
                for p in 0..P {
                    let (x, w) = (x[p * vectors + v], w[c * vectors + v]);
                    sums[c][p] = multiply_add::<S, FUSED>(simd, x, w, sums[c][p]);
                }
            }
        }
    }
    let mut dots = [[0.0; P]; C];
    for c in 0..C {
        for p in 0..P {
            dots[c][p] = simd.reduce_sum_f32s(sums[c][p]);
        }
    }
    dots
}

/// `gradient[class] += Σ errors[class × BLOCK + image] · images[image]` over the
/// first `count` images. The gradient is not interleaved. The errors of images from
/// `count` on must be zero.
#[inline(always)]
pub(super) fn accumulate<S: Simd, const FUSED: bool>(
    simd: S,
    pictures: &Tiles,
    count: usize,
    errors: &[f32],
    gradient: &mut Tiles,
) {
    let classes = errors.len() / BLOCK;
    let mut class = 0;
    while class < classes {
        let together = (classes - class).min(classes_together(classes));
        with_heights!(
            accumulate_for::<S, FUSED>,
            pictures.height(),
            together,
            (
                simd,
                pictures,
                count,
                &errors[class * BLOCK..],
                class,
                gradient
            )
        );
        class += together;
    }
}

#[inline(always)]
fn accumulate_for<S: Simd, const FUSED: bool, const P: usize, const C: usize>(
    simd: S,
    pictures: &Tiles,
    count: usize,
    errors: &[f32],
    class: usize,
    gradient: &mut Tiles,
) {
    let stride = gradient.stride();
    let rows = &mut gradient.padded_mut()[class * stride..][..C * stride];
    let count = count.div_ceil(P);
    let mut column = 0;
    if S::REGISTER_COUNT >= 32 {
        while column + 4 * S::F32_LANES <= stride {
            outer::<S, FUSED, P, C, 4>(simd, pictures, count, errors, column, rows);
            column += 4 * S::F32_LANES;
        }
    } else {
        while column + 2 * S::F32_LANES <= stride {
            outer::<S, FUSED, P, C, 2>(simd, pictures, count, errors, column, rows);
            column += 2 * S::F32_LANES;
        }
    }
    // Rows are whole lines; only where these vectors are longer than a line can some be left.
    if S::REGISTER_COUNT >= 32 && 4 * S::F32_LANES > LINE {
        while column < stride {
            outer::<S, FUSED, P, C, 1>(simd, pictures, count, errors, column, rows);
            column += S::F32_LANES;
        }
    }
}

/// The gradient of `V` vectors of pixels for `C` classes.
#[inline(always)]
fn outer<S: Simd, const FUSED: bool, const P: usize, const C: usize, const V: usize>(
    simd: S,
    pictures: &Tiles,
    count: usize,
    errors: &[f32],
    column: usize,
    rows: &mut [f32],
) {
    let vectors = LINE / S::F32_LANES;
    let stride = pictures.stride();
    let first = column / S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); V]; C];
    for (at, tile) in pictures.tiles().take(count).enumerate() {
        let tile = S::as_simd_f32s(tile).0;
        for p in 0..P {
            let mut x = [simd.splat_f32s(0.0); V];
            for (at, x) in (first..).zip(&mut x) {
                *x = tile[(at / vectors * P + p) * vectors + at % vectors];
            }
            for c in 0..C {
                let error = simd.splat_f32s(errors[c * BLOCK + at * P + p]);
                for v in 0..V {
                    sums[c][v] = multiply_add::<S, FUSED>(simd, x[v], error, sums[c][v]);
                }
            }
        }
    }
    for (row, sums) in rows.chunks_exact_mut(stride).zip(sums) {
        let row = S::as_mut_simd_f32s(&mut row[column..]).0;
        for (to, sum) in row.iter_mut().zip(sums) {
            *to = simd.add_f32s(*to, sum);
        }
    }
}
