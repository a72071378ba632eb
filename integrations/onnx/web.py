"""The build of ONNX Runtime for browsers, from npm: in Node, and in a browser where one is found."""

import json
import os
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

PACKAGE = "onnxruntime-web@1.30.0"
HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def check(folder, models, worst):
    """Asks each model (its name, the folder with its files, images and the answers of bakeoff)."""
    if not shutil.which("npm"):
        print("ONNX Runtime Web: skipped, there is no npm")
        return
    folder.mkdir()
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, PACKAGE],
        check=True,
    )
    jobs = []
    for name, at, images, _ in models:
        file = name.replace("/", "-")
        shutil.copy(at / f"{file}-bytes.onnx", folder / f"{file}.onnx")
        (folder / f"{file}.bytes").write_bytes(images.tobytes())
        jobs.append({"file": file, "dims": images.shape})
    (folder / "jobs.json").write_text(json.dumps(jobs))

    def compare(who, answers):
        assert len(answers) == len(models), answers
        for (name, _, _, expected), answer in zip(models, answers):
            probabilities = np.array(answer["probabilities"]).reshape(-1, expected.shape[1])
            worst.note(who, name, probabilities, expected)
            assert (probabilities.argmax(1) == answer["labels"]).all(), name

    subprocess.run(["node", HERE / "node.mjs", folder], check=True)
    compare("ONNX Runtime Web in Node", json.loads((folder / "answers.json").read_text()))
    browser = next(filter(None, map(shutil.which, (os.environ.get("CHROME", ""), *BROWSERS))), None)
    if browser is None:
        print("ONNX Runtime Web in a browser: skipped, none is found (tests/install-browser)")
        return
    for name in ("page.html", "answer.mjs"):
        shutil.copy(HERE / name, folder)
    compare("ONNX Runtime Web in a browser", in_browser(browser, folder, "page.html"))
    name, at, images, expected = next(model for model in models if model[0] == "mnist-6000/cnn")
    label, *probabilities = in_browser(browser, folder, document_page(folder, at, images[0, 0])).split()
    assert label == f"{expected[0].argmax()}:", label
    worst.note("the page of docs/onnx.md", name, np.array([probabilities], float), expected[:1])


def in_document(language):
    """The program in this language in docs/onnx.md."""
    text = (HERE.parent.parent / "docs/onnx.md").read_text()
    return text.split(f"```{language}\n")[1].split("```")[0]


def document_page(folder, models, digit):
    """The page of docs/onnx.md with a digit on its canvas; it sends what it shows."""
    shutil.copy(models / "mnist-6000-cnn-bytes.onnx", folder / "mnist-cnn.onnx")
    send = 'fetch("answers", { method: "POST", body: JSON.stringify(document.body.innerText) });'
    drawn = [value for pixel in digit.flatten().tolist() for value in (pixel, pixel, pixel, 255)]
    page = f"""<!doctype html><meta charset="utf-8"><body><canvas width="28" height="28"></canvas>
<script>
  const drawn = new ImageData(Uint8ClampedArray.from({drawn}), 28, 28);
  document.querySelector("canvas").getContext("2d").putImageData(drawn, 0, 0);
</script>
{in_document("html").replace("</script>", send + "</script>")}"""
    (folder / "document.html").write_text(page)
    return "document.html"


class Server(SimpleHTTPRequestHandler):
    """Gives the page its files, and takes its answers."""

    def do_POST(self):
        self.server.answers = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.server.answered.set()

    def log_message(self, *_):
        pass


def in_browser(browser, folder, page):
    """What a page of this folder answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=folder))
    server.answered = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/{page}"
    words = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
    with (folder / "browser.log").open("w") as log:
        process = subprocess.Popen([*words, "--remote-debugging-port=0", address], stdout=log, stderr=log)
    try:
        assert server.answered.wait(120), f"the page did not answer: {folder}/browser.log"
    finally:
        process.terminate()
        process.wait()
        server.shutdown()
    return server.answers
