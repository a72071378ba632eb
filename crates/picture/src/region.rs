//! Regions of a mask: connected pixels, with all that lies between them.

use crate::{
    components::{Component, Connectivity, components},
    plane::{Plane, Rect, extend},
};

/// Connected pixels and what they enclose.
pub(crate) struct Region {
    /// Its pixels.
    pub(crate) pixels: usize,
    /// 255 at each place of the bounding box that lies between two of its pixels of one row or of one
    /// column, and at its pixels.
    pub(crate) inside: Plane,
    /// Pixels that are inside.
    pub(crate) area: usize,
    /// The bounding box.
    pub(crate) bounds: Rect,
}

impl Region {
    /// The part of its bounding box that lies inside; 1 for an upright rectangle.
    pub(crate) fn fills(&self) -> f64 {
        self.area as f64 / (self.bounds.width * self.bounds.height) as f64
    }

    /// The part of its convex hull that lies inside; less than 1 where a corner is missing.
    pub(crate) fn solidity(&self) -> f64 {
        // The corners of the outermost pixels of each row, as (row, column).
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (y, row) in self.inside.rows().enumerate() {
            let ends = [0, 1].map(|end| match end {
                0 => row.iter().position(|&value| value > 0),
                _ => row.iter().rposition(|&value| value > 0),
            });
            if let [Some(first), Some(last)] = ends {
                for y in [y, y + 1] {
                    extend_chain(&mut left, [y as f64, -(first as f64)]);
                    extend_chain(&mut right, [y as f64, last as f64 + 1.0]);
                }
            }
        }
        // Both chains go down; what lies right of column 0 on each of them, and between them.
        let beside = |chain: &[[f64; 2]]| -> f64 {
            let steps = chain.windows(2);
            steps
                .map(|pair| (pair[1][0] - pair[0][0]) * (pair[0][1] + pair[1][1]) / 2.0)
                .sum()
        };
        self.area as f64 / (beside(&left) + beside(&right))
    }

    /// The part of what is inside that belongs to the region itself.
    pub(crate) fn own_part(&self) -> f64 {
        self.pixels as f64 / self.area as f64
    }

    /// What is inside, as a mask of a part of the image.
    pub(crate) fn mask(&self, part: Rect) -> Plane {
        let mut out = Plane::new(part.width, vec![0; part.width * part.height]);
        let [first, end] = self
            .bounds
            .columns()
            .map(|x| x.clamp(part.left, part.left + part.width));
        for (y, row) in (self.bounds.top..).zip(self.inside.rows()) {
            if (part.top..part.top + part.height).contains(&y) {
                let to = (y - part.top) * part.width + first - part.left;
                let from = first - self.bounds.left..end - self.bounds.left;
                out.values[to..to + from.len()].copy_from_slice(&row[from]);
            }
        }
        out
    }

    /// Whether it touches the edge of the image, which is as large as `image`.
    pub(crate) fn touches_edge(&self, image: &Plane) -> bool {
        let ([left, right], [top, bottom]) = (self.bounds.columns(), self.bounds.rows());
        left == 0 || top == 0 || right == image.width || bottom == image.height
    }
}

/// The regions of `mask` (0 is outside) of at least so many pixels.
pub(crate) fn regions(mask: &Plane, least: usize) -> Vec<Region> {
    let (runs, components) = components(mask, 1, Connectivity::Four);
    let wanted = |&(_, component): &(usize, &Component)| component.pixels >= least;
    components
        .iter()
        .enumerate()
        .filter(wanted)
        .map(|(at, component)| {
            let mut rows = vec![None; mask.height];
            let mut columns = vec![None; mask.width];
            for run in runs.iter().filter(|run| run.component == at) {
                extend(&mut rows[run.y], run.from);
                extend(&mut rows[run.y], run.to - 1);
                for column in &mut columns[run.from..run.to] {
                    extend(column, run.y);
                }
            }
            let within = |range: &Option<(usize, usize)>, at: usize| {
                range.is_some_and(|(first, last)| (first..=last).contains(&at))
            };
            let bounds = component.bounds();
            let mut values = Vec::with_capacity(bounds.width * bounds.height);
            let [left, right] = bounds.columns();
            let [top, bottom] = bounds.rows();
            for (y, row) in (top..bottom).zip(&rows[top..bottom]) {
                for (x, column) in (left..right).zip(&columns[left..right]) {
                    let is_inside = within(row, x) || within(column, y);
                    values.push(if is_inside { u8::MAX } else { 0 });
                }
            }
            Region {
                pixels: component.pixels,
                area: values.iter().filter(|&&value| value > 0).count(),
                inside: Plane::new(bounds.width, values),
                bounds,
            }
        })
        .collect()
}

/// A point more on the outer side of a polygon, from the top to the bottom; those that a straight line
/// from before them passes by further out are left (A. Andrew, "Another efficient algorithm for
/// convex hulls in two dimensions", Information Processing Letters 9(5), 1979).
fn extend_chain(chain: &mut Vec<[f64; 2]>, [row, out]: [f64; 2]) {
    while let [.., [row_before, out_before], [row_last, out_last]] = chain[..] {
        let turn = (row_last - row_before) * (out - out_before)
            - (out_last - out_before) * (row - row_before);
        if turn < 0.0 {
            break;
        }
        chain.pop();
    }
    chain.push([row, out]);
}
