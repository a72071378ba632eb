//! Several digits, parts of images and the camera on the page, in a real browser.

use std::fs;

use serde_json::json;

use super::{drawn_number, page::Visit};
use crate::{
    browser::accessibility::{check_dialog_with_axe, check_with_axe},
    support::{comparison, run},
};

/// Whether every dark pixel of the paper lies in a box, and each box has some.
const BOXES_HOLD_THE_INK: &str = r"
(() => {
    const pad = document.getElementById('pad');
    // The browser complains about a canvas that is read again and again.
    const copy = new OffscreenCanvas(pad.width, pad.height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(pad, 0, 0);
    const image = copy.getImageData(0, 0, pad.width, pad.height).data;
    const boxes = [...document.querySelectorAll('#boxes rect.halo')].map(it =>
        ['x', 'y', 'width', 'height'].map(name => it.getAttribute(name) * pad.width / 1000));
    const found = boxes.map(() => 0);
    let outside = 0;
    for (let at = 0; at < pad.width * pad.height; at++) {
        if (image[4 * at] > 60) continue;
        const [x, y] = [at % pad.width, Math.floor(at / pad.width)];
        const box = boxes.findIndex(([left, top, width, height]) =>
            x >= left && y >= top && x <= left + width && y <= top + height);
        if (box < 0) outside += 1;
        else found[box] += 1;
    }
    return outside === 0 && found.every(it => it > 0);
})()";

impl Visit {
    /// Waits for so many digits; returns what was read.
    #[track_caller]
    fn digits(&mut self, count: usize) -> String {
        self.wait_for(&format!(
            "document.querySelectorAll('#numbers .digit').length === {count}
                && document.querySelectorAll('#boxes g').length === {count}"
        ));
        // Once the answer to the last change is there.
        self.wait_for(BOXES_HOLD_THE_INK);
        let read = self.browser.evaluate(
            "[...document.querySelectorAll('#numbers .digit')].map(it => it.textContent).join('')",
        );
        let labels = self.browser.evaluate(
            "[...document.querySelectorAll('#boxes text')].map(it => it.textContent.replace('?', '')).join('')",
        );
        assert_eq!(read, labels, "beside the boxes");
        // What is unsure is seen in both places, and not by its colour alone.
        let unsure = self.browser.evaluate(
            "(() => {
                const both = ['#boxes g', '#numbers .digit'].map(it => [...document.querySelectorAll(it)].map(one => one.classList.contains('unsure')));
                const marked = [...document.querySelectorAll('#boxes g')].map(it => it.textContent.includes('?'));
                const dashed = [...document.querySelectorAll('#boxes g')].map(it => getComputedStyle(it.querySelector('rect:not(.halo)')).strokeDasharray !== 'none');
                return [...both, marked, dashed].map(String);
            })()",
        );
        let first = unsure[0].clone();
        assert_eq!(unsure, json!([first, first, first, first]));
        read.as_str().unwrap().to_owned()
    }

    fn press(&mut self, key: &str, modifiers: u32) {
        let event = json!({ "type": "keyDown", "key": key, "modifiers": modifiers });
        self.browser.call("Input.dispatchKeyEvent", event);
    }

    fn number_of_cards(&mut self) -> u64 {
        let cards = "document.querySelectorAll('.card').length";
        self.browser.evaluate(cards).as_u64().unwrap()
    }
}

const FOUR: [&[(f64, f64)]; 2] = [
    &[(0.2, 0.25), (0.15, 0.55), (0.4, 0.55)],
    &[(0.35, 0.3), (0.35, 0.8)],
];
const TWO: [(f64, f64); 6] = [
    (0.6, 0.35),
    (0.68, 0.25),
    (0.8, 0.3),
    (0.78, 0.45),
    (0.6, 0.75),
    (0.85, 0.75),
];

