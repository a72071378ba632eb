//! Regions of a mask: connected pixels, with all that lies between them.

use crate::{
    components::{Connectivity, components},
    plane::{Plane, Rect},
};

/// Connected pixels and what they enclose.
pub(crate) struct Region {
    /// Its pixels.
    pub(crate) pixels: usize,
    /// 255 at each place between two of its pixels of one row or of one column, and at its
    /// pixels.
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

    /// Whether it touches the edge of the image.
    pub(crate) fn touches_edge(&self) -> bool {
        let Rect {
            left,
            top,
            width,
            height,
        } = self.bounds;
        let (right, bottom) = (left + width, top + height);
        left == 0 || top == 0 || right == self.inside.width || bottom == self.inside.height
    }
}

/// The regions of `mask` (0 is outside) of at least so many pixels.
pub(crate) fn regions(mask: &Plane, least: usize) -> Vec<Region> {
    let (runs, components) = components(mask, 1, Connectivity::Four);
    let wanted =
        |&(_, component): &(usize, &crate::components::Component)| component.pixels >= least;
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
            let mut inside = Plane::new(mask.width, vec![0; mask.values.len()]);
            let mut area = 0;
            for (y, line) in inside.values.chunks_exact_mut(mask.width).enumerate() {
                for (x, value) in line.iter_mut().enumerate() {
                    if within(&rows[y], x) || within(&columns[x], y) {
                        *value = u8::MAX;
                        area += 1;
                    }
                }
            }
            Region {
                pixels: component.pixels,
                inside,
                area,
                bounds: component.bounds(),
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

/// The range that holds a place too.
fn extend(range: &mut Option<(usize, usize)>, place: usize) {
    *range = Some(match *range {
        None => (place, place),
        Some((first, last)) => (first.min(place), last.max(place)),
    });
}
