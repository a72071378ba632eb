//! Rows of numbers that start on cache lines.

/// Numbers of single precision in a cache line, and in the widest vector register.
const LINE: usize = 16;

/// A matrix of single precision whose rows start on cache lines and are padded with
/// zeros to whole ones, so that kernels load nothing across lines and have no tails.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Over-allocated by a line, because a `Vec` promises no alignment.
    storage: Vec<f32>,
    start: usize,
    count: usize,
    columns: usize,
}

impl Rows {
    /// All zeros.
    pub(crate) fn zeros(count: usize, columns: usize) -> Self {
        let len = count * columns.next_multiple_of(LINE);
        let storage = vec![0.0_f32; len + LINE];
        // Where the address cannot be told, the rows work all the same, but slower.
        let start = storage.as_ptr().align_offset(LINE * size_of::<f32>());
        Self {
            storage,
            start: start.min(LINE),
            count,
            columns,
        }
    }

    /// Numbers from one row's start to the next.
    pub(crate) fn stride(&self) -> usize {
        self.columns.next_multiple_of(LINE)
    }

    /// Number of rows.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Numbers in a row that are not padding.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// All rows with their padding.
    pub(crate) fn padded(&self) -> &[f32] {
        &self.storage[self.start..][..self.count * self.stride()]
    }

    /// All rows with their padding, which must stay zero.
    pub(crate) fn padded_mut(&mut self) -> &mut [f32] {
        let len = self.count * self.stride();
        &mut self.storage[self.start..][..len]
    }

    /// Overwrites one row with up to as many values as there are columns.
    pub(crate) fn fill(&mut self, row: usize, values: impl IntoIterator<Item = f32>) {
        let (stride, columns) = (self.stride(), self.columns);
        for (to, from) in self.padded_mut()[row * stride..][..columns]
            .iter_mut()
            .zip(values)
        {
            *to = from;
        }
    }
}

impl Clone for Rows {
    fn clone(&self) -> Self {
        // The copy's allocation is aligned otherwise.
        let mut copy = Self::zeros(self.count, self.columns);
        copy.padded_mut().copy_from_slice(self.padded());
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_start_on_lines_and_stay_there_when_cloned() {
        let mut rows = Rows::zeros(3, 17);
        assert_eq!(rows.stride(), 32);
        rows.fill(1, (0..17).map(|n| n as f32));
        let copy = rows.clone();
        for rows in [&rows, &copy] {
            assert_eq!(rows.padded().as_ptr() as usize % 64, 0);
            assert_eq!(rows.padded()[32 + 16], 16.0);
            assert_eq!(rows.padded()[32 + 17], 0.0);
        }
    }
}
