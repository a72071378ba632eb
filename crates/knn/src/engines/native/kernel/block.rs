//! What a kernel reads and writes.

/// Rows in a tile.
pub(crate) const TILE: usize = 32;

/// Queries that are compared with a tile together.
pub(crate) const LANES: usize = 8;

/// Groups of columns whose sums fit an `i32`.
pub(crate) const SEGMENT: usize = 8192;

/// Columns up to which one segment holds all of them and squared distances fit an `i32`:
/// 32,768 · 255² < 2³¹.
pub(crate) const NARROW: usize = SEGMENT * Sum::Dot.group();

/// What is added up over the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    /// Products of bytes.
    Dot,
    /// Absolute differences of bytes.
    Differences,
}

impl Sum {
    /// Columns in one group.
    pub(crate) const fn group(self) -> usize {
        match self {
            Self::Dot => 4,
            Self::Differences => 8,
        }
    }
}

/// One sum for each query and row of a tile.
#[repr(C, align(64))]
pub(crate) struct Sums(pub(crate) [[i32; TILE]; LANES]);

impl Sums {
    pub(crate) const fn zero() -> Self {
        Self([[0; TILE]; LANES])
    }
}

/// How a kernel needs the bytes of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryForm {
    /// As they are.
    Bytes,
    /// Minus 128, as signed bytes: VNNI multiplies unsigned by signed. [`Block::starts`]
    /// adds the rows' bytes times 128 back.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "for VNNI"))]
    Offset,
    /// Widened to 16 bits, the even bytes of a group before the odd ones.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "for AVX2"))]
    Words,
}

impl QueryForm {
    /// Bytes for each byte of a query.
    pub(crate) const fn widening(self) -> usize {
        match self {
            Self::Bytes | Self::Offset => 1,
            Self::Words => 2,
        }
    }

    /// Appends one group of a query's bytes.
    pub(crate) fn push(self, group: &[u8], out: &mut Vec<u8>) {
        let even = group.iter().step_by(2);
        let odd = group.iter().skip(1).step_by(2);
        match self {
            Self::Bytes => out.extend_from_slice(group),
            Self::Offset => out.extend(group.iter().map(|byte| byte ^ 0x80)),
            Self::Words => out.extend(even.chain(odd).flat_map(|&byte| [byte, 0])),
        }
    }
}

/// The bytes of up to [`LANES`] queries, in a kernel's [`QueryForm`].
#[derive(Clone, Copy)]
pub(crate) struct QueryLanes<'a> {
    /// All of the same length; lanes after the last query repeat it.
    pub(crate) bytes: [&'a [u8]; LANES],
    /// How many lanes the kernel computes: 1, 2, 4 or [`LANES`].
    pub(crate) count: usize,
}

/// The packed columns of one segment of one tile, and of a few queries.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    /// Groups × [`TILE`] rows × bytes of a group.
    pub(crate) rows: &'a [u8],
    /// For each query its groups × bytes of a group.
    pub(crate) queries: QueryLanes<'a>,
    /// For each row, 128 times the sum of its bytes.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "for VNNI"))]
    pub(crate) starts: &'a [i32; TILE],
}

impl<'a> Block<'a> {
    /// `Q` queries from `first` on, each as exactly `count` groups of `GROUP` bytes: cut here
    /// once, so that the loops need not check every index.
    #[inline(always)]
    pub(super) fn groups<const Q: usize, const GROUP: usize>(
        &self,
        first: usize,
        count: usize,
    ) -> [&'a [[u8; GROUP]]; Q] {
        let queries = &self.queries.bytes;
        std::array::from_fn(|lane| &queries[first + lane].as_chunks::<GROUP>().0[..count])
    }
}

/// The positions of the bits that are set, from the lowest.
pub(crate) fn set_bits(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let position = (mask != 0).then(|| mask.trailing_zeros() as usize);
        mask &= mask.wrapping_sub(1);
        position
    })
}
