//! What a report consists of.

use crate::leaderboard::Leaderboard;

/// A report in memory.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// `report.html`.
    pub html: String,
    /// File stem and SVG of each chart, in the order of the page.
    pub charts: Vec<(String, String)>,
    /// The ranked summary.
    pub leaderboard: Leaderboard,
    /// `leaderboard.json`.
    pub leaderboard_json: String,
    /// `leaderboard.csv`.
    pub leaderboard_csv: String,
}
