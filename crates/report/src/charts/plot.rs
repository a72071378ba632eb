//! A plot area with two axes, and the placing of labels beside it.

use super::{
    axis::Axis,
    canvas::Canvas,
    shape::{Area, Point},
    text::{Anchor, TextStyle},
    theme::{self, Colour},
};

/// Space above a plot area, for the title of the vertical axis.
const TOP: f64 = 38.0;
/// Space below it, for the horizontal axis and its title.
const BOTTOM: f64 = 46.0;

/// A plot area whose axes and grid are drawn.
pub(crate) struct Plot {
    x: Axis,
    y: Axis,
    pub(crate) frame: Area,
}

impl Plot {
    /// Draws axes and grid, with space for labels on the left and on the right.
    pub(crate) fn new(canvas: &mut Canvas, (left, right): (f64, f64), x: Axis, y: Axis) -> Self {
        let frame = (left, TOP, canvas.width - right, canvas.height - BOTTOM);
        canvas.mesh(frame, x.ticks(), y.ticks());
        canvas.text(&y.title, (4.0, TOP - 18.0), TextStyle::label());
        canvas.text(
            &x.title,
            (frame.2, canvas.height - 8.0),
            TextStyle::label().anchored(Anchor::End),
        );
        Self { x, y, frame }
    }

    /// Where a point lies, in pixels.
    pub(crate) fn at(&self, (x, y): Point) -> Point {
        let (left, top, right, bottom) = self.frame;
        (
            left + self.x.place(x) * (right - left),
            bottom - self.y.place(y) * (bottom - top),
        )
    }

    /// Where a point lies, in pixels, moved to the edge if it lies outside.
    pub(crate) fn inside(&self, point: Point) -> Point {
        let (left, top, right, bottom) = self.frame;
        let (x, y) = self.at(point);
        (x.clamp(left, right), y.clamp(top, bottom))
    }

    /// A line through points, cut off at the edges of the plot area.
    pub(crate) fn curve(&self, canvas: &mut Canvas, points: &[Point], colour: Colour, width: f64) {
        let pixels: Vec<Point> = points.iter().map(|&point| self.at(point)).collect();
        for piece in clipped(&pixels, self.frame) {
            let thin = thinned(&piece);
            if thin.len() > 1 {
                canvas.line(&thin, colour, width);
            }
        }
    }

    /// The dashed line from the lower left to the upper right of two axes from 0 to 1.
    pub(crate) fn diagonal(&self, canvas: &mut Canvas) {
        canvas.dashed(self.at((0.0, 0.0)), self.at((1.0, 1.0)), theme::AXIS);
    }

    /// Names of lines beside the plot area, each at the height in pixels where its line ends.
    pub(crate) fn end_labels(&self, canvas: &mut Canvas, labels: &[(&str, Colour, f64)]) {
        let (_, top, right, bottom) = self.frame;
        let ends: Vec<f64> = labels.iter().map(|label| label.2).collect();
        for ((name, colour, _), y) in labels.iter().zip(spread(&ends, 14.0, (top, bottom))) {
            canvas.rect((right + 5.0, y - 1.0), (5.0, 2.4), *colour, 1.0);
            canvas.text(*name, (right + 13.0, y), TextStyle::label());
        }
    }
}

/// A horizontal axis below rows: vertical grid lines over `area` and the names of the values
/// under it.
pub(crate) fn row_axis(canvas: &mut Canvas, axis: &Axis, (left, top, right, bottom): Area) {
    for (place, name) in axis.ticks() {
        let x = left + place * (right - left);
        canvas.line(&[(x, top), (x, bottom)], theme::GRID, 0.8);
        let style = TextStyle::tick().anchored(Anchor::Middle);
        canvas.text(name, (x, bottom + 12.0), style);
    }
}

