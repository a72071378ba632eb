//! A chart in the making: a list of shapes.

use super::{
    chart::Chart,
    shape::{Area, Mesh, Point, Shape},
    text::TextStyle,
    theme::{self, Colour},
};

/// Collects the shapes of a chart, in pixels from the top left.
pub(crate) struct Canvas {
    /// Pixels.
    pub(crate) width: f64,
    /// Pixels.
    pub(crate) height: f64,
    shapes: Vec<Shape>,
}

impl Canvas {
    pub(crate) const fn new((width, height): Point) -> Self {
        Self {
            width,
            height,
            shapes: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> Chart {
        Chart::new((self.width, self.height), &self.shapes)
    }

    /// A line through points.
    pub(crate) fn line(&mut self, points: &[Point], colour: Colour, width: f64) {
        self.shapes.push(Shape::Line {
            points: points.to_vec(),
            colour,
            width,
        });
    }

    /// A dashed line between two points.
    pub(crate) fn dashed(&mut self, from: Point, to: Point, colour: Colour) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let steps = (dx.hypot(dy) / 8.0).ceil().max(1.0);
        let at = |share: f64| (from.0 + dx * share, from.1 + dy * share);
        for step in 0..steps as usize {
            let begin = step as f64 / steps;
            self.line(&[at(begin), at(begin + 0.5 / steps)], colour, 1.0);
        }
    }

    /// A filled rectangle by its upper left corner and its size.
    pub(crate) fn rect(
        &mut self,
        (x, y): Point,
        (width, height): Point,
        colour: Colour,
        opacity: f64,
    ) {
        self.shapes.push(Shape::Rectangle {
            area: (x, y, x + width, y + height),
            colour,
            // The eye sees no more than three digits.
            opacity: (opacity * 1000.0).round() / 1000.0,
        });
    }

    /// A filled circle.
    pub(crate) fn dot(&mut self, centre: Point, radius: f64, colour: Colour) {
        self.shapes.push(Shape::Circle {
            centre,
            radius,
            colour,
        });
    }

    /// The marker of a series: its shape repeats after six, its colour after twelve.
    pub(crate) fn marker(&mut self, (x, y): Point, radius: f64, series: usize) {
        let colour = theme::series(series);
        let corners: &[Point] = match series % 6 {
            0 => return self.dot((x, y), radius, colour),
            1 => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            2 => &[(0.0, -1.15), (1.05, 0.8), (-1.05, 0.8)],
            3 => &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
            4 => &[(0.0, 1.15), (1.05, -0.8), (-1.05, -0.8)],
            _ => &[
                (-0.4, -1.1),
                (0.4, -1.1),
                (0.4, -0.4),
                (1.1, -0.4),
                (1.1, 0.4),
                (0.4, 0.4),
                (0.4, 1.1),
                (-0.4, 1.1),
                (-0.4, 0.4),
                (-1.1, 0.4),
                (-1.1, -0.4),
                (-0.4, -0.4),
            ],
        };
        self.shapes.push(Shape::Polygon {
            corners: corners
                .iter()
                .map(|&(dx, dy)| (x + dx * radius, y + dy * radius))
                .collect(),
            colour,
        });
    }

    /// Text, centred vertically on its point.
    pub(crate) fn text(&mut self, text: impl Into<String>, at: Point, style: TextStyle) {
        self.shapes.push(Shape::Text {
            text: text.into(),
            at,
            style,
        });
    }

    /// Two axes with their grid around a plot area.
    pub(crate) fn mesh(&mut self, frame: Area, x: Vec<(f64, String)>, y: Vec<(f64, String)>) {
        self.shapes.push(Shape::Mesh(Mesh { frame, x, y }));
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::text::{Anchor, TextStyle},
        *,
    };

    #[test]
    fn labels_are_escaped_and_stand_alone_on_their_point() {
        let mut canvas = Canvas::new((100.0, 50.0));
        let style = TextStyle::label().anchored(Anchor::Middle);
        canvas.text("<script>&\"é😀\u{7}", (50.0, 25.0), style);
        let svg = canvas.finish().standalone();
        assert!(
            svg.contains(">&lt;script&gt;&amp;&quot;é😀\u{FFFD}</text>"),
            "{svg}"
        );
        assert!(svg.contains("font-size=\"120\""), "{svg}");
        assert!(svg.contains("viewBox=\"0 0 1000 500\""), "{svg}");
    }
}
