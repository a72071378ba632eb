//! Parts of images, coloured by a number: a small panel for each of many things, in one scale.

use super::{
    canvas::Canvas,
    chart::Chart,
    text::{LABEL_SIZE, TextStyle, shortened},
    theme::{self, Colour},
};

/// A panel.
pub(crate) struct Heat<'a> {
    pub(crate) title: &'a str,
    /// What is written below it.
    pub(crate) note: String,
    /// Rows of cells, each from 0 to 1.
    pub(crate) rows: Vec<Vec<f64>>,
    pub(crate) colour: Colour,
}

/// The longer side of a panel, and what is between panels: the titles are in the vertical space.
const SIDE: f64 = 118.0;
const GAP: (f64, f64) = (26.0, 52.0);
/// Panels in a row.
const COLUMNS: usize = 5;

/// Draws the panels row by row.
pub(crate) fn heats(panels: &[Heat<'_>]) -> Chart {
    let columns = panels.len().clamp(1, COLUMNS);
    let rows = panels.len().div_ceil(columns);
    let pitch = (SIDE + GAP.0, SIDE + GAP.1);
    let width = 10.0 + pitch.0 * columns as f64;
    let mut canvas = Canvas::new((width, 10.0 + pitch.1 * rows as f64));
    for (index, panel) in panels.iter().enumerate() {
        let left = 10.0 + pitch.0 * (index % columns) as f64;
        let top = 26.0 + pitch.1 * (index / columns) as f64;
        let high = panel.rows.len();
        let wide = panel.rows.first().map_or(0, Vec::len);
        let cell = SIDE / high.max(wide).max(1) as f64;
        let size = (cell * wide as f64, cell * high as f64);
        let title = shortened(panel.title, LABEL_SIZE, pitch.0 - 8.0);
        canvas.text(title, (left, top - 10.0), TextStyle::label().bold());
        canvas.rect((left, top), size, theme::GRID, 0.35);
        for (y, row) in panel.rows.iter().enumerate() {
            for (x, &strength) in row.iter().enumerate() {
                if strength > 0.005 {
                    let corner = (left + cell * x as f64, top + cell * y as f64);
                    canvas.rect(corner, (cell, cell), panel.colour, strength.min(1.0));
                }
            }
        }
        let small = TextStyle::new(10.5, theme::MUTED);
        canvas.text(&panel.note, (left, top + size.1 + 11.0), small);
    }
    canvas.finish()
}
