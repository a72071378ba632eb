//! What must hold of every page, checked tag by tag.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::collections::BTreeSet;

use bakeoff_core::record::Run;
use bakeoff_report::{Options, Rendered, render};

pub fn rendered(run: &Run) -> Rendered {
    render(run, &Options::default()).unwrap()
}

/// Elements that have no end tag in HTML.
const VOID: [&str; 5] = ["meta", "input", "br", "link", "hr"];

/// Reads the page tag by tag: every start has its end, no attribute twice, no id twice,
/// every link inside the page leads somewhere. Returns all attributes.
pub fn check_structure(html: &str) -> Vec<(String, String, String)> {
    let mut open: Vec<String> = Vec::new();
    let mut attributes = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<!DOCTYPE html>") {
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix("</") {
            let end = after.find('>').expect("end tag ends");
            let expected = open.pop();
            assert_eq!(
                expected.as_deref(),
                Some(&after[..end]),
                "{}",
                &rest[..60.min(rest.len())]
            );
            rest = &after[end + 1..];
            continue;
        }
        let name_end = rest[1..]
            .find(|c: char| !c.is_ascii_alphanumeric())
            .expect("tag ends")
            + 1;
        let name = rest[1..name_end].to_owned();
        assert!(!name.is_empty(), "stray <: {}", &rest[..rest.len().min(60)]);
        rest = &rest[name_end..];
        let mut seen = BTreeSet::new();
        let closed = loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix("/>") {
                rest = after;
                break true;
            }
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break false;
            }
            let end = rest.find(['=', ' ', '>', '/']).expect("attribute ends");
            let key = rest[..end].to_owned();
            assert!(
                key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
                "attribute {key:?} of {name}"
            );
            rest = &rest[end..];
            let mut value = String::new();
            if let Some(after) = rest.strip_prefix("=\"") {
                let end = after.find('"').expect("value ends");
                value = after[..end].to_owned();
                assert!(!value.contains('<'), "{key}={value}");
                rest = &after[end + 1..];
            }
            assert!(seen.insert(key.clone()), "{key} twice on {name}");
            attributes.push((name.clone(), key, value));
        };
        if name == "script" || name == "style" {
            let end = rest.find(&format!("</{name}>")).expect("it ends");
            rest = &rest[end..];
            open.push(name);
        } else if !closed && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    let mut ids = BTreeSet::new();
    for (_, key, value) in &attributes {
        if key == "id" {
            assert!(ids.insert(value.clone()), "id {value} twice");
        }
    }
    for (name, key, value) in &attributes {
        let targets: Vec<&str> = match key.as_str() {
            "aria-labelledby" => value.split(' ').collect(),
            "href" => value.strip_prefix('#').into_iter().collect(),
            _ => continue,
        };
        for target in targets {
            assert!(ids.contains(target), "{name} {key}={value} leads nowhere");
        }
    }
    attributes
}

/// Only what is inside the page is loaded, and no attribute runs a script or styles.
pub fn check_offline(html: &str, attributes: &[(String, String, String)]) {
    for (name, key, value) in attributes {
        assert!(!key.starts_with("on"), "{name} has {key}");
        assert_ne!(key, "style", "the policy forbids style attributes: {value}");
        if matches!(
            key.as_str(),
            "src" | "href" | "srcset" | "action" | "poster" | "data"
        ) {
            let fine = value.starts_with('#') || value.starts_with("data:image/png;base64,");
            assert!(fine, "{name} {key}={value}");
        }
    }
    for scheme in [
        "http://",
        "https://",
        "url(",
        "@import",
        "fetch(",
        "XMLHttpRequest",
    ] {
        assert!(!html.contains(scheme), "{scheme}");
    }
    assert!(html.contains("default-src &#39;none&#39;") || html.contains("default-src 'none'"));
}

/// Renders a run and checks what must hold of every page.
pub fn check(run: &Run) -> Rendered {
    let rendered = rendered(run);
    let attributes = check_structure(&rendered.html);
    check_offline(&rendered.html, &attributes);
    for (stem, svg) in &rendered.charts {
        check_structure(svg);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{stem}");
        assert!(stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    }
    let stems: BTreeSet<&String> = rendered.charts.iter().map(|(stem, _)| stem).collect();
    assert_eq!(stems.len(), rendered.charts.len(), "a stem twice");
    rendered
}
