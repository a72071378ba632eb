//! Style, scripts and data blocks of pages.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{ReportError, charts};

const COLOURS: &str = include_str!("../../assets/colours.css");
const STYLE: &str = include_str!("../../assets/style.css");
/// Plain scripts that share one scope: files declare functions, the last one calls them.
pub(super) const SCRIPT: &str = concat!(
    include_str!("../../assets/script/page.js"),
    include_str!("../../assets/script/tables.js"),
    include_str!("../../assets/script/theme.js"),
    include_str!("../../assets/script/explorer.js"),
    include_str!("../../assets/script/matrix.js"),
    include_str!("../../assets/script/pieces.js"),
    include_str!("../../assets/script/prepare.js"),
    include_str!("../../assets/script/network.js"),
    include_str!("../../assets/script/try.js"),
    include_str!("../../assets/script/tabs.js"),
    include_str!("../../assets/script/contents.js"),
    include_str!("../../assets/script/main.js"),
);

/// The style sheet with the colours of reports, light and dark, for other pages in the same
/// style: `--page`, `--line`, `--link` and their like, `--c-ink` and the series
/// `--c-s0` to `--c-s11` with the classes `s0` to `s11`.
pub fn colours_css() -> String {
    format!("{}\n{COLOURS}", charts::css())
}

/// The style of every page.
pub(crate) fn style() -> String {
    format!("{}{STYLE}", colours_css())
}

/// What the page may load and run: its own style and script, by hash, and images inside it.
pub(crate) fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script)
    )
}

/// JSON for a `script` element. Nothing can be escaped there, but a `<` could end it.
pub(crate) fn data_text<T: Serialize>(items: &[T]) -> Result<String, ReportError> {
    Ok(serde_json::to_string(items)?.replace('<', "\\u003c"))
}

/// The same; `None` for nothing.
pub(super) fn data_block<T: Serialize>(items: &[T]) -> Result<Option<String>, ReportError> {
    (!items.is_empty()).then(|| data_text(items)).transpose()
}
