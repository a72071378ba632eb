//! What can go wrong while a report is rendered.

/// Why a report could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A chart could not be drawn.
    #[error("chart {chart} could not be drawn: {reason}")]
    Chart {
        /// The chart's file stem.
        chart: String,
        /// What the drawing library said.
        reason: String,
    },
    /// The page could not be laid out.
    #[error("the page could not be laid out: {0}")]
    Page(#[from] askama::Error),
    /// The test images could not be packed.
    #[error("the test images could not be packed: {0}")]
    Pictures(#[from] png::EncodingError),
    /// What the page's scripts read could not be written, or `leaderboard.json`.
    #[error("data could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// `leaderboard.csv` could not be written.
    #[error("the leaderboard could not be written as CSV: {0}")]
    Csv(#[from] csv::Error),
}
