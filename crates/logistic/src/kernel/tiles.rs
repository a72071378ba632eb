//! A matrix in the layout of the kernels.

/// Numbers of single precision in a cache line and in the widest vector register.
pub(crate) const LINE: usize = 16;

/// A matrix of single precision in lines of 16 numbers. Rows are padded with zeros to
/// whole lines, and the rows that a kernel reads together (a tile) are interleaved line by
/// line. So a kernel reads each operand from consecutive, aligned memory, without
/// remainders and without a bounds check for each row.
#[derive(Debug)]
pub(crate) struct Tiles {
    /// One line longer than needed, because a `Vec` guarantees no alignment.
    storage: Vec<f32>,
    start: usize,
    columns: usize,
    height: usize,
}

impl Tiles {
    /// Zeros: at least `rows`, `height` of them interleaved.
    pub(crate) fn zeros(rows: usize, columns: usize, height: usize) -> Self {
        let len = rows.next_multiple_of(height) * columns.next_multiple_of(LINE);
        let storage = vec![0.0_f32; len + LINE];
        // If the offset cannot be computed, the kernels are slower, but still correct.
        let start = storage.as_ptr().align_offset(LINE * size_of::<f32>());
        Self {
            storage,
            start: start.min(LINE),
            columns,
            height,
        }
    }

    /// Numbers in a row without its padding.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Numbers in a row with its padding.
    pub(crate) fn stride(&self) -> usize {
        self.columns.next_multiple_of(LINE)
    }

    /// How many rows are interleaved.
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// Changes how many rows are interleaved. There must be room for whole tiles, and the
    /// contents become meaningless.
    pub(crate) fn set_height(&mut self, height: usize) {
        self.height = height;
    }

    /// All numbers with their padding.
    pub(crate) fn padded(&self) -> &[f32] {
        &self.storage[self.start..self.storage.len() + self.start - LINE]
    }

    /// All numbers with their padding, which must stay zero.
    pub(crate) fn padded_mut(&mut self) -> &mut [f32] {
        let end = self.storage.len() + self.start - LINE;
        &mut self.storage[self.start..end]
    }

    /// The tiles from the top: groups of `height` interleaved rows.
    #[inline(always)]
    pub(crate) fn tiles(&self) -> std::slice::ChunksExact<'_, f32> {
        self.padded().chunks_exact(self.height * self.stride())
    }

    /// Overwrites a row, or its first values.
    #[inline(always)]
    pub(crate) fn fill<T: Copy>(&mut self, row: usize, values: &[T], convert: impl Fn(T) -> f32) {
        let (stride, height) = (self.stride(), self.height);
        let values = &values[..values.len().min(self.columns)];
        let tile = &mut self.padded_mut()[row / height * height * stride..][..height * stride];
        let lines = tile.as_chunks_mut::<LINE>().0;
        let (whole, rest) = values.as_chunks::<LINE>();
        let mut at = row % height;
        for values in whole {
            // A local copy, so that the compiler knows that nothing overlaps.
            let mut line = [0.0; LINE];
            for (to, &from) in line.iter_mut().zip(values) {
                *to = convert(from);
            }
            lines[at] = line;
            at += height;
        }
        if !rest.is_empty() {
            for (to, &from) in lines[at].iter_mut().zip(rest) {
                *to = convert(from);
            }
        }
    }
}

impl Clone for Tiles {
    fn clone(&self) -> Self {
        // The allocation of the copy has another alignment.
        let rows = self.padded().len() / self.stride();
        let mut copy = Self::zeros(rows, self.columns, self.height);
        copy.padded_mut().copy_from_slice(self.padded());
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_interleaved_on_lines_and_stay_there_when_cloned() {
        let mut tiles = Tiles::zeros(3, 17, 2);
        assert_eq!(tiles.stride(), 32);
        let values: Vec<u8> = (1..18).collect();
        tiles.fill(1, &values, f32::from);
        tiles.fill(2, &values, |value| -f32::from(value));
        let copy = tiles.clone();
        for tiles in [&tiles, &copy] {
            assert_eq!(tiles.padded().as_ptr() as usize % 64, 0);
            let lines: Vec<(f32, f32)> = tiles
                .padded()
                .chunks_exact(LINE)
                .map(|line| (line[0], line[1]))
                .collect();
            // Two tiles of two rows of two lines; the fourth row is padding.
            let zero = (0.0, 0.0);
            let upper = [zero, (1.0, 2.0), zero, (17.0, 0.0)];
            let lower = [(-1.0, -2.0), zero, (-17.0, 0.0), zero];
            assert_eq!(lines, [upper, lower].concat());
            assert_eq!(tiles.tiles().count(), 2);
        }
    }

    #[test]
    fn whole_lines_have_no_rest() {
        let mut tiles = Tiles::zeros(2, 32, 2);
        tiles.fill(1, &[7_u8; 32], f32::from);
        let sums = tiles
            .padded()
            .chunks_exact(LINE)
            .map(|line| line.iter().sum());
        assert_eq!(sums.collect::<Vec<f32>>(), [0.0, 112.0, 0.0, 112.0]);
    }
}
