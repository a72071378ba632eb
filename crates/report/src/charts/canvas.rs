//! A chart in the making: plotters' SVG back end, with sizes in pixels.
//!
//! The back end has whole-number coordinates, so a pixel is drawn as ten units and
//! the `viewBox` scales it back. It measures text by bytes; nothing here lets it
//! measure any: text is placed by its anchor, and where room must be known,
//! [`text_width`] estimates it by characters.

use plotters::{
    coord::Shift,
    drawing::DrawingAreaErrorKind,
    element::{Circle, PathElement, Polygon, Rectangle, Text},
    prelude::{DrawingArea, IntoDrawingArea, SVGBackend},
    style::{
        Color, FontDesc, FontFamily, FontStyle, FontTransform, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    Chart,
    theme::{self, Colour},
};
use crate::ReportError;

/// Units in a pixel.
const UNIT: f64 = 10.0;
/// The back end divides font sizes by this.
const FONT_SCALE: f64 = 1.24;

/// What drawing returns.
pub(crate) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Where text hangs on its point.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    /// The text begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

/// How text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Face {
    /// Pixels.
    pub(crate) size: f64,
    /// Colour.
    pub(crate) colour: Colour,
    /// Where it hangs.
    pub(crate) anchor: Anchor,
    /// Bold.
    pub(crate) bold: bool,
    /// Reading upwards.
    pub(crate) upright: bool,
}

impl Face {
    /// Plain text of this size and colour, beginning at its point.
    pub(crate) const fn new(size: f64, colour: Colour) -> Self {
        Self {
            size,
            colour,
            anchor: Anchor::Start,
            bold: false,
            upright: false,
        }
    }

    /// The same, hanging elsewhere.
    pub(crate) const fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    /// The same, bold.
    pub(crate) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same, reading upwards.
    pub(crate) const fn upright(self) -> Self {
        Self {
            upright: true,
            ..self
        }
    }

    pub(super) fn style(self) -> TextStyle<'static> {
        let weight = if self.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let font = FontDesc::new(FontFamily::SansSerif, self.size * UNIT * FONT_SCALE, weight);
        let font = if self.upright {
            font.transform(FontTransform::Rotate270)
        } else {
            font
        };
        let horizontal = match self.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        font.color(&self.colour.rgb())
            .pos(Pos::new(horizontal, VPos::Center))
    }
}

/// A drawing area in pixels from the top left.
pub(crate) struct Canvas<'a> {
    pub(super) area: DrawingArea<SVGBackend<'a>, Shift>,
    /// Pixels.
    pub(crate) width: f64,
    /// Pixels.
    pub(crate) height: f64,
}

