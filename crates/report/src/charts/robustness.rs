//! Accuracy on corrupted images, by how strong the corruption is.

use bakeoff_measures::Unit;

use super::{
    axis::Axis,
    chart::Chart,
    panels::{Panel, Panels},
};

/// Draws a panel for each corruption. `accuracies` has a list for each model, in the order of
/// `models`: accuracy at severity 0 (none), 1, 2 and so on.
pub(crate) fn robustness(models: &[(&str, usize)], corruptions: &[(&str, Vec<Vec<f64>>)]) -> Chart {
    let lengths = corruptions.iter().flat_map(|(_, models)| models);
    let strongest = lengths.map(Vec::len).max().unwrap_or(1).max(2) - 1;
    let severities = (0..=strongest).map(|s| (s as f64, s.to_string())).collect();
    Panels {
        models,
        x: Axis::linear(
            (0.0, strongest as f64),
            5,
            "severity (0: not corrupted)",
            Unit::Score,
        )
        .with_ticks(severities),
        y: Axis::linear((0.0, 1.0), 2, "accuracy", Unit::Percent),
        size: (172.0, 98.0),
        columns: 4,
        markers: true,
    }
    .draw(
        corruptions
            .iter()
            .map(|(title, accuracies)| Panel {
                title,
                lines: models
                    .iter()
                    .zip(accuracies)
                    .map(|((_, series), accuracies)| {
                        let points = accuracies.iter().enumerate();
                        (*series, points.map(|(s, a)| (s as f64, *a)).collect())
                    })
                    .collect(),
            })
            .collect(),
    )
}