#[test]
fn a_number_that_is_drawn_is_read_digit_by_digit() {
    let Some(mut visit) = Visit::new("page-number") else {
        return;
    };
    FOUR.iter().for_each(|stroke| visit.stroke(stroke));
    visit.settled();
    visit.stroke(&TWO);
    let read = visit.digits(2);
    assert_eq!(visit.number_of_cards(), 0);
    let words = visit
        .browser
        .evaluate("document.getElementById('verdict').textContent");
    let words = words.as_str().unwrap();
    assert!(words.contains(&format!(" reads {read}")), "{words}");
    // Each digit tells what the model saw and its three most probable classes.
    let told = "({
        seen: document.querySelector('#result canvas').toDataURL(),
        top: [...document.querySelectorAll('#result .bars .label')].map(it => it.textContent),
        chosen: [...document.querySelectorAll('#boxes g')].map(it => it.classList.contains('chosen')),
    })";
    let mut seen = Vec::new();
    for at in 0..2 {
        visit.browser.evaluate(&format!(
            "document.querySelectorAll('#numbers .digit')[{at}].focus()"
        ));
        let told = visit.browser.evaluate(told);
        let top = told["top"].as_array().unwrap();
        assert_eq!(top.len(), 3);
        assert_eq!(top[0], read[at..=at], "{told}");
        assert_eq!(told["chosen"], json!([at == 0, at == 1]));
        seen.push(told);
    }
    assert_ne!(seen[0]["seen"], seen[1]["seen"]);
    // Pointing at a digit on the paper does the same.
    let place = visit.browser.evaluate(
        "(() => {
            const box = document.querySelector('#boxes rect').getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        })()",
    );
    visit.browser.call(
        "Input.dispatchMouseEvent",
        json!({ "type": "mouseMoved", "x": place[0], "y": place[1], "buttons": 0 }),
    );
    visit.wait_for("document.querySelector('#boxes g').classList.contains('chosen')");
    assert_eq!(visit.browser.evaluate(told), seen[0]);
    // The digit whose details are shown is the one that is corrected.
    visit.browser.click("#labels button:nth-child(5)");
    visit.wait_for("document.getElementById('saved').textContent.startsWith('Saved as 4')");
    visit
        .browser
        .evaluate("document.querySelectorAll('#numbers .digit')[1].focus()");
    visit.browser.click("#labels button:nth-child(3)");
    visit.wait_for("document.getElementById('saved').textContent.startsWith('Saved as 2')");
    let table = fs::read_to_string(visit.folder.join("corrections/mnist/labels.csv")).unwrap();
    assert_eq!(table.lines().count(), 3, "{table}");
    // A digit alone is a digit again.
    visit.browser.click("#undo");
    visit.wait_for("document.querySelectorAll('.card').length === 4");
    visit.wait_for("document.querySelectorAll('#boxes g, .digit').length === 0");
    visit.has_no_complaints();
}

