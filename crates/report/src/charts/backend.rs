//! The only file that talks to plotters: it turns shapes into the content of an SVG.
//!
//! The back end has whole-number coordinates, so a pixel is drawn as ten units, and the
//! `viewBox` scales it back. It measures text by bytes, so nothing here lets it measure
//! any: text is placed by its anchor.

use plotters::{
    chart::ChartBuilder,
    coord::{
        Shift,
        ranged1d::{DefaultFormatting, KeyPointHint, Ranged},
    },
    drawing::DrawingAreaErrorKind,
    element::{Circle, PathElement, Polygon, Rectangle, Text},
    prelude::{DrawingArea, IntoDrawingArea, SVGBackend},
    style::{
        Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBColor, ShapeStyle,
        TextStyle as PlottersText,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    shape::{Mesh, Point, Shape},
    text::{Anchor, TextStyle},
    theme::{self, Colour},
};

/// Units in a pixel.
const UNIT: f64 = 10.0;
/// The back end divides font sizes by this.
const FONT_SCALE: f64 = 1.24;

type Surface<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Pixels as the whole units of the back end.
pub(super) fn units(pixels: f64) -> i32 {
    // A cast saturates, and turns NaN into 0.
    (pixels * UNIT).round() as i32
}

/// The content of the `svg` element of a chart of this size in pixels.
///
/// # Errors
/// What plotters says where it fails, which it does not in memory.
pub(super) fn render((width, height): Point, shapes: &[Shape]) -> Result<String, String> {
    let mut svg = String::new();
    let size = (units(width).unsigned_abs(), units(height).unsigned_abs());
    {
        let surface = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        shapes
            .iter()
            .try_for_each(|shape| draw(&surface, (width, height), shape))
            .and_then(|()| surface.present())
            .map_err(|error| error.to_string())?;
    }
    Ok(compact(&svg))
}

fn draw(surface: &Surface<'_>, size: Point, shape: &Shape) -> Drawn {
    match shape {
        Shape::Line {
            points,
            colour,
            width,
        } => surface.draw(&PathElement::new(
            all_units(points),
            stroke(*colour, *width),
        )),
        Shape::Rectangle {
            area: (left, top, right, bottom),
            colour,
            opacity,
        } => surface.draw(&Rectangle::new(
            [in_units((*left, *top)), in_units((*right, *bottom))],
            fill(*colour, *opacity),
        )),
        Shape::Circle {
            centre,
            radius,
            colour,
        } => surface.draw(&Circle::new(
            in_units(*centre),
            units(*radius),
            fill(*colour, 1.0),
        )),
        Shape::Polygon { corners, colour } => {
            surface.draw(&Polygon::new(all_units(corners), fill(*colour, 1.0)))
        }
        Shape::Text { text, at, style } => surface.draw(&Text::new(
            printable(text),
            in_units(*at),
            text_style(*style),
        )),
        Shape::Mesh(mesh) => draw_mesh(surface, size, mesh),
    }
}

fn in_units((x, y): Point) -> (i32, i32) {
    (units(x), units(y))
}

fn all_units(points: &[Point]) -> Vec<(i32, i32)> {
    points.iter().map(|&point| in_units(point)).collect()
}

fn rgb(colour: Colour) -> RGBColor {
    let (r, g, b) = colour.light;
    RGBColor(r, g, b)
}

fn stroke(colour: Colour, width: f64) -> ShapeStyle {
    ShapeStyle {
        color: rgb(colour).to_rgba(),
        filled: false,
        stroke_width: units(width).unsigned_abs(),
    }
}

fn fill(colour: Colour, opacity: f64) -> ShapeStyle {
    ShapeStyle {
        color: rgb(colour).mix(opacity),
        filled: true,
        stroke_width: 0,
    }
}

fn text_style(style: TextStyle) -> PlottersText<'static> {
    let weight = if style.bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    let size = style.size * UNIT * FONT_SCALE;
    let mut font = FontDesc::new(FontFamily::SansSerif, size, weight);
    if style.rotated {
        font = font.transform(FontTransform::Rotate270);
    }
    let horizontal = match style.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    font.color(&rgb(style.colour))
        .pos(Pos::new(horizontal, VPos::Center))
}

/// An axis from 0 to 1 with lines at these places.
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

fn draw_mesh(surface: &Surface<'_>, (width, height): Point, mesh: &Mesh) -> Drawn {
    let (left, top, right, bottom) = mesh.frame;
    let places = |named: &[(f64, String)]| Places(named.iter().map(|tick| tick.0).collect());
    // Plotters asks for the name of a place that it has computed: the nearest one is meant.
    let name = |named: &[(f64, String)], place: f64| {
        let nearest = named
            .iter()
            .min_by(|a, b| (a.0 - place).abs().total_cmp(&(b.0 - place).abs()));
        nearest.map_or_else(String::new, |tick| tick.1.clone())
    };
    let line = |colour| stroke(colour, 0.8);
    ChartBuilder::on(surface)
        .margin_top(units(top))
        .margin_right(units(width - right))
        .x_label_area_size(units(height - bottom))
        .y_label_area_size(units(left))
        .build_cartesian_2d(places(&mesh.x), places(&mesh.y))?
        .configure_mesh()
        .light_line_style(rgb(theme::GRID).mix(0.0))
        .bold_line_style(line(theme::GRID))
        .axis_style(line(theme::AXIS))
        .set_all_tick_mark_size(units(3.5))
        .label_style(text_style(TextStyle::tick()))
        .x_label_formatter(&|place| name(&mesh.x, *place))
        .y_label_formatter(&|place| name(&mesh.y, *place))
        .draw()
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

/// The inside of the `svg` element, without attributes that have no effect.
fn compact(svg: &str) -> String {
    let inside = svg
        .split_once(">\n")
        .map_or(svg, |(_, rest)| rest)
        .trim_end()
        .trim_end_matches("</svg>");
    // Quotes in labels are escaped, so none of these can be part of one. A label stands on a
    // line of its own, which would show as a space.
    let inside = inside
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        .replace(" font-family=\"sans-serif\"", "")
        .replace(" \"/>", "\"/>")
        .replace("\">\n", "\">")
        .replace("\n</text>", "</text>");
    rounded_font_sizes(&inside)
}

/// The back end divides sizes by 1.24 and writes every digit of the result.
fn rounded_font_sizes(svg: &str) -> String {
    const KEY: &str = "font-size=\"";
    let mut pieces = svg.split(KEY);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (size, rest) = piece.split_once('"').unwrap_or((piece, ""));
        let size = size.parse::<f64>().unwrap_or_default().round();
        out += &format!("{KEY}{size}\"{rest}");
    }
    out
}