/// Draws a chart of so many pixels.
///
/// # Errors
/// [`ReportError::Chart`] when the back end fails, which it does not in memory.
pub(crate) fn draw(
    stem: &str,
    (width, height): (f64, f64),
    paint: impl FnOnce(&Canvas<'_>) -> Drawn,
) -> Result<Chart, ReportError> {
    let mut svg = String::new();
    let size = (units(width).unsigned_abs(), units(height).unsigned_abs());
    {
        let canvas = Canvas {
            area: SVGBackend::with_string(&mut svg, size).into_drawing_area(),
            width,
            height,
        };
        paint(&canvas)
            .and_then(|()| canvas.area.present())
            .map_err(|error| ReportError::Chart {
                chart: stem.to_owned(),
                reason: error.to_string(),
            })?;
    }
    Ok(Chart::new(stem, (width, height), &svg))
}

/// Pixels as the back end's whole units.
pub(super) fn units(pixels: f64) -> i32 {
    // A cast saturates, and turns NaN into 0.
    (pixels * UNIT).round() as i32
}

fn stroke(colour: Colour, opacity: f64, width: f64) -> ShapeStyle {
    ShapeStyle {
        color: colour.rgb().mix(opacity),
        filled: false,
        stroke_width: units(width).unsigned_abs(),
    }
}

fn fill(colour: Colour, opacity: f64) -> ShapeStyle {
    ShapeStyle {
        color: colour.rgb().mix(opacity),
        filled: true,
        stroke_width: 0,
    }
}

impl Canvas<'_> {
    /// A line through points.
    pub(crate) fn line(&self, points: &[(f64, f64)], colour: Colour, width: f64) -> Drawn {
        let path: Vec<(i32, i32)> = points.iter().map(|&(x, y)| (units(x), units(y))).collect();
        self.area
            .draw(&PathElement::new(path, stroke(colour, 1.0, width)))
    }

    /// A line of dashes between two points.
    pub(crate) fn dashed(&self, from: (f64, f64), to: (f64, f64), colour: Colour) -> Drawn {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        let steps = (length / 8.0).ceil().max(1.0);
        for step in 0..steps as usize {
            let at = |share: f64| (from.0 + dx * share, from.1 + dy * share);
            let begin = step as f64 / steps;
            self.line(&[at(begin), at(begin + 0.5 / steps)], colour, 1.0)?;
        }
        Ok(())
    }

    /// A filled rectangle.
    pub(crate) fn rect(
        &self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        colour: Colour,
        opacity: f64,
    ) -> Drawn {
        // Three digits: opacities of cells are read by eye.
        let opacity = (opacity * 1000.0).round() / 1000.0;
        self.area.draw(&Rectangle::new(
            [(units(x), units(y)), (units(x + width), units(y + height))],
            fill(colour, opacity),
        ))
    }

    /// A filled circle.
    pub(crate) fn dot(&self, (x, y): (f64, f64), radius: f64, colour: Colour) -> Drawn {
        self.area.draw(&Circle::new(
            (units(x), units(y)),
            units(radius),
            fill(colour, 1.0),
        ))
    }

    /// The mark of a series: its shape repeats after six, its colour after twelve.
    pub(crate) fn marker(&self, (x, y): (f64, f64), radius: f64, series: usize) -> Drawn {
        let style = fill(theme::series(series), 1.0);
        let corners = |points: &[(f64, f64)]| -> Vec<(i32, i32)> {
            points
                .iter()
                .map(|&(dx, dy)| (units(x + dx * radius), units(y + dy * radius)))
                .collect()
        };
        let polygon = |points: &[(f64, f64)]| self.area.draw(&Polygon::new(corners(points), style));
        match series % 6 {
            0 => self.dot((x, y), radius, theme::series(series)),
            1 => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            2 => polygon(&[(0.0, -1.15), (1.05, 0.8), (-1.05, 0.8)]),
            3 => polygon(&[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)]),
            4 => polygon(&[(0.0, 1.15), (1.05, -0.8), (-1.05, -0.8)]),
            _ => polygon(&[
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
            ]),
        }
    }

    /// Text, centred vertically on its point.
    pub(crate) fn text(&self, text: &str, (x, y): (f64, f64), face: Face) -> Drawn {
        self.area.draw(&Text::new(
            printable(text),
            (units(x), units(y)),
            face.style(),
        ))
    }
}

/// The text without characters that XML does not allow.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') {
                '\u{FFFD}'
            } else {
                c
            }
        })
        .collect()
}

/// The width of text in pixels, estimated on the large side by its characters.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.35,
            'm' | 'M' | 'W' | '%' | '@' | '…' => 1.0,
            'w' | '<' | '=' | '>' | '+' | '~' | '#' => 0.84,
            'A'..='Z' => 0.72,
            '\0'..='\u{2FF}' => 0.62,
            '\u{300}'..='\u{36F}' | '\u{200B}'..='\u{200F}' | '\u{FE00}'..='\u{FE0F}' => 0.0,
            '\u{370}'..='\u{10FF}' | '\u{2010}'..='\u{205F}' => 0.65,
            // Wide scripts, symbols and emoji.
            _ => 1.25,
        })
        .sum();
    ems * size
}

/// The text, or as much of its beginning as fits, with an ellipsis.
pub(crate) fn shortened(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if text_width(&kept, size) + size > width {
            kept.pop();
            break;
        }
    }
    format!("{}…", kept.trim_end())
}
