//! Training rows in the order in which the kernels read them.
//!
//! Rows are packed in tiles of [`TILE`]. Within a tile the columns are cut into groups of a few
//! bytes (4 for dot products, 8 for absolute differences), and each group is stored for all
//! rows of the tile side by side: group 0 of rows 0 to 31, then group 1 of rows 0 to 31, and so
//! on. A vector register then holds one group of several rows, each lane adds up for one row,
//! and no sum across lanes is needed. Columns and rows are padded with zeros.

use rayon::prelude::*;

use super::kernel::block::{SEGMENT, Sum, TILE};

/// Bytes of a cache line, and of the widest vector register.
const LINE: usize = 64;

/// Bytes that start at a cache line: vector loads across two lines take twice as long. They
/// are a part of a larger buffer, which needs no `unsafe`.
struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    fn zeroed(len: usize) -> Self {
        let bytes = vec![0; len + LINE - 1];
        // `align_offset` may fail with a huge number; then the bytes are not aligned.
        let start = bytes.as_ptr().align_offset(LINE).min(LINE - 1);
        Self { bytes, start, len }
    }

    fn get(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }

    fn get_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }
}

/// All training rows, packed, and what the kernels need to know of each.
pub(super) struct Packed {
    /// The sum that the groups are made for.
    pub(super) sum: Sum,
    /// Rows, without padding.
    pub(super) rows: usize,
    /// Groups of columns.
    pub(super) groups: usize,
    bytes: Aligned,
    /// For each tile and segment of columns: 128 times the sum of each row's bytes.
    starts: Vec<[i32; TILE]>,
    /// Sum of squares of each row, padding included.
    pub(super) norms: Vec<u64>,
}

impl Packed {
    /// Memory for `rows` rows of `columns` columns.
    pub(super) fn zeroed(rows: usize, columns: usize, sum: Sum) -> Self {
        let tiles = rows.div_ceil(TILE);
        let groups = columns.div_ceil(sum.group());
        Self {
            sum,
            rows,
            groups,
            bytes: Aligned::zeroed(tiles * groups * sum.group() * TILE),
            starts: vec![[0; TILE]; tiles * groups.div_ceil(SEGMENT)],
            norms: vec![0; tiles * TILE],
        }
    }

    /// Packs `rows` rows from tile `first_tile` on; `write` copies the row at a position.
    /// Runs on all threads.
    pub(super) fn fill(
        &mut self,
        first_tile: usize,
        rows: usize,
        write: impl Fn(usize, &mut [u8]) + Sync,
    ) {
        let (tile_bytes, segments) = (self.tile_bytes(), self.segments());
        let (group, groups) = (self.sum.group(), self.groups);
        if tile_bytes == 0 {
            return;
        }
        let tiles = rows.div_ceil(TILE);
        let bytes = self.bytes.get_mut()[first_tile * tile_bytes..].par_chunks_mut(tile_bytes);
        let starts = self.starts[first_tile * segments..].par_chunks_mut(segments);
        let norms = self.norms[first_tile * TILE..].par_chunks_mut(TILE);
        bytes
            .zip(starts.zip(norms))
            .take(tiles)
            .enumerate()
            .for_each_init(
                || vec![0; groups * group],
                |row, (tile, (bytes, (starts, norms)))| {
                    for lane in 0..TILE.min(rows - tile * TILE) {
                        write((first_tile + tile) * TILE + lane, row);
                        norms[lane] = row.iter().map(|&b| u64::from(b) * u64::from(b)).sum();
                        for (segment, start) in row.chunks(SEGMENT * group).zip(starts.iter_mut()) {
                            start[lane] = 128 * segment.iter().map(|&b| i32::from(b)).sum::<i32>();
                        }
                        for (from, to) in row
                            .chunks_exact(group)
                            .zip(bytes[lane * group..].chunks_mut(group * TILE))
                        {
                            to[..group].copy_from_slice(from);
                        }
                    }
                },
            );
    }

    /// Tiles of rows.
    pub(super) fn tiles(&self) -> usize {
        self.rows.div_ceil(TILE)
    }

    /// One bit for each row of a tile that is not padding.
    pub(super) fn row_mask(&self, tile: usize) -> u32 {
        u32::MAX >> (TILE - (self.rows - tile * TILE).min(TILE))
    }

    /// Columns with padding.
    pub(super) fn padded_columns(&self) -> usize {
        self.groups * self.sum.group()
    }

    /// Segments of columns: sums over one segment fit an `i32`.
    pub(super) fn segments(&self) -> usize {
        self.groups.div_ceil(SEGMENT)
    }

    fn tile_bytes(&self) -> usize {
        self.padded_columns() * TILE
    }

    /// One tile: groups × [`TILE`] rows × bytes of a group.
    pub(super) fn tile(&self, tile: usize) -> &[u8] {
        let bytes = self.tile_bytes();
        &self.bytes.get()[tile * bytes..(tile + 1) * bytes]
    }

    /// For each segment of a tile, 128 times the sum of each row's bytes.
    pub(super) fn starts(&self, tile: usize) -> &[[i32; TILE]] {
        let segments = self.segments();
        &self.starts[tile * segments..(tile + 1) * segments]
    }

    /// Copies the packed columns of one row to `out`, which has the length of the padded columns.
    pub(super) fn unpack(&self, row: usize, out: &mut [u8]) {
        let group = self.sum.group();
        let tile = self.tile(row / TILE);
        for (from, to) in tile
            .chunks_exact(group * TILE)
            .zip(out.chunks_exact_mut(group))
        {
            to.copy_from_slice(&from[row % TILE * group..][..group]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_rows_come_back_with_their_sums(
            columns in 1usize..40,
            rows in 1usize..80,
            differences in any::<bool>(),
            seed in any::<u64>(),
        ) {
            let sum = if differences { Sum::Differences } else { Sum::Dot };
            let data = crate::tests::reference::random_bytes(seed, rows * columns);
            let mut packed = Packed::zeroed(rows, columns, sum);
            let half = rows.div_ceil(TILE) / 2 * TILE;
            let write = |row: usize, out: &mut [u8]| {
                out[..columns].copy_from_slice(&data[row * columns..][..columns]);
            };
            packed.fill(0, half, write);
            packed.fill(half / TILE, rows - half, write);
            let mut row = vec![0; packed.padded_columns()];
            for (index, expected) in data.chunks_exact(columns).enumerate() {
                packed.unpack(index, &mut row);
                prop_assert_eq!(&row[..columns], expected);
                prop_assert!(row[columns..].iter().all(|&byte| byte == 0));
                let norm: u64 = expected.iter().map(|&b| u64::from(b).pow(2)).sum();
                prop_assert_eq!(packed.norms[index], norm);
                let start: i32 = expected.iter().map(|&b| 128 * i32::from(b)).sum();
                prop_assert_eq!(packed.starts(index / TILE)[0][index % TILE], start);
            }
        }
    }
}
