//! The vocabulary of drawing: what every chart is made of. Places are pixels from the top
//! left.

use super::{text::TextStyle, theme::Colour};

/// A place or a size: horizontal, vertical.
pub(crate) type Point = (f64, f64);

/// A rectangle: left, top, right, bottom.
pub(crate) type Area = (f64, f64, f64, f64);

/// One thing to draw.
pub(crate) enum Shape {
    /// A line through points.
    Line {
        points: Vec<Point>,
        colour: Colour,
        width: f64,
    },
    /// A filled rectangle.
    Rectangle {
        area: Area,
        colour: Colour,
        opacity: f64,
    },
    /// A filled circle.
    Circle {
        centre: Point,
        radius: f64,
        colour: Colour,
    },
    /// A filled polygon.
    Polygon { corners: Vec<Point>, colour: Colour },
    /// Text, centred vertically on its point.
    Text {
        text: String,
        at: Point,
        style: TextStyle,
    },
    /// Two axes with their grid around a plot area.
    Mesh(Mesh),
}

/// Two axes with their grid. Values are shares of the axis, from 0 to 1.
pub(crate) struct Mesh {
    /// The plot area inside the chart.
    pub(crate) frame: Area,
    /// The named values of the horizontal axis.
    pub(crate) x: Vec<(f64, String)>,
    /// The named values of the vertical axis.
    pub(crate) y: Vec<(f64, String)>,
}
