//! Bars: how many samples of each class there are.

use bakeoff_measures::{Unit, format};

use super::{
    axis::Axis,
    canvas::Canvas,
    chart::Chart,
    plot::row_axis,
    text::{Anchor, TextStyle, shortened, widest},
    theme,
};

/// Draws two horizontal bars for each class: its training and its test samples.
pub(crate) fn class_counts(classes: &[String], train: &[usize], test: &[usize]) -> Chart {
    let (height, size) = if classes.len() <= 20 {
        (26.0, 12.0)
    } else {
        (14.0, 10.0)
    };
    let names: Vec<String> = classes
        .iter()
        .map(|name| shortened(name, size, 96.0))
        .collect();
    let left = 14.0 + widest(&names, size).max(14.0);
    let top = 30.0;
    let bottom = top + height * classes.len() as f64;
    let mut canvas = Canvas::new((440.0, bottom + 28.0));
    let right = canvas.width - 60.0;
    let most = train.iter().chain(test).copied().max().unwrap_or_default();
    let most = most.max(1) as f64;
    let axis = Axis::linear((0.0, most), 4, "", Unit::Count);
    row_axis(&mut canvas, &axis, (left, top, right, bottom));
    let parts = [("training", train, 0, 0.0), ("test", test, 4, 84.0)];
    for (name, _, series, x) in parts {
        let x = left + x;
        canvas.rect((x, 8.0), (12.0, 10.0), theme::series(series), 1.0);
        canvas.text(name, (x + 17.0, 13.0), TextStyle::label());
    }
    let bar = (height - 4.0) / 2.0;
    for (row, name) in names.into_iter().enumerate() {
        let y = top + height * row as f64;
        let style = TextStyle::new(size, theme::MUTED).anchored(Anchor::End);
        canvas.text(name, (left - 6.0, y + height / 2.0), style);
        for (index, (_, counts, series, _)) in parts.iter().enumerate() {
            let count = counts.get(row).copied().unwrap_or_default();
            let length = count as f64 / most * (right - left);
            let y = y + 2.0 + bar * index as f64;
            canvas.rect((left, y), (length, bar), theme::series(*series), 1.0);
            if bar >= 9.0 {
                canvas.text(
                    format::count(count as u64),
                    (left + length + 4.0, y + bar / 2.0),
                    TextStyle::new(9.5, theme::MUTED),
                );
            }
        }
    }
    canvas.finish()
}
