//! The critical-difference diagram: mean ranks on a line, and bars under the models that do
//! not differ significantly.
//!
//! J. Demšar, "Statistical comparisons of classifiers over multiple data sets", Journal of
//! Machine Learning Research 7 (2006).

use super::{
    canvas::Canvas,
    chart::Chart,
    text::{Anchor, LABEL_SIZE, TextStyle, shortened, widest},
    theme,
};

/// A model with its mean rank.
pub(crate) struct Ranked<'a> {
    /// Its name.
    pub(crate) label: &'a str,
    /// Its colour and marker.
    pub(crate) series: usize,
    /// Mean rank, 1 is best.
    pub(crate) rank: f64,
}

const LINE: f64 = 20.0;

/// Draws the diagram. `groups` are the models that do not differ significantly, by their
/// index.
pub(crate) fn ranks(
    models: &[Ranked<'_>],
    critical_difference: f64,
    groups: &[Vec<usize>],
) -> Chart {
    let mut order: Vec<usize> = (0..models.len()).collect();
    order.sort_by(|&a, &b| models[a].rank.total_cmp(&models[b].rank));
    let names: Vec<String> = models
        .iter()
        .map(|model| {
            let name = shortened(model.label, LABEL_SIZE, 110.0);
            format!("{name}  {:.2}", model.rank)
        })
        .collect();
    let side = widest(&names, LABEL_SIZE).max(40.0) + 24.0;
    let (left, right) = (side, 480.0 - side);
    let last = (models.len() as f64).max(2.0);
    let at = |rank: f64| left + (rank - 1.0) / (last - 1.0) * (right - left);
    let line = 64.0;
    let bars = line + 12.0;
    let labels = bars + 9.0 * groups.len() as f64 + 14.0;
    let half = models.len().div_ceil(2);
    let height = labels + LINE * half as f64 + 8.0;
    let mut canvas = Canvas::new((480.0, height));
    // The critical difference as a length of its own.
    let reach = at(1.0 + critical_difference).min(472.0);
    canvas.line(&[(at(1.0), 26.0), (reach, 26.0)], theme::INK, 1.4);
    for x in [at(1.0), reach] {
        canvas.line(&[(x, 22.0), (x, 30.0)], theme::INK, 1.4);
    }
    canvas.text(
        format!("critical difference {critical_difference:.2}"),
        (at(1.0), 12.0),
        TextStyle::tick(),
    );
    canvas.line(&[(left, line), (right, line)], theme::AXIS, 1.0);
    for rank in 1..=models.len() {
        let x = at(rank as f64);
        canvas.line(&[(x, line - 4.0), (x, line)], theme::AXIS, 1.0);
        let style = TextStyle::tick().anchored(Anchor::Middle);
        canvas.text(rank.to_string(), (x, line - 12.0), style);
    }
    for (index, group) in groups.iter().enumerate() {
        let ranks = || group.iter().map(|&model| models[model].rank);
        let low = ranks().fold(f64::INFINITY, f64::min);
        let high = ranks().fold(0.0, f64::max);
        let y = bars + 9.0 * index as f64;
        canvas.rect(
            (at(low) - 4.0, y - 2.0),
            (at(high) - at(low) + 8.0, 4.0),
            theme::INK,
            1.0,
        );
    }
    // The better half on the left, the others on the right, lines never crossing.
    for (place, &model) in order.iter().enumerate() {
        let on_left = place < half;
        let row = if on_left {
            place
        } else {
            order.len() - 1 - place
        };
        let y = labels + LINE * (row as f64 + 0.5);
        let x = at(models[model].rank);
        let colour = theme::series(models[model].series);
        let (end, text, anchor) = if on_left {
            (left - 6.0, left - 12.0, Anchor::End)
        } else {
            (right + 6.0, right + 12.0, Anchor::Start)
        };
        canvas.line(&[(x, line), (x, y), (end, y)], colour, 1.4);
        canvas.marker((x, line), 4.5, models[model].series);
        let style = TextStyle::label().anchored(anchor);
        canvas.text(&names[model], (text, y), style);
    }
    canvas.finish()
}
