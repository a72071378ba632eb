//! The page in a real browser: with a mouse, a finger, the keyboard and without sight.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{PATIENCE, Serving, drawn};
use crate::{
    browser::{accessibility::check_with_axe, chromium::Chromium},
    support::scratch,
};

/// A browser at the page of a server.
pub(super) struct Visit {
    pub(super) serving: Serving,
    pub(super) browser: Chromium,
    pub(super) folder: PathBuf,
}

impl Visit {
    pub(super) fn new(name: &str) -> Option<Self> {
        let folder = scratch(name);
        let mut browser = Chromium::start(&format!("{name}-browser"))?;
        let serving = Serving::of_comparison(&folder, &[]);
        browser.resize(1280, 900);
        browser.prefer("light");
        let url = serving.url.clone();
        browser.open_url(&url);
        let mut visit = Self {
            serving,
            browser,
            folder,
        };
        visit.wait_for("document.querySelectorAll('#model option').length === 5");
        visit.wait_for("document.querySelectorAll('#examples button').length === 20");
        Some(visit)
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub(super) fn wait_for(&mut self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        while self.browser.evaluate(expression) != json!(true) {
            assert!(Instant::now() < end, "it never comes true: {expression}");
            thread::sleep(Duration::from_millis(30));
        }
    }

    /// Where the middle of the drawing area is, and how large it is.
    fn pad(&mut self) -> (f64, f64, f64) {
        let place = self.browser.evaluate(
            "(() => {
                const pad = document.getElementById('pad');
                pad.scrollIntoView({ block: 'center', behavior: 'instant' });
                const box = pad.getBoundingClientRect();
                return [box.x, box.y, box.width];
            })()",
        );
        let number = |at: usize| place[at].as_f64().unwrap();
        (number(0), number(1), number(2))
    }

    /// Draws a line through these places (shares of the side) with the mouse.
    pub(super) fn stroke(&mut self, points: &[(f64, f64)]) {
        let (left, top, side) = self.pad();
        let mut send = |kind: &str, (x, y): (f64, f64)| {
            self.browser.call(
                "Input.dispatchMouseEvent",
                json!({
                    "type": kind, "button": "left", "buttons": 1, "clickCount": 1,
                    "x": left + x * side, "y": top + y * side,
                }),
            );
        };
        send("mousePressed", points[0]);
        for pair in points.windows(2) {
            for step in 1..=8 {
                let share = f64::from(step) / 8.0;
                let between = |a: f64, b: f64| a + (b - a) * share;
                send(
                    "mouseMoved",
                    (between(pair[0].0, pair[1].0), between(pair[0].1, pair[1].1)),
                );
            }
        }
        send("mouseReleased", points[points.len() - 1]);
    }

    /// What the page says of the drawing, once the answer to the last change is there.
    pub(super) fn settled(&mut self) -> Value {
        // An explanation comes with the answer to a drawing that rests.
        self.wait_for(
            "document.querySelectorAll('.card').length > 0
                && document.querySelectorAll('.why.outdated').length === 0
                && [...document.querySelectorAll('.card')].every(it => it.querySelector('.why canvas'))",
        );
        self.browser.evaluate(
            "({
                verdict: document.getElementById('verdict').textContent,
                models: [...document.querySelectorAll('.card')].map(it => it.dataset.model),
                answers: [...document.querySelectorAll('.card .answer b')].map(it => it.textContent),
                seen: document.querySelector('#seen canvas').toDataURL(),
            })",
        )
    }

    #[track_caller]
    pub(super) fn has_no_complaints(&mut self) {
        let (mut complaints, requests) = self.browser.complaints_and_requests();
        // The browser notes that an answer about one digit was refused for several.
        complaints.retain(|it| !(it.contains("/api/v1/predict") && it.contains("422")));
        assert!(complaints.is_empty(), "{complaints:#?}");
        let elsewhere: Vec<_> = requests
            .iter()
            .filter(|it| !it.starts_with(&self.serving.url) && !it.starts_with("blob:"))
            .collect();
        assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    }

    /// Gives files to a file input, as its dialogue does.
    pub(super) fn choose(&mut self, selector: &str, files: &[&Path]) {
        let document = self.browser.call("DOM.getDocument", json!({}));
        let node = self.browser.call(
            "DOM.querySelector",
            json!({ "nodeId": document["root"]["nodeId"], "selector": selector }),
        );
        self.browser.call(
            "DOM.setFileInputFiles",
            json!({ "nodeId": node["nodeId"], "files": files }),
        );
    }
}

