//! The error explorer against the records it was made from.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::{chromium::Chromium, report};
use crate::support::{SMALL_MODELS, comparison, entries, sidecar};

/// What a model said of every test image.
struct Said {
    name: &'static str,
    predicted: Vec<usize>,
    /// The probability of the predicted class.
    sure: Vec<f32>,
}

/// The answers of every model, straight from the records, in the order of the page.
fn said(browser: &mut Chromium) -> Vec<Said> {
    let order = browser.evaluate("explorer.groups[0].models.map(it => it.name)");
    let order: Vec<String> = serde_json::from_value(order).unwrap();
    order
        .iter()
        .map(|name| {
            let name = *SMALL_MODELS.iter().find(|known| *known == name).unwrap();
            let bytes = fs::read(sidecar(&comparison().run, name)).unwrap();
            let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            let values: Vec<f32> = file
                .tensor("probabilities")
                .unwrap()
                .data()
                .as_chunks()
                .0
                .iter()
                .map(|&b| f32::from_le_bytes(b))
                .collect();
            let best = values.chunks_exact(10).map(|row| {
                // The first among equals.
                let class = (0..10)
                    .rev()
                    .max_by(|&a, &b| row[a].total_cmp(&row[b]))
                    .unwrap();
                (class, row[class])
            });
            let (predicted, sure) = best.unzip();
            Said {
                name,
                predicted,
                sure,
            }
        })
        .collect()
}

/// The classes of the test images, from the run's folder.
fn labels() -> Vec<usize> {
    let file = only_file(&comparison().run.join("tests"));
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(file).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    file.tensor("labels")
        .unwrap()
        .data()
        .as_chunks()
        .0
        .iter()
        .map(|&b| usize::from(u16::from_le_bytes(b)))
        .collect()
}

fn only_file(folder: &Path) -> PathBuf {
    let entries = entries(folder);
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries[0].clone()
}

/// The numbers of the images that are shown, all of them.
fn shown(browser: &mut Chromium) -> Vec<usize> {
    browser.evaluate(
        "(() => { const more = byId('explorer-more'); while (!more.hidden) more.click(); })()",
    );
    let found = browser.evaluate(
        "[...document.querySelectorAll('#explorer-shots button')]
            .map(it => Number(/Test image (\\d+)/.exec(it.textContent)[1]))",
    );
    serde_json::from_value(found).unwrap()
}

fn choose(browser: &mut Chromium, id: &str, value: &str) {
    browser.evaluate(&format!(
        "(() => {{ const it = byId('{id}'); it.value = '{value}'; it.dispatchEvent(new Event('change')); }})()"
    ));
}

