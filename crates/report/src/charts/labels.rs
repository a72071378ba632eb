//! Placing the names of points so that they do not cover each other.
//!
//! Each name tries a fixed list of places around its point and takes the one that
//! covers least; the order of the points decides who chooses first. Exact solutions
//! are not worth their cost for a dozen names.

use super::{
    shape::{Area, Point},
    text::Anchor,
};

/// Where a name was put.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    /// The point of its anchor, vertically centred.
    pub(crate) at: Point,
    /// Which end of the name that is.
    pub(crate) anchor: Anchor,
    area: Area,
}

/// Half the height of a name.
const HALF: f64 = 7.0;
/// Half the size of a marker.
const MARKER: f64 = 7.0;

/// Distances from the point, with the side that the name begins on; the best first. The
/// lines of a Pareto front go right and up from a point, so above left comes first.
const CANDIDATES: [(f64, f64, Anchor); 12] = [
    (-7.0, -11.0, Anchor::End),
    (9.0, 11.0, Anchor::Start),
    (-9.0, 0.0, Anchor::End),
    (9.0, 0.0, Anchor::Start),
    (7.0, -11.0, Anchor::Start),
    (-7.0, 11.0, Anchor::End),
    (0.0, -16.0, Anchor::Middle),
    (0.0, 16.0, Anchor::Middle),
    (9.0, 24.0, Anchor::Start),
    (-9.0, 24.0, Anchor::End),
    (9.0, -24.0, Anchor::Start),
    (-9.0, -24.0, Anchor::End),
];

/// Places names of these widths beside their points, inside `frame` where they fit.
pub(crate) fn place(points: &[(Point, f64)], markers: &[Point], frame: Area) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::new();
    for &(point, width) in points {
        let mut best: Option<(f64, Placed)> = None;
        for (rank, &(dx, dy, anchor)) in CANDIDATES.iter().enumerate() {
            let at = (point.0 + dx, point.1 + dy);
            let left = match anchor {
                Anchor::Start => at.0,
                Anchor::Middle => at.0 - width / 2.0,
                Anchor::End => at.0 - width,
            };
            let area = (left, at.1 - HALF, left + width, at.1 + HALF);
            let covers: f64 =
                placed
                    .iter()
                    .map(|other| overlap(area, other.area))
                    .chain(markers.iter().map(|&(x, y)| {
                        overlap(area, (x - MARKER, y - MARKER, x + MARKER, y + MARKER))
                    }))
                    .sum();
            let whole = 2.0 * HALF * width;
            let outside = whole - overlap(area, frame);
            let cost = covers + 3.0 * outside + rank as f64;
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, Placed { at, anchor, area }));
            }
        }
        placed.extend(best.map(|(_, placed)| placed));
    }
    placed
}

fn overlap(a: Area, b: Area) -> f64 {
    let width = a.2.min(b.2) - a.0.max(b.0);
    let height = a.3.min(b.3) - a.1.max(b.1);
    width.max(0.0) * height.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Area = (0.0, 0.0, 400.0, 300.0);

    #[test]
    fn names_stay_inside_and_apart() {
        let points: Vec<(Point, f64)> =
            [(5.0, 5.0), (395.0, 295.0), (200.0, 150.0), (205.0, 152.0)]
                .map(|point| (point, 80.0))
                .to_vec();
        let markers: Vec<Point> = points.iter().map(|(point, _)| *point).collect();
        let placed = place(&points, &markers, FRAME);
        assert_eq!(placed.len(), 4);
        for (index, one) in placed.iter().enumerate() {
            assert_eq!(overlap(one.area, FRAME), 80.0 * 2.0 * HALF, "{one:?}");
            for other in &placed[..index] {
                assert_eq!(overlap(one.area, other.area), 0.0, "{one:?} {other:?}");
            }
        }
    }
}