const SEVEN: [(f64, f64); 3] = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)];

#[test]
fn drawing_changes_the_answers_and_everything_can_be_undone() {
    let Some(mut visit) = Visit::new("page-draw") else {
        return;
    };
    visit.stroke(&[(0.5, 0.2), (0.5, 0.8)]);
    let one = visit.settled();
    assert_eq!(one["models"].as_array().map(Vec::len), Some(4), "{one}");
    for answer in one["answers"].as_array().unwrap() {
        assert!(answer.as_str().unwrap().len() == 1, "{one}");
    }
    // Another stroke, another image.
    visit.stroke(&[(0.25, 0.2), (0.75, 0.2)]);
    visit.wait_for(&format!(
        "document.querySelector('#seen canvas').toDataURL() !== {}",
        one["seen"]
    ));
    let two = visit.settled();
    assert_ne!(one["seen"], two["seen"]);

    visit.browser.click("#undo");
    visit.wait_for(&format!(
        "document.querySelector('#seen canvas').toDataURL() === {}",
        one["seen"]
    ));
    visit.browser.click("#redo");
    visit.wait_for(&format!(
        "document.querySelector('#seen canvas').toDataURL() === {}",
        two["seen"]
    ));
    visit.browser.click("#clear");
    visit.wait_for("document.querySelectorAll('.card').length === 0");
    let words = visit
        .browser
        .evaluate("document.getElementById('verdict').textContent");
    assert_eq!(words, "Draw a digit or a number, or choose an image.");
    // Clearing too; and what was drawn comes back with its answers.
    visit.browser.click("#undo");
    visit.wait_for("document.querySelectorAll('.card').length === 4");
    // Erased to nothing is nothing: no prediction.
    visit.browser.click("#eraser");
    visit.browser.evaluate(
        "document.getElementById('size').value = 9, document.getElementById('size').dispatchEvent(new Event('input'))",
    );
    for y in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] {
        visit.stroke(&[(0.1, y), (0.9, y)]);
    }
    visit.wait_for("document.querySelectorAll('.card').length === 0");
    visit.has_no_complaints();
}

#[test]
fn a_model_is_chosen_by_name_and_explains_itself() {
    let Some(mut visit) = Visit::new("page-choose") else {
        return;
    };
    visit.stroke(&SEVEN);
    visit.settled();
    let shown = visit.browser.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.card')].map(it => [it.dataset.model.split('/')[1], {
            top: it.querySelectorAll('.answer + .bars li').length,
            bars: it.querySelectorAll('.rest .bars li').length,
            neighbours: it.querySelectorAll('.shots canvas').length,
            saliency: it.querySelectorAll('.saliency canvas').length,
            features: it.querySelectorAll('details canvas').length,
            latency: /^[\\d.]+ [µm]s$/.test(it.querySelector('.latency').textContent),
        }]))",
    );
    for (model, neighbours, saliency, features) in [
        ("cnn", 0, 1, 2),
        ("ann", 0, 1, 0),
        ("logistic", 0, 1, 0),
        ("knn", 5, 0, 0),
    ] {
        // Whether a part of the drawing alone changes the nearest images' vote depends on them.
        let saliency = match model {
            "knn" => shown[model]["saliency"].clone(),
            _ => json!(saliency),
        };
        assert_eq!(
            shown[model],
            json!({ "top": 3, "bars": 10, "neighbours": neighbours, "saliency": saliency, "features": features, "latency": true }),
            "{model}: {shown}"
        );
    }
    visit.browser.evaluate(
        "(() => {
            const select = document.getElementById('model');
            select.value = [...select.options].find(it => it.text.endsWith('/knn')).value;
            select.dispatchEvent(new Event('change'));
        })()",
    );
    visit.wait_for("document.querySelectorAll('.card').length === 1");
    let alone = visit.settled();
    assert_eq!(alone["models"], json!(["mnist-3000/knn"]));
    assert!(alone["verdict"].as_str().unwrap().starts_with("knn says"));
    // The choice is still there when the page is opened again; the drawing is not.
    visit.browser.reload();
    visit.wait_for("document.querySelectorAll('#model option').length === 5");
    visit.wait_for("document.getElementById('model').value === 'mnist-3000/knn'");
    let cards = visit
        .browser
        .evaluate("document.querySelectorAll('.card').length");
    assert_eq!(cards, 0);
    visit.has_no_complaints();
}

