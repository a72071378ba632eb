//! Small multiples: a small plot for each of many things, all with the same axes.

use super::{
    axis::Axis,
    canvas::Canvas,
    chart::Chart,
    legend::top_legend,
    shape::Point,
    text::{Anchor, LABEL_SIZE, TextStyle, shortened},
    theme,
};

/// One small plot.
pub(crate) struct Panel<'a> {
    pub(crate) title: &'a str,
    /// Series and points.
    pub(crate) lines: Vec<(usize, Vec<Point>)>,
}

/// What all panels have in common.
pub(crate) struct Panels<'a> {
    /// The models of the lines: name and series.
    pub(crate) models: &'a [(&'a str, usize)],
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Of the plot in a panel, in pixels.
    pub(crate) size: Point,
    /// Panels in a row at most.
    pub(crate) columns: usize,
    /// Whether the points have markers.
    pub(crate) markers: bool,
}

const LEFT: f64 = 46.0;
/// Between panels; the title is in the vertical one.
const GAP: Point = (14.0, 32.0);

impl Panels<'_> {
    /// Draws them row by row. The first panel of a row names the heights, the last one of a
    /// column the values below it.
    pub(crate) fn draw(&self, panels: Vec<Panel<'_>>) -> Chart {
        let columns = panels.len().clamp(1, self.columns);
        let rows = panels.len().div_ceil(columns);
        let pitch = (self.size.0 + GAP.0, self.size.1 + GAP.1);
        let width = LEFT + pitch.0 * columns as f64;
        let mut canvas = Canvas::new((width, 0.0));
        let top = 14.0 + top_legend(&mut canvas, self.models, LEFT);
        let height = top + pitch.1 * rows as f64 + 32.0;
        canvas.height = height;
        canvas.text(&self.y.title, (4.0, top - 8.0), TextStyle::label());
        canvas.text(
            &self.x.title,
            (width - 10.0, height - 8.0),
            TextStyle::label().anchored(Anchor::End),
        );
        for (index, panel) in panels.iter().enumerate() {
            let (row, column) = (index / columns, index % columns);
            let corner = (
                LEFT + pitch.0 * column as f64,
                top + pitch.1 * row as f64 + 22.0,
            );
            let lowest = index + columns >= panels.len();
            self.draw_panel(&mut canvas, corner, panel, (column == 0, lowest));
        }
        canvas.finish()
    }

    fn draw_panel(
        &self,
        canvas: &mut Canvas,
        (left, top): Point,
        panel: &Panel<'_>,
        (names_heights, names_values): (bool, bool),
    ) {
        let (right, bottom) = (left + self.size.0, top + self.size.1);
        let small = TextStyle::new(10.5, theme::MUTED);
        let title = shortened(panel.title, LABEL_SIZE, self.size.0);
        canvas.text(title, (left, top - 10.0), TextStyle::label().bold());
        for (share, name) in self.x.ticks() {
            let x = left + self.size.0 * share;
            if !self.markers {
                canvas.line(&[(x, top), (x, bottom)], theme::GRID, 0.8);
            }
            if names_values {
                canvas.text(name, (x, bottom + 9.0), small.anchored(Anchor::Middle));
            }
        }
        for (share, name) in self.y.ticks() {
            let y = bottom - self.size.1 * share;
            canvas.line(&[(left, y), (right, y)], theme::GRID, 0.8);
            if names_heights {
                canvas.text(name, (left - 4.0, y), small.anchored(Anchor::End));
            }
        }
        for (series, points) in panel.lines.iter().rev() {
            let points: Vec<Point> = points
                .iter()
                .map(|&(x, y)| {
                    (
                        left + self.size.0 * self.x.place(x),
                        bottom - self.size.1 * self.y.place(y).clamp(0.0, 1.0),
                    )
                })
                .collect();
            canvas.line(&points, theme::series(*series), 1.6);
            if self.markers {
                for &point in points.iter().skip(1) {
                    canvas.marker(point, 2.6, *series);
                }
            }
        }
    }
}
