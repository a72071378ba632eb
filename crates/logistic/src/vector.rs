//! Sums over slices in a fixed order, so that the compiler can use vector instructions and
//! the bits do not depend on which.

use std::ops::{AddAssign, Mul};

/// `Σ a·b`, in eight interleaved sums. Inlined, so that it is compiled for the vector
/// instructions of its caller.
#[inline(always)]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// The same in single precision, in 16 interleaved sums.
#[inline(always)]
pub(crate) fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 16];
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// `to += factor · from`.
#[inline(always)]
pub(crate) fn add<T>(to: &mut [T], factor: T, from: &[T])
where
    T: Copy + AddAssign + Mul<Output = T>,
{
    for (to, &from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

/// `a − b`.
pub(crate) fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// The largest absolute value; NaN if there is one.
pub(crate) fn largest(a: &[f64]) -> f64 {
    a.iter()
        .map(|a| a.abs())
        .fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a })
}
