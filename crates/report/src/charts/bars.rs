//! Bars: how many samples of each class there are.

use super::{
    Chart,
    axis::Axis,
    canvas::{Anchor, Face, draw, shortened, text_width},
    plot::TICK_SIZE,
    theme,
};
use crate::{ReportError, format};

/// Samples of each class.
pub(crate) struct ClassCounts<'a> {
    /// The names of the classes.
    pub(crate) classes: &'a [String],
    /// Training samples of each.
    pub(crate) train: &'a [usize],
    /// Test samples of each.
    pub(crate) test: &'a [usize],
}

/// Draws two bars for each class, lying, on one axis from zero.
pub(crate) fn class_counts(stem: &str, counts: &ClassCounts<'_>) -> Result<Chart, ReportError> {
    let rows = counts.classes.len();
    let height = if rows <= 20 { 26.0 } else { 14.0 };
    let size = if rows <= 20 { 12.0 } else { 10.0 };
    let left = 14.0
        + counts
            .classes
            .iter()
            .map(|name| text_width(&shortened(name, size, 96.0), size))
            .fold(14.0, f64::max);
    let (top, right) = (30.0, 60.0);
    let most = counts.train.iter().chain(counts.test).copied().max();
    let most = most.unwrap_or_default().max(1) as f64;
    let bottom = top + height * rows as f64;
    draw(stem, (440.0, bottom + 28.0), |canvas| {
        let axis = Axis::linear((0.0, most), 4, "", |value| format::count(value as u64));
        let room = canvas.width - left - right;
        for (place, name) in axis.ticks() {
            let x = left + place * room;
            canvas.line(&[(x, top), (x, bottom)], theme::GRID, 0.8)?;
            let face = Face::new(TICK_SIZE, theme::MUTED).anchored(Anchor::Middle);
            canvas.text(name, (x, bottom + 12.0), face)?;
        }
        let ink = Face::new(12.0, theme::INK);
        canvas.rect((left, 8.0), (12.0, 10.0), theme::series(0), 1.0)?;
        canvas.text("training", (left + 17.0, 13.0), ink)?;
        canvas.rect((left + 84.0, 8.0), (12.0, 10.0), theme::series(4), 1.0)?;
        canvas.text("test", (left + 101.0, 13.0), ink)?;
        for (row, name) in counts.classes.iter().enumerate() {
            let y = top + height * row as f64;
            canvas.text(
                &shortened(name, size, 96.0),
                (left - 6.0, y + height / 2.0),
                Face::new(size, theme::MUTED).anchored(Anchor::End),
            )?;
            let bar = (height - 4.0) / 2.0;
            for (index, (of, series)) in [(counts.train, 0), (counts.test, 4)].iter().enumerate() {
                let value = of.get(row).copied().unwrap_or_default();
                let length = value as f64 / most * room;
                let y = y + 2.0 + bar * index as f64;
                canvas.rect((left, y), (length, bar), theme::series(*series), 1.0)?;
                if bar >= 9.0 {
                    canvas.text(
                        &format::count(value as u64),
                        (left + length + 4.0, y + bar / 2.0),
                        Face::new(9.5, theme::MUTED),
                    )?;
                }
            }
        }
        Ok(())
    })
}
