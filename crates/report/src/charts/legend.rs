//! What the lines and markers of a chart stand for.

use super::{
    canvas::Canvas,
    shape::Area,
    text::{Anchor, LABEL_SIZE, TextStyle, shortened, text_width},
    theme::{self, Colour},
};

/// The corner of a plot where no curve goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Corner {
    LowerLeft,
    LowerRight,
}

/// A list of names with a number each, in a corner of a plot; `head` says what the numbers
/// are.
pub(crate) fn corner_legend(
    canvas: &mut Canvas,
    (left, _, right, bottom): Area,
    corner: Corner,
    head: &str,
    rows: &[(&str, String, Colour)],
) {
    const LINE: f64 = 17.0;
    let widest = rows
        .iter()
        .map(|(label, _, _)| text_width(label, LABEL_SIZE))
        .fold(0.0, f64::max)
        .min(130.0);
    // A piece of line, the name, the number.
    let width = 26.0 + widest + 60.0;
    let from = match corner {
        Corner::LowerLeft => left + 14.0,
        Corner::LowerRight => right - 10.0 - width,
    };
    let (names, numbers) = (from + 26.0, from + width);
    let top = bottom - 12.0 - LINE * (rows.len() + 1) as f64;
    canvas.rect(
        (from - 8.0, top - 2.0),
        (width + 14.0, bottom - top - 4.0),
        theme::SURFACE,
        0.85,
    );
    let muted = TextStyle::new(11.0, theme::MUTED).anchored(Anchor::End);
    canvas.text(head, (numbers, top + LINE * 0.5), muted);
    for (index, (label, number, colour)) in rows.iter().enumerate() {
        let y = top + LINE * (index as f64 + 1.5);
        canvas.line(&[(from, y), (from + 18.0, y)], *colour, 2.6);
        let label = shortened(label, LABEL_SIZE, widest + 1.0);
        canvas.text(label, (names, y), TextStyle::label());
        canvas.text(
            number,
            (numbers, y),
            TextStyle::label().anchored(Anchor::End),
        );
    }
}

/// Model names with their markers above a chart, between `left` and the right edge, in as many
/// lines as they need. Returns the pixels from the top of the chart to their end.
pub(crate) fn top_legend(canvas: &mut Canvas, models: &[(&str, usize)], left: f64) -> f64 {
    let (mut x, mut y) = (left, 12.0);
    for (name, series) in models {
        let name = shortened(name, LABEL_SIZE, 130.0);
        let width = 26.0 + text_width(&name, LABEL_SIZE);
        if x + width > canvas.width && x > left {
            x = left;
            y += 20.0;
        }
        canvas.marker((x, y), 4.5, *series);
        canvas.text(name, (x + 9.0, y), TextStyle::label());
        x += width;
    }
    y + 14.0
}
