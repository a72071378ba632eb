//! The report as a reader sees it: in a real browser, from the disk, without a network.

pub(crate) mod accessibility;
pub(crate) mod chromium;
mod explorer;
mod index;
mod try_it;

use serde_json::{Value, json};

use crate::support::{SMALL_MODELS, comparison};
use chromium::{Chromium, file_url};

/// The shared run's report in a browser; `None` where there is no browser.
fn report(name: &str) -> Option<Chromium> {
    let page = comparison().run.join("report.html");
    let mut browser = Chromium::start(name)?;
    browser.resize(1280, 900);
    browser.prefer("light");
    browser.open(&page);
    Some(browser)
}

/// A list of what `found` complains about for every element of a selector.
fn for_each(selector: &str, complaint: &str) -> String {
    format!("[...document.querySelectorAll(`{selector}`)].map(it => {complaint}).filter(Boolean)")
}

/// The headings that a reader finds, in order.
const SECTIONS: [&str; 11] = [
    "Summary",
    "Leaderboard",
    "Comparison",
    "Are the differences significant?",
    "Which errors do the models share?",
    "Which labels may be wrong?",
    "Models",
    "Method",
    "Data",
    "Machine",
    "How to reproduce this",
];

/// Those that only scripts can show.
const SCRIPTED: [&str; 2] = ["Error explorer", "Try it"];

/// Every section is there and visible, and the contents lead to it.
fn check_sections(browser: &mut Chromium, scripted: bool) {
    let headings = browser.evaluate(
        "[...document.querySelectorAll('main section')]
            .filter(it => it.getBoundingClientRect().height > 50)
            .map(it => document.getElementById(it.getAttribute('aria-labelledby')).textContent.trim())",
    );
    let expected: Vec<&str> = SECTIONS
        .into_iter()
        .flat_map(|section| {
            let before: &[&str] = match section {
                "Models" if scripted => &SCRIPTED,
                _ => &[],
            };
            before.iter().copied().chain([section])
        })
        .collect();
    assert_eq!(headings, json!(expected));
    browser.finds_nothing_wrong(&for_each(
        "nav li:not([hidden]) > a",
        "document.querySelector(it.hash)?.getBoundingClientRect().height > 10 ? '' : `${it.textContent} leads nowhere`",
    ));
    let contents = browser.evaluate("document.querySelector('nav').textContent");
    for word in SECTIONS.iter().chain(&SMALL_MODELS) {
        assert!(
            contents.as_str().unwrap().contains(word),
            "no {word} in {contents}"
        );
    }
}

#[test]
fn the_page_is_whole_silent_and_asks_for_nothing() {
    let Some(mut browser) = report("browser-whole") else {
        return;
    };
    let title = browser.evaluate("document.title");
    assert!(
        title.as_str().unwrap().starts_with("small: 4 models"),
        "{title}"
    );
    check_sections(&mut browser, true);

    // The leaderboard and each model's part.
    let rows = browser.evaluate(
        "[...document.querySelectorAll('#leaderboard tbody')[0].rows].map(row => row.querySelector('a').textContent).sort()",
    );
    assert_eq!(rows, json!(["ann", "cnn", "knn", "logistic"]));
    for model in SMALL_MODELS {
        let part = browser.evaluate(&format!(
            "(() => {{
                const article = [...document.querySelectorAll('#models article')]
                    .find(it => it.querySelector('h3').textContent.startsWith('{model}'));
                if (!article) return null;
                const seen = it => it.getBoundingClientRect().width > 10 && it.getBoundingClientRect().height > 10;
                return {{
                    figures: [...article.querySelectorAll('figure')]
                        .filter(it => seen(it.querySelector('svg')))
                        .map(it => it.querySelector('figcaption').textContent).join('; '),
                    pictures: [...article.querySelectorAll('svg use')].filter(seen).length,
                    tables: [...article.querySelectorAll('table caption')].map(it => it.textContent).join('; '),
                }};
            }})()"
        ));
        let has = |key: &str, word: &str| {
            let text = part[key].as_str().unwrap_or_default();
            assert!(
                text.contains(word),
                "{model}: no `{word}` in the {key}: {part:#}"
            );
        };
        has("figures", "Confusion matrix");
        has("figures", "ROC");
        has("tables", "each class");
        has("tables", "Costs");
        if ["ann", "cnn"].contains(&model) {
            has("figures", "Loss by epoch");
            has("figures", "Accuracy by epoch");
        }
        assert!(
            part["pictures"].as_u64().unwrap() >= 24,
            "{model}: {part:#}"
        );
    }
    let comparison_figures =
        browser.evaluate("document.querySelectorAll('#comparison figure svg').length");
    assert!(comparison_figures.as_u64().unwrap() >= 3);
    let repeat = browser.evaluate("document.getElementById('repeat').textContent");
    for word in ["bakeoff run small.toml --threads 2", "limit_train = 3000"] {
        assert!(repeat.as_str().unwrap().contains(word), "{repeat}");
    }

    // Every test image inside the page can be decoded and is not blank.
    browser.finds_nothing_wrong(
        "Promise.all([...document.querySelectorAll('svg image')].map(async it => {
            const picture = new Image();
            picture.src = it.getAttribute('href');
            try { await picture.decode(); } catch (error) { return `${it.id}: ${error}`; }
            return picture.naturalWidth > 20 ? '' : `${it.id} is ${picture.naturalWidth} wide`;
        })).then(found => found.filter(Boolean))",
    );

    // Every chart says what it is to those who do not see it, and no text leaves it.
    browser.finds_nothing_wrong(&for_each(
        "figure svg",
        "it.getAttribute('role') === 'img' && (it.getAttribute('aria-label') || it.getAttribute('aria-labelledby') || it.querySelector('title')) ? '' : it.outerHTML.slice(0, 200)",
    ));
    browser.finds_nothing_wrong(
        "[...document.querySelectorAll('figure svg')].flatMap(svg => {
            const frame = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter(it => {
                const box = it.getBoundingClientRect();
                return box.width && (box.left < frame.left - 1 || box.right > frame.right + 1
                    || box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
            }).map(it => `${svg.closest('figure').id}: ${it.textContent}`);
        })",
    );

    let (complaints, requests) = browser.complaints_and_requests();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let page = file_url(&comparison().run.join("report.html"));
    for url in &requests {
        assert!(
            *url == page || url.starts_with("data:"),
            "a request left the page: {url}"
        );
    }
    assert_eq!(requests.iter().filter(|url| **url == page).count(), 1);
}

