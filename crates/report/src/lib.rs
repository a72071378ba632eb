//! From records to a leaderboard, charts and one self-contained HTML page.
//!
//! Rendering is a pure function of a [`Run`]: it reads no disk and no clock, trains
//! nothing and measures nothing, so the same records give the same bytes, and two
//! views of a run cannot disagree. The caller reads the records and writes the files.
//!
//! The way through: `results` reads a trial (plan, record, labels, probabilities, or the
//! reason why there are none); `analysis` computes every metric from that; `leaderboard`,
//! `terminal`, `page`, `index` and `export` are views; `charts` turns numbers into SVG. How
//! a number is written is decided in one place, the crate `measures`.
//!
//! Rejected: a plotting library in JavaScript (a megabyte in every report, nothing
//! to see without scripts, no charts as files); a front-end framework (the page
//! must still open in ten years); templates loaded at run time (a report that
//! depends on files beside the binary).

mod analysis;
mod caution;
mod charts;
mod data_findings;
mod diff;
mod error;
pub mod export;
mod fits;
mod index;
mod leaderboard;
mod lines;
mod options;
mod page;
mod pictures;
mod rank;
mod rendered;
mod results;
mod setting_text;
mod tally;
pub mod terminal;
mod timing;

use bakeoff_core::record::Run;
use bakeoff_measures::format;

pub use analysis::significance::Claim;
pub use data_findings::{DataFacts, RARE, data_findings};
pub use diff::{
    Change, CostDiff, Diff, DiffError, DiffOptions, ModelDiff, ScoreDiff, TimeChange, diff,
};
pub use error::ReportError;
pub use index::{INDEX_MARK, IndexedRun, index};
pub use leaderboard::{Leaderboard, LeaderboardRow, Status};
pub use options::Options;
pub use page::{Evaluated, EvaluatedImage, MOST_CARDS, colours_css, evaluated};
pub use rank::{RankError, RankTest, RankedModel, RankedPair, Ranking, rank};
pub use rendered::Rendered;
pub use tally::{Confusions, Outcome, Tally};

/// Ranks the trials of a run.
///
/// A trial whose record says ok but whose probabilities are not there, or do not
/// fit its test data, counts as failed with that reason.
pub fn leaderboard(run: &Run) -> Leaderboard {
    Leaderboard::new(&analysis::Analysis::new(run))
}

/// Renders everything a run has to show.
///
/// # Errors
/// When a chart cannot be drawn, the images cannot be packed, or the page cannot
/// be laid out. What is wrong with a single trial is no error: the report says so.
pub fn render(run: &Run, options: &Options) -> Result<Rendered, ReportError> {
    let analysis = analysis::Analysis::new(run);
    let leaderboard = Leaderboard::new(&analysis);
    let page = page::build(&analysis, options)?;
    Ok(Rendered {
        html: page.html,
        charts: page.charts,
        leaderboard_json: leaderboard.to_json()?,
        leaderboard_csv: leaderboard.to_csv()?,
        leaderboard,
    })
}
