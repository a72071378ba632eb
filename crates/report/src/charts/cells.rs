//! A table of coloured cells with names above and on the left.

use super::{
    canvas::Canvas,
    shape::Point,
    text::{Anchor, TextStyle, text_width, widest},
    theme::{self, Colour},
};

/// Rows of cells of one size.
pub(crate) struct Cells {
    /// The left of the first column.
    pub(crate) left: f64,
    /// The top of the first row.
    pub(crate) top: f64,
    size: Point,
    rows: Vec<String>,
    columns: Vec<String>,
    /// How the names of rows and of columns look.
    styles: [TextStyle; 2],
    /// Whether the names of columns are too wide to be written horizontally.
    rotated: bool,
}

impl Cells {
    /// Makes space for the names after `margin` pixels on the left and at the top; the names
    /// of rows get at least `narrowest`.
    pub(crate) fn new(
        margin: Point,
        narrowest: f64,
        size: Point,
        rows: Vec<String>,
        columns: Vec<String>,
        styles: [TextStyle; 2],
    ) -> Self {
        let [row, column] = styles;
        let rotated = columns
            .iter()
            .any(|name| text_width(name, column.size) > size.0 - 2.0);
        let above = if rotated {
            widest(&columns, column.size)
        } else {
            14.0
        };
        Self {
            left: margin.0 + widest(&rows, row.size).max(narrowest),
            top: margin.1 + above,
            size,
            rows,
            columns,
            styles,
            rotated,
        }
    }

    /// The right of the last column.
    pub(crate) fn right(&self) -> f64 {
        self.left + self.size.0 * self.columns.len() as f64
    }

    /// The bottom of the last row.
    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.size.1 * self.rows.len() as f64
    }

    /// Writes the names of rows and columns.
    pub(crate) fn names(&self, canvas: &mut Canvas) {
        let [row_style, column_style] = self.styles;
        for (column, name) in self.columns.iter().enumerate() {
            let x = self.left + (column as f64 + 0.5) * self.size.0;
            if self.rotated {
                canvas.text(name, (x, self.top - 5.0), column_style.rotated());
            } else {
                let style = column_style.anchored(Anchor::Middle);
                canvas.text(name, (x, self.top - 9.0), style);
            }
        }
        for (row, name) in self.rows.iter().enumerate() {
            let y = self.top + (row as f64 + 0.5) * self.size.1;
            let style = row_style.anchored(Anchor::End);
            canvas.text(name, (self.left - 6.0, y), style);
        }
    }

    /// Draws lines between the cells.
    pub(crate) fn grid(&self, canvas: &mut Canvas) {
        let (right, bottom) = (self.right(), self.bottom());
        for row in 0..=self.rows.len() {
            let y = self.top + self.size.1 * row as f64;
            canvas.line(&[(self.left, y), (right, y)], theme::GRID, 0.6);
        }
        for column in 0..=self.columns.len() {
            let x = self.left + self.size.0 * column as f64;
            canvas.line(&[(x, self.top), (x, bottom)], theme::GRID, 0.6);
        }
    }

    /// Fills a cell, `gap` pixels from its edges, and writes into it a text of this size if
    /// there is one. `strength` is the opacity of the colour.
    pub(crate) fn fill(
        &self,
        canvas: &mut Canvas,
        (row, column): (usize, usize),
        (colour, strength): (Colour, f64),
        gap: f64,
        text: Option<(&str, f64)>,
    ) {
        let (width, height) = self.size;
        let x = self.left + column as f64 * width;
        let y = self.top + row as f64 * height;
        canvas.rect(
            (x + gap, y + gap),
            (width - 2.0 * gap, height - 2.0 * gap),
            colour,
            strength,
        );
        if let Some((text, size)) = text {
            let ink = if strength > 0.62 {
                theme::ON_CELL
            } else {
                theme::INK
            };
            let style = TextStyle::new(size, ink).anchored(Anchor::Middle);
            canvas.text(text, (x + width / 2.0, y + height / 2.0), style);
        }
    }
}
