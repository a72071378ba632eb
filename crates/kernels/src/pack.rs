//! Transposing weights, sixteen by sixteen.

use super::geometry::PANEL;
use super::simd::{Isa, Kernel, LANES, Simd};

/// `to[c][r] = from[r][c]`; rows and columns of `to` that `from` does not have become zero.
pub(crate) struct Transpose<'a> {
    pub(crate) from: &'a [f32],
    pub(crate) rows: usize,
    /// A multiple of sixteen.
    pub(crate) columns: usize,
    pub(crate) from_row: usize,
    pub(crate) to: &'a mut [f32],
    /// At least `rows` rounded up to sixteen.
    pub(crate) to_row: usize,
}

/// A block of 32 × 32.
pub(crate) fn transpose_block(from: &[f32], to: &mut [f32], isa: Isa) {
    isa.run(Transpose {
        from,
        rows: PANEL,
        columns: PANEL,
        from_row: PANEL,
        to,
        to_row: PANEL,
    });
}

impl Kernel for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self {
            rows,
            columns,
            from_row,
            to_row,
            ..
        } = self;
        if rows == 0 || columns == 0 {
            return;
        }
        assert!(columns % LANES == 0, "columns come in vectors");
        assert!(
            self.from.len() >= (rows - 1) * from_row + columns,
            "too little to transpose"
        );
        assert!(
            self.to.len() >= (columns - 1) * to_row + rows.next_multiple_of(LANES),
            "the target is too short"
        );
        for r in (0..rows).step_by(LANES) {
            for c in (0..columns).step_by(LANES) {
                // SAFETY: rows below `rows` and sixteen columns from `c` are inside `from`,
                // sixteen rows from `c` and columns from `r` inside `to`, as asserted.
                unsafe {
                    let mut block = [S::splat(0.0); LANES];
                    for (i, lanes) in block.iter_mut().enumerate() {
                        if r + i < rows {
                            *lanes = S::load(self.from.as_ptr().add((r + i) * from_row + c));
                        }
                    }
                    for (i, lanes) in S::transpose(block).into_iter().enumerate() {
                        S::store(self.to.as_mut_ptr().add((c + i) * to_row + r), lanes);
                    }
                }
            }
        }
    }
}
