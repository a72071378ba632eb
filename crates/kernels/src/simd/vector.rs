//! The operations on sixteen lanes, and their portable form.

/// Lanes of a vector; stored channels are padded to a multiple of it.
pub(crate) const LANES: usize = 16;

/// A piece of work that is compiled once for every instruction set.
///
/// Implementations and everything they call in their hot loops are `#[inline(always)]`: only
/// what is inlined into the function that enables the features is compiled with them.
pub(crate) trait Kernel {
    type Output;

    fn run<S: Simd>(self) -> Self::Output;
}

/// Sixteen `f32` lanes.
///
/// # Safety
///
/// All functions may only be called where the instruction set is available, which is so inside
/// [`Kernel::run`]. Pointers must be valid for sixteen elements; no alignment is needed.
pub(crate) trait Simd: Copy {
    type V: Copy;

    /// Rows of a matrix tile of two vectors' width that fit the registers.
    const TILE_ROWS: usize;
    /// Vectors across a matrix tile.
    const TILE_VECTORS: usize;
    /// Accumulators that a kernel with one memory operand may hold.
    const ACCUMULATORS: usize;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, v: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sqrt(a: Self::V) -> Self::V;
    /// The larger one, and `b` if one of them is not a number.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Where `a > b` the lane of `yes`, elsewhere that of `no`.
    unsafe fn select_gt(a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// Where `a == b` the lane of `yes`, elsewhere zero.
    unsafe fn keep_eq(a: Self::V, b: Self::V, yes: Self::V) -> Self::V;
    /// Sixteen bytes as numbers.
    unsafe fn load_u8(from: *const u8) -> Self::V;
    /// Whole numbers from 0 to 255 as sixteen bytes.
    unsafe fn store_u8(to: *mut u8, v: Self::V);
    /// Asks for the cache line of an address that is needed soon. Any address may be given.
    #[inline(always)]
    fn prefetch(_: *const u8) {}
    /// Rows become columns.
    unsafe fn transpose(block: [Self::V; LANES]) -> [Self::V; LANES];
}

/// Functions of [`Simd`] that are one expression each.
macro_rules! operations {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty = $body:expr;)*) => {
        $(
            #[inline(always)]
            #[allow(unused_unsafe, reason = "the portable ones need none")]
            unsafe fn $name($($arg: $type),*) -> $out {
                // SAFETY: the trait's contract: the instruction set is available, and pointers
                // are valid for sixteen elements.
                unsafe { $body }
            }
        )*
    };
}

/// No intrinsics: the compiler's own vectorisation.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

/// The lanes of [`Portable`].
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Lanes([f32; LANES]);

impl Lanes {
    #[inline(always)]
    fn from_fn(f: impl FnMut(usize) -> f32) -> Self {
        Self(std::array::from_fn(f))
    }
}

/// A fused product where the hardware has one; the software fallback of `f32::mul_add` is
/// slower by two orders of magnitude.
#[inline(always)]
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(target_feature = "fma") {
        a.mul_add(b, c)
    } else {
        a * b + c
    }
}

impl Simd for Portable {
    type V = Lanes;

    const TILE_ROWS: usize = 2;
    const TILE_VECTORS: usize = 1;
    const ACCUMULATORS: usize = 2;

    operations! {
        splat(x: f32) -> Lanes = Lanes([x; LANES]);
        add(a: Lanes, b: Lanes) -> Lanes = Lanes::from_fn(|i| a.0[i] + b.0[i]);
        sub(a: Lanes, b: Lanes) -> Lanes = Lanes::from_fn(|i| a.0[i] - b.0[i]);
        mul(a: Lanes, b: Lanes) -> Lanes = Lanes::from_fn(|i| a.0[i] * b.0[i]);
        div(a: Lanes, b: Lanes) -> Lanes = Lanes::from_fn(|i| a.0[i] / b.0[i]);
        sqrt(a: Lanes) -> Lanes = Lanes::from_fn(|i| a.0[i].sqrt());
        max(a: Lanes, b: Lanes) -> Lanes =
            Lanes::from_fn(|i| if a.0[i] > b.0[i] { a.0[i] } else { b.0[i] });
        fma(a: Lanes, b: Lanes, c: Lanes) -> Lanes =
            Lanes::from_fn(|i| multiply_add(a.0[i], b.0[i], c.0[i]));
        select_gt(a: Lanes, b: Lanes, yes: Lanes, no: Lanes) -> Lanes =
            Lanes::from_fn(|i| if a.0[i] > b.0[i] { yes.0[i] } else { no.0[i] });
        keep_eq(a: Lanes, b: Lanes, yes: Lanes) -> Lanes =
            Lanes::from_fn(|i| if a.0[i] == b.0[i] { yes.0[i] } else { 0.0 });
        transpose(block: [Lanes; LANES]) -> [Lanes; LANES] =
            std::array::from_fn(|r| Lanes::from_fn(|c| block[c].0[r]));
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Lanes {
        // SAFETY: the caller guarantees sixteen elements.
        Lanes(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: Lanes) {
        // SAFETY: the caller guarantees sixteen elements.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(v.0) }
    }

    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> Lanes {
        // SAFETY: the caller guarantees sixteen elements.
        let bytes = unsafe { from.cast::<[u8; LANES]>().read_unaligned() };
        Lanes::from_fn(|i| f32::from(bytes[i]))
    }

    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole numbers up to 255 by contract"
    )]
    unsafe fn store_u8(to: *mut u8, v: Lanes) {
        let bytes: [u8; LANES] = std::array::from_fn(|i| v.0[i] as u8);
        // SAFETY: the caller guarantees sixteen elements.
        unsafe { to.cast::<[u8; LANES]>().write_unaligned(bytes) }
    }
}