#[test]
fn filters_show_the_pictures_that_they_promise() {
    let Some(mut browser) = report("browser-filters") else {
        return;
    };
    let (said, labels) = (said(&mut browser), labels());
    let here = browser.evaluate("explorerSamples().map(it => it.index)");
    let here: Vec<usize> = serde_json::from_value(here).unwrap();
    let missed = |model: &Said, index: usize| model.predicted[index] != labels[index];
    for (number, model) in said.iter().enumerate() {
        choose(&mut browser, "explorer-model", &number.to_string());
        let others = || said.iter().filter(|other| other.name != model.name);
        type Filter<'a> = Box<dyn Fn(usize) -> bool + 'a>;
        let filters: [(&str, Filter<'_>); 5] = [
            ("every", Box::new(|_| true)),
            ("mistakes", Box::new(|index| missed(model, index))),
            (
                "confident",
                Box::new(|index| missed(model, index) && model.sure[index] >= 0.9),
            ),
            (
                "only",
                Box::new(|index| {
                    missed(model, index) && !others().any(|other| missed(other, index))
                }),
            ),
            (
                "all",
                Box::new(|index| said.iter().all(|other| missed(other, index))),
            ),
        ];
        for (show, filter) in filters {
            browser.click(&format!("#explorer-show label:has([value={show}])"));
            let mut found = shown(&mut browser);
            if show == "confident" {
                assert!(found.is_sorted_by(|&a, &b| model.sure[a] >= model.sure[b] - 1e-4));
                found.sort_unstable();
            }
            let expected: Vec<usize> = here.iter().copied().filter(|&i| filter(i)).collect();
            assert_eq!(found, expected, "{show} of {}", model.name);
            let label = browser.evaluate(&format!(
                "document.querySelector('#explorer-show label:has([value={show}]) small').textContent"
            ));
            assert_eq!(
                label,
                expected.len().to_string(),
                "{show} of {}",
                model.name
            );
        }
        // The mistakes that a model is surest of are always here.
        let mut mistakes: Vec<usize> = (0..labels.len()).filter(|&i| missed(model, i)).collect();
        mistakes.sort_by(|&a, &b| model.sure[b].total_cmp(&model.sure[a]));
        assert!(mistakes.iter().take(24).all(|index| here.contains(index)));
        // Labels to check are mistakes of the best model, whichever model is shown.
        let issues = browser.evaluate("explorer.groups[0].label_issues");
        let issues: Vec<usize> = serde_json::from_value(issues).unwrap();
        browser.click("#explorer-show label:has([value=labels])");
        let expected: Vec<usize> = issues.into_iter().filter(|i| here.contains(i)).collect();
        assert!(!expected.is_empty() && expected.iter().all(|&i| missed(&said[0], i)));
        assert_eq!(shown(&mut browser), expected);
        // And the answers that it is least sure of, right or wrong.
        browser.click("#explorer-show label:has([value=least])");
        let found = shown(&mut browser);
        let least = (0..labels.len())
            .map(|index| model.sure[index])
            .fold(1.0, f32::min);
        assert!((model.sure[found[0]] - least).abs() < 1e-4);
    }
}

#[test]
fn a_cell_of_a_matrix_leads_to_its_pictures_by_mouse_and_by_keyboard() {
    let Some(mut browser) = report("browser-cells") else {
        return;
    };
    let (said, labels) = (said(&mut browser), labels());
    let model = said.iter().position(|model| model.name == "ann").unwrap();
    let mut counts = vec![0; 100];
    for (&actual, &predicted) in labels.iter().zip(&said[model].predicted) {
        counts[10 * actual + predicted] += 1;
    }
    let most = (0..100)
        .filter(|cell| cell / 10 != cell % 10)
        .max_by_key(|&cell| counts[cell])
        .unwrap();
    let (actual, predicted) = (most / 10, most % 10);

    // With the mouse, on the middle of the cell.
    let place = browser.evaluate(&format!(
        "(() => {{
            const figure = document.querySelector('#model-ann figure[data-grid]');
            figure.scrollIntoView({{ block: 'center', behavior: 'instant' }});
            const [left, top, cell] = figure.dataset.grid.split(' ').map(Number);
            const svg = figure.querySelector('svg');
            const at = new DOMPoint(left + {predicted}.5 * cell, top + {actual}.5 * cell).matrixTransform(svg.getScreenCTM());
            return [at.x, at.y];
        }})()"
    ));
    for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
        browser.call(
            "Input.dispatchMouseEvent",
            json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 }),
        );
    }
    browser.settle();
    check_cell(&mut browser, &said[model], &labels, (actual, predicted));

    // The address remembers it, and one can go back.
    let address = browser.evaluate("location.href");
    assert!(
        address
            .as_str()
            .unwrap()
            .ends_with(&format!("#explorer/0/{model}/every/{actual}/{predicted}")),
        "{address}"
    );
    browser.reload();
    check_cell(&mut browser, &said[model], &labels, (actual, predicted));

    // With the keyboard: the matrix takes the focus, arrows move, Enter opens.
    browser.evaluate(
        "(() => { byId('explorer-actual').value = ''; document.querySelector('#model-ann figure[data-grid] .drawing').focus(); })()",
    );
    for _ in 0..actual {
        browser.press("ArrowDown");
    }
    for _ in 0..predicted {
        browser.press("ArrowRight");
    }
    let status = browser.evaluate("document.querySelector('#model-ann .cell-status').textContent");
    let images = match counts[most] {
        1 => "1 image".to_owned(),
        count => format!("{count} images"),
    };
    assert_eq!(
        status,
        format!("actual {actual}, predicted {predicted}: {images}")
    );
    browser.press("Enter");
    browser.settle();
    check_cell(&mut browser, &said[model], &labels, (actual, predicted));
    assert_eq!(
        browser.evaluate("document.activeElement.id"),
        Value::from("explorer-found")
    );

    // An image tells what every model said; arrows move among the images.
    browser.click("#explorer-shots button");
    let detail = browser.evaluate("byId('explorer-detail').textContent");
    for model in SMALL_MODELS {
        assert!(detail.as_str().unwrap().contains(model), "{detail}");
    }
    browser.press("ArrowRight");
    let focused = browser.evaluate(
        "[...document.querySelectorAll('#explorer-shots button')].indexOf(document.activeElement)",
    );
    assert_eq!(focused, json!(i32::from(counts[most] > 1)));
    let (complaints, _) = browser.complaints_and_requests();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[track_caller]
fn check_cell(browser: &mut Chromium, model: &Said, labels: &[usize], cell: (usize, usize)) {
    let expected: Vec<usize> = (0..labels.len())
        .filter(|&index| (labels[index], model.predicted[index]) == cell)
        .collect();
    assert_eq!(shown(browser), expected);
    let words = browser.evaluate("byId('explorer-found').textContent");
    let what = format!("actual {}, predicted {} by {}", cell.0, cell.1, model.name);
    assert!(words.as_str().unwrap().contains(&what), "{words}");
}

#[test]
fn addresses_that_mean_nothing_leave_the_page_whole() {
    let Some(mut browser) = report("browser-addresses") else {
        return;
    };
    let whole = "({
        found: byId('explorer-found').textContent,
        tabs: document.querySelectorAll('.views > .tabs').length,
        contents: document.querySelectorAll('nav [aria-current]').length,
    })";
    let expected = browser.evaluate(whole);
    assert_eq!(expected["tabs"], json!(4));
    for address in [
        "100%",
        "explorer/%FF/0/every//",
        "explorer/0/0/every/-1/",
        "explorer/0/0/every/0.5/",
        "explorer/0/99/every//",
        "explorer/0/0/nonsense//",
    ] {
        browser.evaluate(&format!("location.hash = '{address}'"));
        browser.reload();
        assert_eq!(browser.evaluate(whole), expected, "#{address}");
    }
    let (complaints, _) = browser.complaints_and_requests();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
