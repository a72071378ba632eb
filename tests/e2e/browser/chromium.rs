//! Headless Chromium, driven over its DevTools protocol: JSON messages on two pipes
//! (<https://chromedevtools.github.io/devtools-protocol/>, `--remote-debugging-pipe`).
//!
//! Rejected: crates that bind the whole protocol (`headless_chrome`, `chromiumoxide`).
//! Their generated code alone adds minutes to the build, for the dozen messages that
//! are needed here. Pipes rather than a web socket: no port to find or to clash on.

use std::{
    env,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::scratch;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The browser that is asked for or found.
fn find() -> Option<PathBuf> {
    let asked_for = env::var_os("CHROME").filter(|name| !name.is_empty());
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    asked_for
        .into_iter()
        .map(PathBuf::from)
        .chain(names.map(PathBuf::from))
        // A name with a folder in it replaces the folder that it is joined to.
        .flat_map(|name| folders.iter().map(move |folder| folder.join(&name)))
        .find(|path| path.is_file())
}

/// A browser with one page.
pub(crate) struct Chromium {
    process: Child,
    /// `None` once it was told to end.
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    last_id: u64,
    session: Value,
    /// Everything it told so far without being asked.
    pub(crate) events: Vec<Value>,
    log: PathBuf,
}

impl Chromium {
    /// Starts a browser, or says why the caller's test is skipped.
    ///
    /// # Panics
    /// Where there is none and `CI=true`: there the page must be tested.
    #[expect(clippy::print_stderr, reason = "a test that is skipped must say so")]
    pub(crate) fn start(name: &str) -> Option<Self> {
        let Some(program) = find() else {
            let remedy =
                "no Chromium or Chrome found; set CHROME to one, or run tests/install-browser";
            assert!(env::var("CI").as_deref() != Ok("true"), "{remedy}");
            eprintln!("{name} is SKIPPED: {remedy}");
            return None;
        };
        Some(Self::launch(&program, &scratch(name)))
    }

    fn launch(program: &Path, folder: &Path) -> Self {
        let profile = folder.join("profile");
        let log = folder.join("chromium.log");
        // The protocol speaks on descriptors 3 and 4; the shell puts our pipes there.
        let mut process = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#])
            .arg(program)
            .args([
                "--headless=new",
                "--remote-debugging-pipe",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-default-apps",
                "--disable-dev-shm-usage",
                "--disable-extensions",
                "--disable-sync",
                "--no-default-browser-check",
                "--no-first-run",
                "--force-color-profile=srgb",
                "--hide-scrollbars",
                // A camera that shows a test pattern, given without asking.
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                // Where a request would go, nobody is, but for a test's own server.
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ])
            .args(is_root().then_some("--no-sandbox"))
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let output = process.stdout.take().unwrap();
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            for message in BufReader::new(output).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else {
                    break;
                };
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            input: process.stdin.take(),
            process,
            messages,
            last_id: 0,
            session: Value::Null,
            events: Vec::new(),
            log,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = browser.call(
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        );
        browser.session = attached["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Calls a method of the protocol and returns its result.
    #[track_caller]
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let sent = self.input.as_mut().unwrap().write_all(&bytes);
        assert!(sent.is_ok(), "{method}: {sent:?}\n{}", self.last_words());
        let end = Instant::now() + PATIENCE;
        loop {
            let message = self.next(method, end);
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    #[track_caller]
    fn next(&self, waiting_for: &str, end: Instant) -> Value {
        let left = end.saturating_duration_since(Instant::now());
        self.messages.recv_timeout(left).unwrap_or_else(|error| {
            panic!(
                "Chromium, waiting for {waiting_for}: {error}\n{}",
                self.last_words()
            )
        })
    }

    /// What it wrote to its log, for messages.
    fn last_words(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Opens a file and waits until it is loaded.
    #[track_caller]
    pub(crate) fn open(&mut self, file: &Path) {
        self.open_url(&file_url(file));
    }

    /// Opens an address and waits until it is loaded.
    #[track_caller]
    pub(crate) fn open_url(&mut self, url: &str) {
        self.events.clear();
        let result = self.call("Page.navigate", json!({ "url": url }));
        assert!(result["errorText"].is_null(), "{result}");
        self.wait_for_load();
    }

    /// Loads the page again.
    pub(crate) fn reload(&mut self) {
        self.events.clear();
        self.call("Page.reload", json!({}));
        self.wait_for_load();
    }

    #[track_caller]
    fn wait_for_load(&mut self) {
        let loaded = "Page.loadEventFired";
        let end = Instant::now() + PATIENCE;
        while !self.events.iter().any(|event| event["method"] == loaded) {
            let message = self.next(loaded, end);
            self.events.push(message);
        }
    }

    /// The value of an expression on the page; promises are waited for.
    #[track_caller]
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let result = self.call(
            "Runtime.evaluate",
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true }),
        );
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}: {:#}",
            result["exceptionDetails"]
        );
        result["result"]["value"].clone()
    }

    /// Asserts that an expression is an empty list; it lists what is wrong.
    #[track_caller]
    pub(crate) fn finds_nothing_wrong(&mut self, expression: &str) {
        let problems = self.evaluate(expression);
        assert_eq!(problems, json!([]), "{expression}");
    }

    /// Shows the page in a window of this size.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 }),
        );
    }

    /// Asks for light or dark, as the system's settings do.
    pub(crate) fn prefer(&mut self, scheme: &str) {
        self.media(scheme, "reduce");
    }

    /// The same, and whether the page may move by itself. Elsewhere it may not: a click
    /// would miss what is still on its way.
    pub(crate) fn media(&mut self, scheme: &str, motion: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": motion },
        ]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
    }

    /// Clicks in the middle of the first element that a CSS selector finds.
    #[track_caller]
    pub(crate) fn click(&mut self, selector: &str) {
        let selector = Value::from(selector);
        let place = self.evaluate(&format!(
            "(() => {{
                const found = document.querySelector({selector});
                if (!found) return null;
                found.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                const box = found.getBoundingClientRect();
                return {{ x: box.x + box.width / 2, y: box.y + box.height / 2 }};
            }})()"
        ));
        assert!(place.is_object(), "no {selector}");
        for kind in ["mousePressed", "mouseReleased"] {
            self.call(
                "Input.dispatchMouseEvent",
                json!({ "type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1 }),
            );
        }
    }

    /// Presses and releases a key, by its name in the DOM (`ArrowRight`, `Enter`).
    pub(crate) fn press(&mut self, key: &str) {
        // What a key does by itself hangs on the character it types.
        let text = match key {
            "Enter" => "\r",
            " " => " ",
            _ => "",
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": key });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            if key == "Enter" {
                event["windowsVirtualKeyCode"] = json!(13);
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Draws with the mouse from point to point of the element that a selector finds, in
    /// shares of its width and height.
    #[track_caller]
    pub(crate) fn draw(&mut self, selector: &str, points: &[(f64, f64)]) {
        let place = self.evaluate(&format!(
            "(() => {{
                const found = document.querySelector({});
                found.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                const box = found.getBoundingClientRect();
                return [box.x, box.y, box.width, box.height];
            }})()",
            Value::from(selector)
        ));
        let place: Vec<f64> = serde_json::from_value(place).unwrap();
        let last = points.len() - 1;
        for (at, &(x, y)) in points.iter().enumerate() {
            let (x, y) = (place[0] + x * place[2], place[1] + y * place[3]);
            let mut mouse = |kind: &str| {
                self.call(
                    "Input.dispatchMouseEvent",
                    json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1 }),
                );
            };
            mouse(if at == 0 {
                "mousePressed"
            } else {
                "mouseMoved"
            });
            if at == last {
                mouse("mouseReleased");
            }
        }
        self.settle();
    }

    /// Waits until the page has painted what was asked of it.
    pub(crate) fn settle(&mut self) {
        self.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))",
        );
    }

    /// What the page complained about, and where its requests went, since it was opened.
    pub(crate) fn complaints_and_requests(&mut self) -> (Vec<String>, Vec<String>) {
        // Whatever was still on its way has arrived when this is answered.
        self.evaluate("new Promise(done => setTimeout(done, 200))");
        let (mut complaints, mut requests) = (Vec::new(), Vec::new());
        for event in &self.events {
            let parameters = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded" => {
                    complaints.push(parameters.to_string());
                }
                "Network.requestWillBeSent" => {
                    requests.push(parameters["request"]["url"].as_str().unwrap().to_owned());
                }
                _ => {}
            }
        }
        (complaints, requests)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It ends when its pipe does; whatever does not is made to.
        self.input = None;
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if let Ok(Some(_)) = self.process.try_wait() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether this user is root, for whom Chromium has no sandbox.
fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout == b"0\n")
}

/// `file:///a%20b`.
pub(crate) fn file_url(path: &Path) -> String {
    let path = fs::canonicalize(path).unwrap();
    let mut url = "file://".to_owned();
    for byte in path.to_str().unwrap().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                url.push(char::from(byte));
            }
            _ => url += &format!("%{byte:02X}"),
        }
    }
    url
}
