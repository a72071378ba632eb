//! The page's files, compiled in: nothing is read from the disk to show it.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

/// A file of the page.
pub(crate) struct Asset {
    /// Where it is found.
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) text: &'static str,
}

pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! asset {
    ($path:literal, $kind:expr, $file:literal) => {
        Asset {
            path: $path,
            content_type: $kind,
            text: include_str!(concat!("../assets/", $file)),
        }
    };
}

/// Every file of the page, besides the colours, which it shares with the reports.
pub(crate) const ASSETS: &[Asset] = &[
    asset!("/", HTML, "index.html"),
    asset!("/style.css", STYLE, "style.css"),
    asset!("/icon.svg", "image/svg+xml", "icon.svg"),
    asset!("/js/api.js", SCRIPT, "js/api.js"),
    asset!("/js/bars.js", SCRIPT, "js/bars.js"),
    asset!("/js/boxes.js", SCRIPT, "js/boxes.js"),
    asset!("/js/camera.js", SCRIPT, "js/camera.js"),
    asset!("/js/cards.js", SCRIPT, "js/cards.js"),
    asset!("/js/crop.js", SCRIPT, "js/crop.js"),
    asset!("/js/dom.js", SCRIPT, "js/dom.js"),
    asset!("/js/encode.js", SCRIPT, "js/encode.js"),
    asset!("/js/history.js", SCRIPT, "js/history.js"),
    asset!("/js/labels.js", SCRIPT, "js/labels.js"),
    asset!("/js/latest.js", SCRIPT, "js/latest.js"),
    asset!("/js/main.js", SCRIPT, "js/main.js"),
    asset!("/js/numbers.js", SCRIPT, "js/numbers.js"),
    asset!("/js/pad.js", SCRIPT, "js/pad.js"),
    asset!("/js/pixels.js", SCRIPT, "js/pixels.js"),
    asset!("/js/png.js", SCRIPT, "js/png.js"),
    asset!("/js/result.js", SCRIPT, "js/result.js"),
    asset!("/js/sections.js", SCRIPT, "js/sections.js"),
    asset!("/js/theme.js", SCRIPT, "js/theme.js"),
];

/// A file as an answer. Browsers ask again each time, so that a new program never
/// shows an old page.
pub(crate) fn file(content_type: &'static str, text: String) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
