//! The classes that each model finds hard.
//!
//! Up to twenty classes are rows, with the models side by side and every value
//! written; more are columns, with colour alone.

use bakeoff_measures::format;

use super::{
    canvas::Canvas,
    cells::Cells,
    chart::Chart,
    text::{LABEL_SIZE, TICK_SIZE, TextStyle, shortened},
    theme,
};

/// A model with the share of each class that it predicts wrong; `None` where the class has
/// no test samples.
pub(crate) type ClassErrors<'a> = (&'a str, Vec<Option<f64>>);

/// Draws a cell for each class and model.
pub(crate) fn class_errors(classes: &[String], models: &[ClassErrors<'_>]) -> Chart {
    let classes_are_rows = classes.len() <= 20;
    // There is more space on the left of rows than above columns.
    let longest = if classes_are_rows { 130.0 } else { 96.0 };
    let class_names = classes
        .iter()
        .map(|name| shortened(name, LABEL_SIZE, longest))
        .collect();
    let model_names = models
        .iter()
        .map(|(name, _)| shortened(name, LABEL_SIZE, 110.0))
        .collect();
    let (rows, columns, size) = if classes_are_rows {
        let width = (320.0 / models.len().max(1) as f64).clamp(44.0, 84.0);
        (class_names, model_names, (width, 26.0))
    } else {
        let width = (800.0 / classes.len() as f64).clamp(11.0, 22.0);
        (model_names, class_names, (width, 22.0))
    };
    let column_style = TextStyle::new(size.0.min(LABEL_SIZE), theme::INK);
    let styles = [TextStyle::label(), column_style];
    let cells = Cells::new((16.0, 12.0), 30.0, size, rows, columns, styles);
    let worst = models
        .iter()
        .flat_map(|(_, shares)| shares.iter().flatten())
        .copied()
        .fold(1e-3, f64::max);
    let mut canvas = Canvas::new(((cells.right() + 8.0).max(240.0), cells.bottom() + 10.0));
    cells.names(&mut canvas);
    for (model, (_, shares)) in models.iter().enumerate() {
        for class in 0..classes.len() {
            let share = shares.get(class).copied().flatten();
            let place = if classes_are_rows {
                (class, model)
            } else {
                (model, class)
            };
            let strength = share.map_or(0.0, |share| 0.04 + 0.9 * (share / worst).sqrt());
            let text = share.map_or_else(
                || format::NOTHING.to_owned(),
                |share| format!("{:.1}", 100.0 * share),
            );
            let fits = size.0 >= 30.0 || share.is_none();
            let text = fits.then_some((text.as_str(), TICK_SIZE));
            cells.fill(&mut canvas, place, (theme::WRONG, strength), 1.0, text);
        }
    }
    canvas.finish()
}
