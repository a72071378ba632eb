//! The sides of a region of the paper, and the lines along them.

use crate::{line::Line, plane::Plane};

/// Pixels of the small copy that a line may lie beside where it would go on straight.
const SLACK: f64 = 1.0;

/// One of the directions in which a region ends.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

/// The outermost place inside a region, in one row or column.
pub(crate) struct Edge {
    /// The row or column.
    line: usize,
    at: usize,
    /// Whether there is ink: a stroke that goes on into the line.
    pub(crate) is_ink: bool,
    /// Pixels of ink in a row that follow it outwards.
    pub(crate) run: usize,
    /// From a place to the next one outwards.
    stride: isize,
    /// Places from here to the edge of the image.
    left: usize,
}

impl Edge {
    /// The place that many steps outwards, if it is in the image.
    pub(crate) fn outwards(&self, steps: usize) -> Option<usize> {
        let offset = self.stride * isize::try_from(steps).ok()?;
        (steps <= self.left)
            .then(|| self.at.checked_add_signed(offset))
            .flatten()
    }
}

impl Side {
    pub(crate) const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Top, Self::Bottom];

    /// The rows or columns across this side, and the pixels along each of them.
    fn extent(self, marks: &Plane) -> [usize; 2] {
        match self {
            Self::Left | Self::Right => [marks.height, marks.width],
            Self::Top | Self::Bottom => [marks.width, marks.height],
        }
    }

    /// The place in a row or column that is so many steps from the image's edge on this side.
    fn place(self, marks: &Plane, line: usize, step: usize) -> usize {
        let (width, height) = (marks.width, marks.height);
        match self {
            Self::Left => line * width + step,
            Self::Right => line * width + width - 1 - step,
            Self::Top => step * width + line,
            Self::Bottom => (height - 1 - step) * width + line,
        }
    }

    /// The places where the line along the edges would go on, straight, beyond both corners; it is
    /// so many pixels thick.
    pub(crate) fn beyond_corners(
        self,
        marks: &Plane,
        edges: &[Edge],
        thickness: usize,
    ) -> Vec<usize> {
        // Near the corners of a box that is turned, edges are those of its other sides.
        let quarter = edges.len() / 4;
        let points: Vec<[f64; 2]> = edges[quarter..edges.len() - quarter]
            .iter()
            .map(|edge| [edge.line as f64, edge.left as f64])
            .collect();
        let (Some(first), Some(last), Some(line)) =
            (edges.first(), edges.last(), Line::through(&points))
        else {
            return Vec::new();
        };
        let [lines, along] = self.extent(marks);
        let beyond = (0..first.line).chain(last.line + 1..lines);
        beyond
            .flat_map(|at| {
                let end = line.at(at as f64).round() + SLACK;
                let from = (end - 2.0 * SLACK - thickness as f64).clamp(0.0, along as f64);
                (from as usize..end.clamp(0.0, along as f64) as usize)
                    .map(move |step| self.place(marks, at, step))
            })
            .collect()
    }

    /// The edge in each row or column of the region.
    pub(crate) fn edges(self, marks: &Plane, inside: &Plane) -> Vec<Edge> {
        let width = marks.width;
        let [lines, along] = self.extent(marks);
        let place = |line: usize, step: usize| self.place(marks, line, step);
        let stride = match self {
            Self::Left => -1,
            Self::Right => 1,
            Self::Top => -(width as isize),
            Self::Bottom => width as isize,
        };
        (0..lines)
            .filter_map(|line| {
                let left = (0..along).find(|&step| inside.values[place(line, step)] > 0)?;
                let outwards = (0..left).rev().map(|step| marks.values[place(line, step)]);
                Some(Edge {
                    line,
                    at: place(line, left),
                    is_ink: marks.values[place(line, left)] > 0,
                    run: outwards.take_while(|&mark| mark > 0).count(),
                    stride,
                    left,
                })
            })
            .collect()
    }
}

/// Pixels of ink that follow most of an edge.
pub(crate) fn thickness(edges: &[Edge]) -> usize {
    let is_line = |edge: &&Edge| !edge.is_ink;
    let mut runs: Vec<usize> = edges.iter().filter(is_line).map(|edge| edge.run).collect();
    runs.sort_unstable();
    runs.get(runs.len() / 2).copied().unwrap_or(0)
}