/// Leaves out points that are less than half a pixel from the last one kept.
fn thinned(points: &[Point]) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for (index, &point) in points.iter().enumerate() {
        let near = kept
            .last()
            .is_some_and(|last| (point.0 - last.0).hypot(point.1 - last.1) < 0.5);
        if !near || index + 1 == points.len() {
            kept.push(point);
        }
    }
    kept
}

/// The pieces of a line that lie within a frame (Liang and Barsky's clipping, segment
/// by segment). Points that are not finite break the line.
fn clipped(points: &[Point], frame: Area) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = Vec::new();
    let mut open = false;
    for pair in points.windows(2) {
        let Some((a, b)) = segment(pair[0], pair[1], frame) else {
            open = false;
            continue;
        };
        match pieces.last_mut() {
            Some(piece) if open => piece.push(b),
            _ => pieces.push(vec![a, b]),
        }
        open = b == pair[1];
    }
    pieces
}

fn segment(a: Point, b: Point, frame: Area) -> Option<(Point, Point)> {
    if ![a.0, a.1, b.0, b.1].iter().all(|value| value.is_finite()) {
        return None;
    }
    let (left, top, right, bottom) = frame;
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (slope, space) in [
        (-dx, a.0 - left),
        (dx, right - a.0),
        (-dy, a.1 - top),
        (dy, bottom - a.1),
    ] {
        if slope == 0.0 {
            if space < 0.0 {
                return None;
            }
        } else if slope < 0.0 {
            enter = enter.max(space / slope);
        } else {
            leave = leave.min(space / slope);
        }
    }
    if enter > leave {
        return None;
    }
    let at = |share: f64| match share {
        0.0 => a,
        1.0 => b,
        _ => (a.0 + dx * share, a.1 + dy * share),
    };
    Some((at(enter), at(leave)))
}

/// Moves the wanted places apart until each has `gap`, within `low..=high` where they all
/// fit. Keeps their order.
fn spread(wanted: &[f64], gap: f64, (low, high): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    let mut placed = wanted.to_vec();
    let mut floor = low;
    for &index in &order {
        placed[index] = placed[index].max(floor);
        floor = placed[index] + gap;
    }
    let mut ceiling = high;
    for &index in order.iter().rev() {
        placed[index] = placed[index].min(ceiling);
        ceiling = placed[index] - gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FRAME: Area = (0.0, 0.0, 10.0, 10.0);

    #[test]
    fn a_line_that_leaves_and_comes_back_is_two_pieces() {
        let pieces = clipped(&[(1.0, 5.0), (1.0, 15.0), (3.0, 15.0), (3.0, 5.0)], FRAME);
        assert_eq!(
            pieces,
            [vec![(1.0, 5.0), (1.0, 10.0)], vec![(3.0, 10.0), (3.0, 5.0)]]
        );
    }

    #[test]
    fn points_that_are_not_numbers_break_the_line() {
        let pieces = clipped(
            &[(1.0, 1.0), (2.0, f64::NAN), (3.0, 3.0), (4.0, 4.0)],
            FRAME,
        );
        assert_eq!(pieces, [vec![(3.0, 3.0), (4.0, 4.0)]]);
    }

    proptest! {
        #[test]
        fn nothing_is_drawn_outside(points in prop::collection::vec((-30.0..30.0, -30.0..30.0), 2..20)) {
            for (x, y) in clipped(&points, FRAME).concat() {
                prop_assert!((-1e-9..=10.0 + 1e-9).contains(&x) && (-1e-9..=10.0 + 1e-9).contains(&y));
            }
        }

        #[test]
        fn labels_keep_their_distance(wanted in prop::collection::vec(0.0..100.0, 1..8)) {
            let mut placed = spread(&wanted, 12.0, (0.0, 100.0));
            placed.sort_by(f64::total_cmp);
            prop_assert!(placed.windows(2).all(|pair| pair[1] - pair[0] >= 12.0 - 1e-9));
            prop_assert!(placed.iter().all(|y| (-1e-9..=100.0 + 1e-9).contains(y)));
        }
    }
}