#[test]
fn the_page_can_be_read_without_scripts() {
    let Some(mut browser) = report("browser-no-scripts") else {
        return;
    };
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({ "value": true }),
    );
    browser.reload();
    check_sections(&mut browser, false);
    // A control that would do nothing is not shown.
    browser.finds_nothing_wrong(&for_each(
        "button, input, select",
        "it.checkVisibility() ? it.outerHTML : ''",
    ));
}

/// For each sortable table: each head cell's button sorts up, then down, with what has
/// no value last; only one column is marked. Lists what does not.
const SORTING: &str = r#"
(() => {
    const problems = [];
    const key = cell => cell ? (cell.dataset.sort ?? cell.textContent.trim()) : "";
    for (const table of document.querySelectorAll("table:has(th button)")) {
        const name = table.caption.textContent;
        const heads = [...table.tHead.rows[0].cells];
        const before = [...table.tBodies[0].rows].map(row => row.textContent).sort().join();
        heads.forEach((head, column) => {
            for (const direction of ["ascending", "descending"]) {
                head.querySelector("button").click();
                const marked = heads.filter(it => it.hasAttribute("aria-sort"));
                if (marked.length !== 1 || head.getAttribute("aria-sort") !== direction)
                    problems.push(`${name}, ${head.textContent}: not marked ${direction}`);
                const keys = [...table.tBodies[0].rows].map(row => key(row.cells[column]));
                const values = keys.filter(it => it !== "");
                if (keys.slice(0, values.length).some(it => it === ""))
                    problems.push(`${name}, ${head.textContent}: ${direction}: blanks are not last`);
                const numbers = values.every(it => !Number.isNaN(Number(it)));
                const inOrder = values.every((it, i) => {
                    if (i === 0) return true;
                    const [a, b] = direction === "ascending" ? [values[i - 1], it] : [it, values[i - 1]];
                    return numbers ? Number(a) <= Number(b) : a.localeCompare(b, undefined, { numeric: true }) <= 0;
                });
                if (!inOrder) problems.push(`${name}, ${head.textContent}: ${direction}: ${values}`);
            }
        });
        const after = [...table.tBodies[0].rows].map(row => row.textContent).sort().join();
        if (before !== after) problems.push(`${name}: rows were lost`);
    }
    return problems;
})()"#;

