//! A plot area with two axes, and the placing of labels in it.

use plotters::{
    chart::ChartBuilder,
    coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged},
    style::{Color, ShapeStyle},
};

use super::{
    axis::Axis,
    canvas::{Anchor, Canvas, Drawn, Face, units},
    theme::{self, Colour},
};

/// Size of the names of values on an axis.
pub(crate) const TICK_SIZE: f64 = 11.5;
/// Size of what an axis is called, and of labels in the plot.
pub(crate) const LABEL_SIZE: f64 = 12.0;

/// Room around the plot area, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Margins {
    /// Above it; the vertical axis is named there.
    pub(crate) top: f64,
    /// For labels of lines.
    pub(crate) right: f64,
    /// For the horizontal axis and its name.
    pub(crate) bottom: f64,
    /// For the names of values on the vertical axis.
    pub(crate) left: f64,
}

/// An axis as plotters sees it: from 0 to 1, with lines at these places. What values they
/// are, [`Axis`] knows.
struct Places(Vec<f64>);

impl Ranged for Places {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, (from, to): (i32, i32)) -> i32 {
        from + (place * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.0.clone()
        }
    }

    fn range(&self) -> std::ops::Range<f64> {
        0.0..1.0
    }
}

/// A plot area whose axes and grid are drawn.
pub(crate) struct Plot<'c, 'a> {
    canvas: &'c Canvas<'a>,
    x: Axis,
    y: Axis,
    /// The plot area: left, top, right, bottom in pixels.
    pub(crate) frame: (f64, f64, f64, f64),
}

impl<'c, 'a> Plot<'c, 'a> {
    /// Draws axes and grid.
    pub(crate) fn new(
        canvas: &'c Canvas<'a>,
        margins: Margins,
        x: Axis,
        y: Axis,
    ) -> Result<Self, plotters::drawing::DrawingAreaErrorKind<std::io::Error>> {
        let frame = (
            margins.left,
            margins.top,
            canvas.width - margins.right,
            canvas.height - margins.bottom,
        );
        let places = |axis: &Axis| axis.ticks().iter().map(|tick| tick.0).collect::<Vec<_>>();
        let name = |axis: &Axis, place: f64| {
            axis.ticks()
                .iter()
                .min_by(|a, b| (a.0 - place).abs().total_cmp(&(b.0 - place).abs()))
                .map(|tick| tick.1.to_owned())
                .unwrap_or_default()
        };
        let mut chart = ChartBuilder::on(&canvas.area)
            .margin_top(units(margins.top))
            .margin_right(units(margins.right))
            .x_label_area_size(units(margins.bottom))
            .y_label_area_size(units(margins.left))
            .build_cartesian_2d(Places(places(&x)), Places(places(&y)))?;
        let line = |colour: Colour| ShapeStyle {
            color: colour.rgb().to_rgba(),
            filled: false,
            stroke_width: units(0.8).unsigned_abs(),
        };
        let face = Face::new(TICK_SIZE, theme::MUTED);
        chart
            .configure_mesh()
            .light_line_style(theme::GRID.rgb().mix(0.0))
            .bold_line_style(line(theme::GRID))
            .axis_style(line(theme::AXIS))
            .set_all_tick_mark_size(units(3.5))
            .label_style(face.style())
            .x_label_formatter(&|place| name(&x, *place))
            .y_label_formatter(&|place| name(&y, *place))
            .draw()?;
        canvas.text(
            &y.title,
            (4.0, margins.top - 18.0),
            Face::new(LABEL_SIZE, theme::INK),
        )?;
        canvas.text(
            &x.title,
            (frame.2, canvas.height - 8.0),
            Face::new(LABEL_SIZE, theme::INK).anchored(Anchor::End),
        )?;
        Ok(Self {
            canvas,
            x,
            y,
            frame,
        })
    }

    /// Where a point lies, in pixels.
    pub(crate) fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (left, top, right, bottom) = self.frame;
        (
            left + self.x.place(x) * (right - left),
            bottom - self.y.place(y) * (bottom - top),
        )
    }

    /// Where a point lies, in pixels, moved to the edge if it lies outside.
    pub(crate) fn inside(&self, point: (f64, f64)) -> (f64, f64) {
        let (left, top, right, bottom) = self.frame;
        let (x, y) = self.at(point);
        (x.clamp(left, right), y.clamp(top, bottom))
    }

    /// A line through points, cut off at the edges of the plot area.
    pub(crate) fn curve(&self, points: &[(f64, f64)], colour: Colour, width: f64) -> Drawn {
        let pixels: Vec<(f64, f64)> = points.iter().map(|&point| self.at(point)).collect();
        for piece in clipped(&pixels, self.frame) {
            let thin = thinned(&piece);
            if thin.len() > 1 {
                self.canvas.line(&thin, colour, width)?;
            }
        }
        Ok(())
    }
}

/// Leaves out points that are less than half a pixel from the last one kept. Enough for
/// curves that never turn back, whose length bounds the number of points.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
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
fn clipped(points: &[(f64, f64)], frame: (f64, f64, f64, f64)) -> Vec<Vec<(f64, f64)>> {
    let mut pieces: Vec<Vec<(f64, f64)>> = Vec::new();
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

type Point = (f64, f64);

fn segment(a: Point, b: Point, frame: (f64, f64, f64, f64)) -> Option<(Point, Point)> {
    if ![a.0, a.1, b.0, b.1].iter().all(|value| value.is_finite()) {
        return None;
    }
    let (left, top, right, bottom) = frame;
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (slope, room) in [
        (-dx, a.0 - left),
        (dx, right - a.0),
        (-dy, a.1 - top),
        (dy, bottom - a.1),
    ] {
        if slope == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if slope < 0.0 {
            enter = enter.max(room / slope);
        } else {
            leave = leave.min(room / slope);
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

/// Moves wished places apart until each has `gap`, within `low..=high` where they all
/// fit. Keeps their order.
pub(crate) fn spread(wished: &[f64], gap: f64, (low, high): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wished.len()).collect();
    order.sort_by(|&a, &b| wished[a].total_cmp(&wished[b]));
    let mut placed = wished.to_vec();
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

    const FRAME: (f64, f64, f64, f64) = (0.0, 0.0, 10.0, 10.0);

    #[test]
    fn a_line_that_leaves_and_comes_back_is_two_pieces() {
        let pieces = clipped(&[(1.0, 5.0), (1.0, 15.0), (3.0, 15.0), (3.0, 5.0)], FRAME);
        assert_eq!(
            pieces,
            [vec![(1.0, 5.0), (1.0, 10.0)], vec![(3.0, 10.0), (3.0, 5.0)]]
        );
    }

    #[test]
    fn points_that_are_no_numbers_break_the_line() {
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
        fn labels_keep_their_distance(wished in prop::collection::vec(0.0..100.0, 1..8)) {
            let mut placed = spread(&wished, 12.0, (0.0, 100.0));
            placed.sort_by(f64::total_cmp);
            prop_assert!(placed.windows(2).all(|pair| pair[1] - pair[0] >= 12.0 - 1e-9));
            prop_assert!(placed.iter().all(|y| (-1e-9..=100.0 + 1e-9).contains(y)));
        }
    }
}
