//! One channel of an image, and what is computed on every such plane: its histogram, its
//! bounding boxes, and grey-value morphology.

/// One channel of an image, row by row; both sides are at least 1.
#[derive(Clone)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<u8>,
}

/// A rectangle of pixels of a plane; it lies within the plane and holds at least one.
#[derive(Clone, Copy)]
pub(crate) struct Rect {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Rect {
    /// The first column, and the one after the last.
    pub(crate) fn columns(&self) -> [usize; 2] {
        [self.left, self.left + self.width]
    }

    /// The first row, and the one after the last.
    pub(crate) fn rows(&self) -> [usize; 2] {
        [self.top, self.top + self.height]
    }

    pub(crate) fn longer_side(&self) -> usize {
        self.width.max(self.height)
    }

    /// The smallest rectangle that holds both.
    pub(crate) fn union(&self, other: Self) -> Self {
        let [left, top] = [self.left.min(other.left), self.top.min(other.top)];
        Self {
            left,
            top,
            width: self.columns()[1].max(other.columns()[1]) - left,
            height: self.rows()[1].max(other.rows()[1]) - top,
        }
    }

    /// The rectangle with so many more pixels on each side, within an image of this width and height.
    pub(crate) fn grown(&self, by: usize, image: [usize; 2]) -> Self {
        let [left, top] = [self.left.saturating_sub(by), self.top.saturating_sub(by)];
        Self {
            left,
            top,
            width: (self.columns()[1] + by).min(image[0]) - left,
            height: (self.rows()[1] + by).min(image[1]) - top,
        }
    }
}

impl Plane {
    /// `values` are whole rows of `width` pixels.
    pub(crate) fn new(width: usize, values: Vec<u8>) -> Self {
        Self {
            width,
            height: values.len() / width.max(1),
            values,
        }
    }

    /// A plane of the same size, each value computed from the one here.
    pub(crate) fn map(&self, change: impl Fn(u8) -> u8) -> Self {
        let values = self.values.iter().map(|&value| change(value)).collect();
        Self::new(self.width, values)
    }

    /// The width and the height.
    pub(crate) fn size(&self) -> [usize; 2] {
        [self.width, self.height]
    }

    pub(crate) fn longer_side(&self) -> usize {
        self.width.max(self.height)
    }

    /// The rows, from the top.
    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.values.chunks_exact(self.width)
    }

    /// The outermost pixels.
    pub(crate) fn border(&self) -> impl Iterator<Item = u8> {
        let last = self.height - 1;
        self.rows().enumerate().flat_map(move |(y, row)| {
            let step = match y == 0 || y == last || row.len() == 1 {
                true => 1,
                false => row.len() - 1,
            };
            row.iter().step_by(step).copied()
        })
    }

    /// The whole plane.
    pub(crate) fn rect(&self) -> Rect {
        Rect {
            left: 0,
            top: 0,
            width: self.width,
            height: self.height,
        }
    }

    /// The bounding box of the values from `threshold` on, of which there is at least one.
    pub(crate) fn bounding_box(&self, threshold: u8) -> Rect {
        let (mut left, mut right) = (self.width - 1, 0);
        let (mut top, mut bottom) = (self.height - 1, 0);
        let inside = |&value: &u8| value >= threshold;
        for (y, row) in self.rows().enumerate() {
            if let Some(first) = row.iter().position(inside) {
                let last = row.iter().rposition(inside).unwrap_or(first);
                (left, right) = (left.min(first), right.max(last));
                (top, bottom) = (top.min(y), y);
            }
        }
        Rect {
            left,
            top,
            // `left` and `top` stay at their far ends only where there is no such value.
            width: right.saturating_sub(left) + 1,
            height: bottom.saturating_sub(top) + 1,
        }
    }

    /// What lies in a rectangle.
    pub(crate) fn cropped(&self, rect: Rect) -> Self {
        let rows = self.rows().skip(rect.top).take(rect.height);
        let columns = rect.left..rect.left + rect.width;
        Self::new(
            rect.width,
            rows.flat_map(|row| &row[columns.clone()])
                .copied()
                .collect(),
        )
    }

    /// The plane with so many pixels of 0 on every side.
    pub(crate) fn padded(&self, margin: usize) -> Self {
        let width = self.width + 2 * margin;
        let mut values = vec![0; width * (self.height + 2 * margin)];
        let lines = values.chunks_exact_mut(width).skip(margin);
        for (row, out) in self.rows().zip(lines) {
            out[margin..margin + self.width].copy_from_slice(row);
        }
        Self::new(width, values)
    }