#[test]
fn a_part_of_an_image_is_asked_about() {
    let Some(mut visit) = Visit::new("page-crop") else {
        return;
    };
    let path = visit.folder.join("number.png");
    // 7, 2 and 1.
    fs::write(&path, drawn_number(&[0, 1, 2])).unwrap();
    visit.choose("#file", &[&path]);
    let read = visit.digits(3);
    let words = visit
        .browser
        .evaluate("document.getElementById('verdict').textContent");
    let (model, _) = words.as_str().unwrap().split_once(" reads ").unwrap();
    let models = comparison().folder.join("models");
    let models = models.to_str().unwrap();
    let arguments = ["predict", "--digits", "number.png", "--model", model];
    let arguments = [&arguments[..], &["--models-dir", models]].concat();
    let shell = run(&visit.folder, &arguments).expect(0);
    assert_eq!(shell.stdout.trim(), read);
    // With the mouse: the third digit.
    visit
        .browser
        .draw("#paper", &[(0.68, 0.36), (0.8, 0.5), (0.98, 0.64)]);
    visit.wait_for("document.querySelectorAll('.card').length === 4");
    visit.wait_for("!document.getElementById('whole').hidden");
    let third = visit.settled();
    // Moved with the keyboard: the second one, which is another image.
    visit
        .browser
        .evaluate("document.getElementById('crop').focus()");
    for _ in 0..17 {
        visit.press("ArrowLeft", 0);
    }
    visit.wait_for(&format!(
        "document.querySelector('#seen canvas')?.toDataURL() !== {}",
        third["seen"]
    ));
    visit.settled();
    // Wider to the right, it holds the third digit too.
    const SHIFT: u32 = 8;
    for _ in 0..17 {
        visit.press("ArrowRight", SHIFT);
    }
    visit.wait_for("document.querySelectorAll('#numbers .digit').length === 2");
    visit.press("Escape", 0);
    assert_eq!(visit.digits(3), read);
    assert_eq!(
        visit
            .browser
            .evaluate("document.getElementById('whole').hidden"),
        true
    );
    // With a finger, from a corner of the whole image.
    let place = visit.browser.evaluate(
        "(() => {
            const box = document.querySelector('#crop [data-corner=se]').getBoundingClientRect();
            const paper = document.getElementById('paper').getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2, paper.x + paper.width / 3];
        })()",
    );
    let number = |at: usize| place[at].as_f64().unwrap();
    for (kind, points) in [
        ("touchStart", json!([{ "x": number(0), "y": number(1) }])),
        (
            "touchMove",
            json!([{ "x": number(0) - 20.0, "y": number(1) }]),
        ),
        ("touchMove", json!([{ "x": number(2), "y": number(1) }])),
        ("touchEnd", json!([])),
    ] {
        visit.browser.call(
            "Input.dispatchTouchEvent",
            json!({ "type": kind, "touchPoints": points }),
        );
    }
    visit.wait_for("document.querySelectorAll('.card').length === 4");
    visit.browser.click("#whole");
    assert_eq!(visit.digits(3), read);
    // With an image shown, its parts and its digits, too, nothing is wrong for those who do not see.
    for (scheme, width) in [("light", 1280), ("dark", 390)] {
        visit.browser.prefer(scheme);
        visit.browser.resize(width, 844);
        check_with_axe(&mut visit.browser, &format!("digits, {scheme}, {width} px"));
    }
    let wide = visit
        .browser
        .evaluate("document.documentElement.scrollWidth");
    assert!(wide.as_u64().unwrap() <= 390, "{wide} px wide");
    visit.has_no_complaints();
}

#[test]
fn a_photograph_that_was_turned_is_seen_upright() {
    let Some(mut visit) = Visit::new("page-turned") else {
        return;
    };
    // A JPEG of the number on its side, with EXIF that says so: 6, to be turned clockwise.
    let bytes = drawn_number(&[0, 1, 2]);
    visit.browser.evaluate(&format!(
        "(async () => {{
            const upright = await createImageBitmap(new Blob([new Uint8Array({bytes:?})]));
            const canvas = new OffscreenCanvas(upright.height, upright.width);
            const context = canvas.getContext('2d');
            context.translate(0, canvas.height);
            context.rotate(-Math.PI / 2);
            context.drawImage(upright, 0, 0);
            const plain = new Uint8Array(await (await canvas.convertToBlob({{ type: 'image/jpeg', quality: 1 }})).arrayBuffer());
            const exif = [0xff, 0xe1, 0, 34, 69, 120, 105, 102, 0, 0, 77, 77, 0, 42, 0, 0, 0, 8,
                0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
            const turned = new File([plain.slice(0, 2), new Uint8Array(exif), plain.slice(2)], 'turned.jpg');
            const given = new DataTransfer();
            given.items.add(turned);
            document.body.dispatchEvent(new DragEvent('drop', {{ dataTransfer: given, bubbles: true, cancelable: true }}));
        }})()"
    ));
    let read = visit.digits(3);
    assert_eq!(read.len(), 3);
    // A part is cut from the upright image too.
    visit
        .browser
        .draw("#paper", &[(0.68, 0.36), (0.8, 0.5), (0.98, 0.64)]);
    visit.wait_for("document.querySelectorAll('.card').length === 4");
    let one = visit.settled();
    assert_eq!(one["answers"][0], read[2..], "{one}");
    visit.has_no_complaints();
}