#[test]
fn tables_can_be_sorted() {
    let Some(mut browser) = report("browser-sort") else {
        return;
    };
    let sortable = browser.evaluate("document.querySelectorAll('table:has(th button)').length");
    assert!(
        sortable.as_u64().unwrap() >= 2,
        "{sortable} tables can be sorted"
    );
    browser.finds_nothing_wrong(SORTING);
    // With a real click on what a reader sees.
    browser.click("#leaderboard th:nth-child(2) button");
    let sorted = browser.evaluate(
        "document.querySelector('#leaderboard th:nth-child(2)').getAttribute('aria-sort')",
    );
    assert!(sorted.is_string());
    let (complaints, _) = browser.complaints_and_requests();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// Relative luminance of the page's ground and the contrast of its text to it, as WCAG
/// 2 computes them: <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>.
const COLOURS: &str = r#"
(() => {
    const luminance = colour => {
        const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(v => {
            v /= 255;
            return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = it => {
        for (; it; it = it.parentElement) {
            const colour = getComputedStyle(it).backgroundColor;
            if (colour !== "rgba(0, 0, 0, 0)") return colour;
        }
        return "Canvas";
    };
    const contrast = it => {
        const pair = [luminance(getComputedStyle(it).color), luminance(ground(it))].sort((a, b) => b - a);
        return (pair[0] + 0.05) / (pair[1] + 0.05);
    };
    const texts = [...document.querySelectorAll("p, h1, h2, h3, h4, td, th, dt, dd, a, summary, figcaption, li span, code")]
        .filter(it => it.checkVisibility() && it.textContent.trim());
    return {
        ground: luminance(ground(document.body)),
        faint: texts.filter(it => contrast(it) < 4.5).map(it => `${contrast(it).toFixed(2)}: ${it.outerHTML.slice(0, 120)}`).slice(0, 5),
        label: (() => {
            const it = document.querySelector("figure svg text");
            const colour = getComputedStyle(it).fill;
            const pair = [luminance(colour), luminance(ground(it.closest("figure")))].sort((a, b) => b - a);
            return (pair[0] + 0.05) / (pair[1] + 0.05);
        })(),
    };
})()"#;

/// Asserts that the page is painted light or dark, with text that can be read.
#[track_caller]
fn check_colours(browser: &mut Chromium, dark: bool) -> Value {
    let colours = browser.evaluate(COLOURS);
    let ground = colours["ground"].as_f64().unwrap();
    assert!(
        if dark { ground < 0.1 } else { ground > 0.7 },
        "dark: {dark}, but the ground is {ground}"
    );
    assert_eq!(colours["faint"], json!([]), "dark: {dark}");
    assert!(
        colours["label"].as_f64().unwrap() >= 4.5,
        "dark: {dark}: chart labels: {colours}"
    );
    colours
}

#[test]
fn light_and_dark_are_the_systems_unless_the_reader_says_otherwise() {
    let Some(mut browser) = report("browser-colours") else {
        return;
    };
    let light = check_colours(&mut browser, false);
    browser.prefer("dark");
    let dark = check_colours(&mut browser, true);
    assert_ne!(light, dark);
    browser.prefer("light");

    for (choice, is_dark) in [("dark", true), ("light", false)] {
        browser.click(&format!("label:has(input[type=radio][value={choice}])"));
        check_colours(&mut browser, is_dark);
        // The choice holds against the system, and when the page is opened again.
        browser.prefer(if is_dark { "light" } else { "dark" });
        check_colours(&mut browser, is_dark);
        browser.reload();
        check_colours(&mut browser, is_dark);
    }
    browser.click("label:has(input[type=radio][value=system])");
    browser.prefer("dark");
    check_colours(&mut browser, true);
}

/// The elements that make the page wider than its window: those beyond its right edge
/// that nothing around them cuts off or scrolls.
const STICKS_OUT: &str = r#"
[...document.querySelectorAll("body *")].filter(it => {
    if (it.getBoundingClientRect().right <= innerWidth + 1) return false;
    let around = it;
    while (around && around !== document.body) {
        const style = getComputedStyle(around);
        if (around !== it && style.overflowX !== "visible") return false;
        const leaves = style.position === "absolute" || style.position === "fixed";
        around = leaves && "offsetParent" in around ? around.offsetParent : around.parentElement;
    }
    return true;
}).slice(0, 8).map(it => `${it.outerHTML.slice(0, 100)} in ${it.parentElement.outerHTML.slice(0, 60)}`)"#;

#[test]
fn nothing_sticks_out_on_a_telephone() {
    let Some(mut browser) = report("browser-narrow") else {
        return;
    };
    for width in [1280, 768, 390, 320] {
        browser.resize(width, 844);
        browser.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))");
        let found = browser.evaluate("document.documentElement.scrollWidth");
        let sticks_out = browser.evaluate(STICKS_OUT);
        assert!(
            found.as_u64().unwrap() <= u64::from(width),
            "at {width} px the page is {found} px wide: {sticks_out:#}"
        );
        check_sections(&mut browser, true);
    }
}

#[test]
fn views_of_a_matrix_are_tabs() {
    let Some(mut browser) = report("browser-tabs") else {
        return;
    };
    let shown = "[...document.querySelectorAll('.views')].map(views =>
        [...views.querySelectorAll('.view')].filter(it => it.checkVisibility()).map(it => it.dataset.tab).join())";
    assert_eq!(
        browser.evaluate(shown),
        json!(["Images", "Images", "Images", "Images"])
    );
    browser.click("#models .views [role=tab]:nth-child(2)");
    assert_eq!(
        browser.evaluate(shown),
        json!(["% of actual", "Images", "Images", "Images"])
    );
    browser.press("ArrowRight");
    assert_eq!(browser.evaluate(shown)[0], "% of predicted");
    browser.press("ArrowRight");
    assert_eq!(browser.evaluate(shown)[0], "Images");
    browser.press("End");
    assert_eq!(browser.evaluate(shown)[0], "% of predicted");
    browser.press("Home");
    assert_eq!(browser.evaluate(shown)[0], "Images");
    // A link to a chart opens the tab that it is in.
    browser.evaluate(
        "location.hash = document.querySelectorAll('.views .view')[4].querySelector('figure').id",
    );
    browser.settle();
    assert_eq!(browser.evaluate(shown)[1], "% of actual");
    let (complaints, _) = browser.complaints_and_requests();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
