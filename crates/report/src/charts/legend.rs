//! A list of names with a number each, in a corner of a plot where no curve goes.

use super::{
    canvas::{Anchor, Canvas, Drawn, Face, shortened, text_width},
    plot::LABEL_SIZE,
    theme::{self, Colour},
};

/// Where there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Corner {
    LowerLeft,
    LowerRight,
}

/// Names, numbers and colours under what the numbers are.
pub(crate) fn legend(
    canvas: &Canvas<'_>,
    (left, _, right, bottom): (f64, f64, f64, f64),
    corner: Corner,
    head: &str,
    rows: &[(&str, String, Colour)],
) -> Drawn {
    const LINE: f64 = 17.0;
    let widest = rows
        .iter()
        .map(|(label, _, _)| text_width(label, LABEL_SIZE))
        .fold(0.0, f64::max)
        .min(130.0);
    // A swatch, the name, the number.
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
    )?;
    let muted = Face::new(11.0, theme::MUTED).anchored(Anchor::End);
    canvas.text(head, (numbers, top + LINE * 0.5), muted)?;
    for (index, (label, number, colour)) in rows.iter().enumerate() {
        let at = top + LINE * (index as f64 + 1.5);
        canvas.line(&[(from, at), (from + 18.0, at)], *colour, 2.6)?;
        let face = Face::new(LABEL_SIZE, theme::INK);
        let label = shortened(label, LABEL_SIZE, widest + 1.0);
        canvas.text(&label, (names, at), face)?;
        canvas.text(number, (numbers, at), face.anchored(Anchor::End))?;
    }
    Ok(())
}
