//! What axe-core finds, and how soon there is something to read.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{chromium::Chromium, report};

/// As in the README beside the file.
const AXE_SHA256: &str = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c";

/// axe-core, as published.
fn axe() -> String {
    let mut text = String::new();
    GzDecoder::new(&include_bytes!("axe/axe.min.js.gz")[..])
        .read_to_string(&mut text)
        .unwrap();
    let hash: String = Sha256::digest(&text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hash, AXE_SHA256);
    text
}

/// Asserts that axe finds nothing wrong with the page as it stands, minor things included.
#[track_caller]
pub(crate) fn check_with_axe(browser: &mut Chromium, when: &str) {
    check_rules(browser, when, 20);
}

/// The same where a dialog hides most of the page, to which fewer rules apply.
#[track_caller]
pub(crate) fn check_dialog_with_axe(browser: &mut Chromium, when: &str) {
    check_rules(browser, when, 15);
}

/// More than `least` rules apply: else axe has looked at nothing.
#[track_caller]
fn check_rules(browser: &mut Chromium, when: &str, least: u64) {
    let there = browser.evaluate("typeof axe");
    if there != "object" {
        browser.evaluate(&axe());
    }
    let found = browser.evaluate(
        "axe.run(document, { resultTypes: ['violations'] }).then(found => ({
            passes: found.passes.length,
            violations: found.violations.map(it => ({
                rule: it.id, impact: it.impact, help: it.help,
                nodes: it.nodes.slice(0, 3).map(node => [node.html.slice(0, 160), node.failureSummary]),
            })),
        }))",
    );
    assert_eq!(found["violations"], json!([]), "{when}: {found:#}");
    assert!(found["passes"].as_u64().unwrap() > least, "{when}: {found}");
}

#[test]
fn axe_finds_nothing_wrong() {
    let Some(mut browser) = report("browser-axe") else {
        return;
    };
    check_with_axe(&mut browser, "light");
    browser.click("#explorer-shots button");
    for details in 0..3 {
        browser.evaluate(&format!(
            "document.querySelectorAll('#comparison details, #models details')[{details}].open = true"
        ));
    }
    browser.prefer("dark");
    check_with_axe(&mut browser, "dark, with an image chosen and tables open");
    browser.resize(390, 844);
    check_with_axe(&mut browser, "on a telephone");
}

#[test]
fn there_is_something_to_read_at_once_and_nothing_moves_for_those_who_mind() {
    let Some(mut browser) = report("browser-paint") else {
        return;
    };
    let paint = browser
        .evaluate("performance.getEntriesByName('first-contentful-paint').map(it => it.startTime)");
    // Half a second is promised; the rest is for a machine that does other work too.
    let first = paint[0].as_f64().unwrap();
    assert!(first < 3_000.0, "first paint after {first} ms");
    for (motion, behavior) in [("no-preference", "smooth"), ("reduce", "auto")] {
        browser.media("light", motion);
        let found = browser.evaluate("getComputedStyle(document.documentElement).scrollBehavior");
        assert_eq!(found, behavior);
    }
}