    /// The plane with its outermost pixels repeated so many times on every side.
    pub(crate) fn extended(&self, margin: usize) -> Self {
        let along = |at: usize, len: usize| at.saturating_sub(margin).min(len - 1);
        let values = (0..self.height + 2 * margin).flat_map(|y| {
            let row = along(y, self.height) * self.width;
            (0..self.width + 2 * margin).map(move |x| self.values[row + along(x, self.width)])
        });
        Self::new(self.width + 2 * margin, values.collect())
    }

    /// Rows become columns.
    pub(crate) fn transposed(&self) -> Self {
        let column = |x| self.values.iter().skip(x).step_by(self.width).copied();
        Self::new(self.height, (0..self.width).flat_map(column).collect())
    }

    /// Dark details narrower than `2 * reach + 1` pixels filled with what surrounds them.
    pub(crate) fn closing(&self, reach: usize) -> Self {
        self.dilated(reach).eroded(reach)
    }

    /// The same for light details.
    pub(crate) fn opening(&self, reach: usize) -> Self {
        self.eroded(reach).dilated(reach)
    }

    /// The greatest value in the square of `2 * reach + 1` pixels around each.
    pub(crate) fn dilated(&self, reach: usize) -> Self {
        self.filtered(reach, u8::max)
    }

    /// The least value in the square of `2 * reach + 1` pixels around each.
    pub(crate) fn eroded(&self, reach: usize) -> Self {
        self.filtered(reach, u8::min)
    }

    fn filtered(&self, reach: usize, pick: impl Fn(u8, u8) -> u8 + Copy) -> Self {
        let rows = self.rows_filtered(reach, pick).transposed();
        rows.rows_filtered(reach, pick).transposed()
    }

    /// Whole rows are moved and compared, which are many pixels at a time.
    fn rows_filtered(&self, reach: usize, pick: impl Fn(u8, u8) -> u8 + Copy) -> Self {
        let mut values = self.values.clone();
        for (out, row) in values.chunks_exact_mut(self.width).zip(self.rows()) {
            for shift in 1..=reach.min(self.width - 1) {
                for (out, &value) in out[shift..].iter_mut().zip(row) {
                    *out = pick(*out, value);
                }
                for (out, &value) in out.iter_mut().zip(&row[shift..]) {
                    *out = pick(*out, value);
                }
            }
        }
        Self::new(self.width, values)
    }

    /// The least and the greatest value.
    pub(crate) fn extremes(&self) -> (u8, u8) {
        let first = (u8::MAX, 0);
        self.values.iter().fold(first, |(least, most), &value| {
            (least.min(value), most.max(value))
        })
    }

    pub(crate) fn histogram(&self) -> Histogram {
        Histogram::of(&self.values)
    }

    /// The histogram of the outermost pixels.
    pub(crate) fn border_histogram(&self) -> Histogram {
        Histogram::of(&self.border().collect::<Vec<u8>>())
    }
}

/// The range that holds a place too.
pub(crate) fn extend(range: &mut Option<(usize, usize)>, place: usize) {
    *range = Some(match *range {
        None => (place, place),
        Some((first, last)) => (first.min(place), last.max(place)),
    });
}

/// How many pixels each grey level has.
pub(crate) struct Histogram(pub(crate) [usize; 256]);

impl Histogram {
    fn of(values: &[u8]) -> Self {
        // Four tables, because equal neighbours would wait for each other on one.
        let mut counts = [[0_usize; 256]; 4];
        for chunk in values.chunks(4) {
            for (&value, counts) in chunk.iter().zip(&mut counts) {
                counts[usize::from(value)] += 1;
            }
        }
        Self(std::array::from_fn(|level| {
            counts.iter().map(|counts| counts[level]).sum()
        }))
    }

    /// The least grey level with at least this part of the pixels at or below it; 0.5 is the
    /// median.
    pub(crate) fn quantile(&self, part: f64) -> u8 {
        let total: usize = self.0.iter().sum();
        let wanted = (part * total as f64).ceil().max(1.0) as usize;
        let mut seen = 0;
        for level in 0..=u8::MAX {
            seen += self.0[usize::from(level)];
            if seen >= wanted {
                return level;
            }
        }
        u8::MAX
    }

    /// The part of the pixels that are at most `distance` levels from this one.
    pub(crate) fn share_near(&self, level: u8, distance: u8) -> f64 {
        let levels = level.saturating_sub(distance)..=level.saturating_add(distance);
        let near: usize = levels.map(|level| self.0[usize::from(level)]).sum();
        near as f64 / self.0.iter().sum::<usize>().max(1) as f64
    }

    /// Only the pixels above a level.
    pub(crate) fn above(&self, level: u8) -> Self {
        let mut counts = self.0;
        counts[..=usize::from(level)].fill(0);
        Self(counts)
    }
}
