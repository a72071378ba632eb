//! Memory that starts on a cache line, and its division among workers.

use std::marker::PhantomData;

/// Sixteen numbers: one cache line, one AVX-512 register.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A fixed number of `f32`, zero at first, aligned to 64 bytes.
///
/// A vector load that crosses two cache lines costs two loads; every row of every buffer here
/// is a multiple of sixteen numbers long, so that with an aligned start none does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    pub(crate) fn zeroed(len: usize) -> Self {
        Self {
            lines: vec![Line([0.0; 16]); len.div_ceil(16)],
            len,
        }
    }
}

impl std::ops::Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `lines` holds at least `len` numbers, without gaps (`repr(C)`, 64 of 64 bytes).
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// A slice that workers share, each taking parts that no other takes.
///
/// A step touches a dozen buffers, as many as the network has layers, each cut in its own way;
/// a chain of `par_chunks_mut().zip(…)` cannot say that.
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    life: PhantomData<&'a mut [T]>,
}

// SAFETY: it only hands out parts by `part`, whose callers guarantee that they are disjoint.
unsafe impl<T: Send> Sync for Shared<'_, T> {}
// SAFETY: it stands for a `&mut [T]`.
unsafe impl<T: Send> Send for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            life: PhantomData,
        }
    }

    /// The part from `from`, `len` long.
    ///
    /// # Panics
    ///
    /// When the part reaches past the end.
    ///
    /// # Safety
    ///
    /// While it is in use no other part that overlaps it may be.
    #[allow(clippy::mut_from_ref, reason = "this is what the type is for")]
    pub(crate) unsafe fn part(&self, from: usize, len: usize) -> &'a mut [T] {
        assert!(
            from <= self.len && len <= self.len - from,
            "a part outside of its slice"
        );
        // SAFETY: in bounds by the assertion, exclusive by the caller's guarantee.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), len) }
    }
}
