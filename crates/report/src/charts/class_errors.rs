//! The classes that each model finds hard.
//!
//! Up to twenty classes are rows, with the models side by side and every value
//! written; more are columns, with colour alone.

use super::{
    Chart,
    canvas::{Anchor, Canvas, Drawn, Face, draw, shortened, text_width},
    confusion::widest_label,
    theme,
};
use crate::{ReportError, format};

/// How much of each class each model gets wrong.
pub(crate) struct ClassErrors<'a> {
    /// The names of the classes.
    pub(crate) classes: &'a [String],
    /// The models: name and, for each class, the share that is wrong; `None` where
    /// the class has no test samples.
    pub(crate) models: Vec<(&'a str, Vec<Option<f64>>)>,
}

/// A table of cells with names on two sides.
struct Cells {
    left: f64,
    top: f64,
    /// Of one cell.
    size: (f64, f64),
    rows: Vec<String>,
    columns: Vec<String>,
    /// Size of the names.
    text: f64,
}

/// Draws a cell for each class and model.
pub(crate) fn class_errors(stem: &str, errors: &ClassErrors<'_>) -> Result<Chart, ReportError> {
    let models: Vec<String> = errors
        .models
        .iter()
        .map(|(name, _)| shortened(name, 12.0, 110.0))
        .collect();
    let classes_down = errors.classes.len() <= 20;
    // Beside rows there is more room than above columns.
    let room = if classes_down { 130.0 } else { 96.0 };
    let classes: Vec<String> = errors
        .classes
        .iter()
        .map(|name| shortened(name, 12.0, room))
        .collect();
    let (rows, columns) = if classes_down {
        (classes, models)
    } else {
        (models, classes)
    };
    let (width, height) = if classes_down {
        (
            (320.0 / columns.len().max(1) as f64).clamp(44.0, 84.0),
            26.0,
        )
    } else {
        (
            (800.0 / columns.len().max(1) as f64).clamp(11.0, 22.0),
            22.0,
        )
    };
    let text = width.min(12.0);
    let left = 16.0 + widest_label(&rows, 12.0).max(30.0);
    let upright = columns
        .iter()
        .any(|name| text_width(name, text) > width - 3.0);
    let top = 12.0
        + if upright {
            widest_label(&columns, text)
        } else {
            14.0
        };
    let cells = Cells {
        left,
        top,
        size: (width, height),
        rows,
        columns,
        text,
    };
    let worst = errors
        .models
        .iter()
        .flat_map(|(_, shares)| shares.iter().flatten())
        .copied()
        .fold(1e-3, f64::max);
    let size = (
        left + width * cells.columns.len() as f64 + 8.0,
        top + height * cells.rows.len() as f64 + 10.0,
    );
    draw(stem, (size.0.max(240.0), size.1), |canvas| {
        cells.names(canvas, upright)?;
        for (model, (_, shares)) in errors.models.iter().enumerate() {
            for class in 0..errors.classes.len() {
                let share = shares.get(class).copied().flatten();
                let place = if classes_down {
                    (class, model)
                } else {
                    (model, class)
                };
                cells.cell(canvas, place, share, worst)?;
            }
        }
        Ok(())
    })
}

impl Cells {
    fn names(&self, canvas: &Canvas<'_>, upright: bool) -> Drawn {
        for (column, name) in self.columns.iter().enumerate() {
            let at = self.left + (column as f64 + 0.5) * self.size.0;
            let face = Face::new(self.text, theme::INK);
            if upright {
                canvas.text(name, (at, self.top - 5.0), face.upright())?;
            } else {
                let face = face.anchored(Anchor::Middle);
                canvas.text(name, (at, self.top - 9.0), face)?;
            }
        }
        for (row, name) in self.rows.iter().enumerate() {
            let y = self.top + (row as f64 + 0.5) * self.size.1;
            let face = Face::new(12.0, theme::INK).anchored(Anchor::End);
            canvas.text(name, (self.left - 6.0, y), face)?;
        }
        Ok(())
    }

    fn cell(
        &self,
        canvas: &Canvas<'_>,
        (row, column): (usize, usize),
        share: Option<f64>,
        worst: f64,
    ) -> Drawn {
        let (width, height) = self.size;
        let x = self.left + column as f64 * width;
        let y = self.top + row as f64 * height;
        let strength = share.map_or(0.0, |share| 0.04 + 0.9 * (share / worst).sqrt());
        canvas.rect(
            (x + 1.0, y + 1.0),
            (width - 2.0, height - 2.0),
            theme::WRONG,
            strength,
        )?;
        let text = match share {
            Some(_) if width < 30.0 => return Ok(()),
            Some(share) => format!("{:.1}", 100.0 * share),
            None => format::NOTHING.to_owned(),
        };
        let ink = if strength > 0.62 {
            theme::ON_CELL
        } else {
            theme::INK
        };
        canvas.text(
            &text,
            (x + width / 2.0, y + height / 2.0),
            Face::new(11.5, ink).anchored(Anchor::Middle),
        )
    }
}