#[test]
fn pictures_are_uploaded_pasted_and_dropped() {
    let Some(mut visit) = Visit::new("page-pictures") else {
        return;
    };
    // A name that would be a script, were it not text.
    let evil = visit.folder.join("<img src=x onerror=alert(1)>.png");
    fs::write(&evil, drawn(0)).unwrap();
    visit.choose("#file", &[&evil]);
    let uploaded = visit.settled();
    assert_eq!(uploaded["models"].as_array().map(Vec::len), Some(4));
    let source = visit
        .browser
        .evaluate("document.getElementById('source').textContent");
    assert_eq!(source, "Image: <img src=x onerror=alert(1)>.png");
    assert_eq!(
        visit
            .browser
            .evaluate("document.querySelectorAll('img').length"),
        0
    );

    // The same image from the clipboard, and dropped, is the same image.
    let bytes: Vec<u8> = drawn(1);
    for (event, field) in [("paste", "clipboardData"), ("drop", "dataTransfer")] {
        visit.browser.click("#clear");
        visit.wait_for("document.querySelectorAll('.card').length === 0");
        let class = if event == "paste" {
            "ClipboardEvent"
        } else {
            "DragEvent"
        };
        visit.browser.evaluate(&format!(
            "(() => {{
                const given = new DataTransfer();
                given.items.add(new File([new Uint8Array({bytes:?})], 'one.png', {{ type: 'image/png' }}));
                document.body.dispatchEvent(new {class}('{event}', {{ {field}: given, bubbles: true, cancelable: true }}));
            }})()"
        ));
        let answered = visit.settled();
        assert_ne!(answered["seen"], uploaded["seen"], "{event}");
    }
    visit.has_no_complaints();

    // A file that is not an image gets an error message.
    let text = visit.folder.join("notes.png");
    fs::write(&text, "hello").unwrap();
    visit.choose("#file", &[&text]);
    visit.wait_for("!document.getElementById('problem').hidden");
    let told = visit
        .browser
        .evaluate("document.getElementById('problem').textContent");
    assert!(told.as_str().unwrap().contains("PNG or JPEG"), "{told}");
    // And the page goes on.
    visit.browser.click("#examples button");
    visit.settled();
}

#[test]
fn corrections_are_kept_from_the_page() {
    let Some(mut visit) = Visit::new("page-correct") else {
        return;
    };
    visit.stroke(&SEVEN);
    visit.settled();
    visit.browser.click("#labels button:nth-child(8)");
    visit.wait_for("document.getElementById('saved').textContent.startsWith('Saved as 7')");
    visit.wait_for("document.getElementById('own').textContent.includes('1 image for mnist')");
    let own = visit
        .browser
        .evaluate("document.getElementById('own').textContent");
    let own = own.as_str().unwrap();
    assert!(
        own.contains("bakeoff evaluate --model mnist-3000/"),
        "{own}"
    );
    // It is right under the image: no scrolling from the one to the other.
    for width in [1280, 390] {
        visit.browser.resize(width, 900);
        visit.wait_for(
            "(() => {
                const [paper, labels] = ['paper', 'labels'].map(id => document.getElementById(id).getBoundingClientRect());
                return labels.top > paper.bottom && labels.bottom - paper.bottom < 280 && labels.left < paper.right;
            })()",
        );
    }
    // Once for each image.
    let open = visit.browser.evaluate(
        "[...document.querySelectorAll('#labels button')].filter(it => !it.disabled).length",
    );
    assert_eq!(open, 0);
    let table = fs::read_to_string(visit.folder.join("corrections/mnist/labels.csv")).unwrap();
    assert!(table.lines().nth(1).unwrap().contains(".png,7,"), "{table}");
    // A slip can be taken back and told anew.
    visit.browser.click("#saved button");
    visit.wait_for("document.getElementById('own').textContent.includes('0 images')");
    visit.browser.click("#labels button:nth-child(10)");
    visit.wait_for("document.getElementById('saved').textContent.startsWith('Saved as 9')");
    visit.wait_for("document.getElementById('own').textContent.includes('1 image ')");
    visit.stroke(&[(0.3, 0.5), (0.6, 0.5)]);
    visit.settled();
    visit.browser.click("#labels button:nth-child(8)");
    visit.wait_for("document.getElementById('own').textContent.includes('2 images')");
    visit.browser.reload();
    visit.wait_for("document.getElementById('own').textContent.includes('2 images')");
    visit.has_no_complaints();
}