#[test]
fn every_digit_is_read_on_request() {
    let Some(mut visit) = Visit::new("page-every") else {
        return;
    };
    FOUR.iter().for_each(|stroke| visit.stroke(stroke));
    visit.settled();
    visit.browser.click("#every");
    visit.digits(1);
    visit.browser.click("#every");
    visit.wait_for("document.querySelectorAll('.card').length === 4");
    // A form of two rows of three cells, with a bar in three of them, is a grid.
    visit.browser.evaluate(
        "(async () => {
            const canvas = new OffscreenCanvas(362, 262);
            const context = canvas.getContext('2d');
            context.fillStyle = '#fff';
            context.fillRect(0, 0, 362, 262);
            context.fillStyle = '#000';
            for (let at = 0; at < 3; at++) context.fillRect(30, 30 + 100 * at, 302, 2);
            for (let at = 0; at < 4; at++) context.fillRect(30 + 100 * at, 30, 2, 202);
            for (const [x, y] of [[0, 0], [2, 0], [1, 1]]) context.fillRect(76 + 100 * x, 55 + 100 * y, 9, 50);
            const given = new DataTransfer();
            given.items.add(new File([await canvas.convertToBlob()], 'form.png'));
            document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: given, bubbles: true, cancelable: true }));
        })()",
    );
    visit.wait_for("document.getElementById('source').textContent === 'Image: form.png'");
    let pressed = "document.getElementById('every').getAttribute('aria-pressed')";
    assert_eq!(visit.browser.evaluate(pressed), "false", "another image");
    visit.wait_for(
        "!document.getElementById('every').disabled || document.querySelector('#numbers table')",
    );
    if visit
        .browser
        .evaluate("document.querySelector('#numbers table') === null")
        == true
    {
        visit.browser.click("#every");
    }
    visit.wait_for("document.querySelectorAll('#numbers tr').length === 2");
    let filled = visit
        .browser
        .evaluate("[...document.querySelectorAll('#numbers td')].map(it => it.children.length)");
    assert_eq!(filled, json!([1, 0, 1, 0, 1, 0]));
    visit.has_no_complaints();
}

#[test]
fn the_camera_is_offered_where_there_is_one_and_is_off_afterwards() {
    let Some(mut visit) = Visit::new("page-camera") else {
        return;
    };
    let offered = "['live-camera', 'photograph'].map(id => document.getElementById(id).hidden)";
    assert_eq!(visit.browser.evaluate(offered), json!([false, true]));
    visit.browser.click("#live-camera");
    visit.wait_for("!document.querySelector('#camera-view button').disabled");
    check_dialog_with_axe(&mut visit.browser, "the camera's view");
    visit
        .browser
        .evaluate("window.track = document.querySelector('video').srcObject.getTracks()[0]");
    visit.browser.click("#camera-view button");
    visit.wait_for("document.getElementById('source').textContent === 'Image: camera.png'");
    let off = "[track.readyState, document.querySelector('video').srcObject, document.getElementById('camera-view').open]";
    assert_eq!(visit.browser.evaluate(off), json!(["ended", null, false]));
    // Closed without a frame, it is off too.
    visit.browser.click("#live-camera");
    visit.wait_for("!document.querySelector('#camera-view button').disabled");
    visit
        .browser
        .evaluate("window.track = document.querySelector('video').srcObject.getTracks()[0]");
    visit.browser.click("#camera-view button:nth-of-type(2)");
    visit.wait_for("track.readyState === 'ended'");
    // Over plain HTTP from another machine, a browser has none to give.
    visit.browser.call(
        "Page.addScriptToEvaluateOnNewDocument",
        json!({ "source": "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })" }),
    );
    visit.browser.reload();
    visit.wait_for("document.querySelectorAll('#model option').length === 5");
    assert_eq!(visit.browser.evaluate(offered), json!([true, false]));
}