#[test]
fn a_finger_draws_on_a_telephone_and_the_page_stays_put() {
    let Some(mut visit) = Visit::new("page-touch") else {
        return;
    };
    visit.browser.resize(390, 844);
    visit.browser.call(
        "Emulation.setTouchEmulationEnabled",
        json!({ "enabled": true, "maxTouchPoints": 5 }),
    );
    let (left, top, side) = visit.pad();
    let before = visit.browser.evaluate("scrollY");
    let mut send = |kind: &str, points: Value| {
        visit.browser.call(
            "Input.dispatchTouchEvent",
            json!({ "type": kind, "touchPoints": points }),
        );
    };
    let at = |y: f64| json!([{ "x": left + side / 2.0, "y": top + y * side }]);
    send("touchStart", at(0.2));
    // Downwards, as one scrolls.
    for step in 1..=20 {
        send("touchMove", at(0.2 + 0.03 * f64::from(step)));
    }
    send("touchEnd", json!([]));
    let answered = visit.settled();
    assert_eq!(answered["models"].as_array().map(Vec::len), Some(4));
    assert_eq!(visit.browser.evaluate("scrollY"), before);
    let wide = visit
        .browser
        .evaluate("document.documentElement.scrollWidth");
    assert!(wide.as_u64().unwrap() <= 390, "{wide} px wide");
    visit.browser.resize(320, 700);
    let wide = visit
        .browser
        .evaluate("document.documentElement.scrollWidth");
    assert!(wide.as_u64().unwrap() <= 320, "{wide} px wide");
    visit.has_no_complaints();
}

#[test]
fn the_keyboard_alone_is_enough() {
    let Some(mut visit) = Visit::new("page-keyboard") else {
        return;
    };
    visit
        .browser
        .evaluate("document.getElementById('pad').focus()");
    let mut press = |key: &str, text: &str, modifiers: u32| {
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "modifiers": modifiers });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            visit.browser.call("Input.dispatchKeyEvent", event);
        }
    };
    press(" ", " ", 0);
    for _ in 0..14 {
        press("ArrowDown", "", 0);
    }
    press(" ", " ", 0);
    let drawn = visit.settled();
    assert_eq!(drawn["models"].as_array().map(Vec::len), Some(4));
    let live = visit
        .browser
        .evaluate("document.getElementById('live').textContent");
    assert_eq!(live, drawn["verdict"], "what is read aloud");
    let mut press = |key: &str, modifiers: u32| {
        let event = json!({ "type": "keyDown", "key": key, "modifiers": modifiers });
        visit.browser.call("Input.dispatchKeyEvent", event);
    };
    const CTRL: u32 = 2;
    press("z", CTRL);
    press("m", 0);
    visit.wait_for("document.querySelectorAll('.card').length === 0");
    let chosen = visit
        .browser
        .evaluate("document.getElementById('model').selectedIndex");
    assert_eq!(chosen, 1);
    visit.has_no_complaints();
}

#[test]
fn axe_finds_nothing_wrong_with_the_page() {
    let Some(mut visit) = Visit::new("page-axe") else {
        return;
    };
    check_with_axe(&mut visit.browser, "nothing drawn");
    visit.stroke(&SEVEN);
    visit.settled();
    visit.browser.click("#labels button");
    visit.wait_for("document.getElementById('saved').textContent !== ''");
    visit
        .browser
        .evaluate("document.querySelectorAll('details').forEach(it => (it.open = true))");
    for (scheme, width) in [
        ("light", 1280),
        ("dark", 1280),
        ("light", 390),
        ("dark", 390),
    ] {
        visit.browser.prefer(scheme);
        visit.browser.resize(width, 844);
        check_with_axe(&mut visit.browser, &format!("{scheme}, {width} px"));
    }
}
