// The sections around the drawing: examples, corrections, reports, the first training.

import * as api from "./api.js";
import { byId, count, element } from "./dom.js";
import { picture } from "./pixels.js";

const TRAINING_POLL_MS = 700;

/** Example images as buttons; `chosen` gets the one that is clicked. */
export async function showExamples(chosen) {
  const { examples } = await api.examples();
  const buttons = examples.map((example) =>
    element(
      "li",
      {},
      element(
        "button",
        {
          type: "button",
          "aria-label": `Example: ${example.class} (test image ${example.index})`,
          onclick: () => chosen(example),
        },
        picture(example.shape, example.pixels, ""),
      ),
    ),
  );
  byId("examples").replaceChildren(...buttons);
  byId("examples-title").hidden = buttons.length === 0;
  // The image inside a button is described by the button.
  for (const canvas of byId("examples").querySelectorAll("canvas")) {
    canvas.removeAttribute("role");
    canvas.removeAttribute("aria-label");
  }
}

/** The personal datasets: their sizes, and the command that evaluates a model on them. */
export async function showCorrections() {
  const { datasets } = await api.corrections();
  const parts = datasets.map(({ dataset, count: pictures, folder, evaluate, problem }) => {
    if (problem) return element("p", { class: "problem", text: problem });
    const words = `${count(pictures, "image", "images")} for ${dataset}, in ${folder}. To evaluate a model on them:`;
    return element(
      "div",
      {},
      element("p", { text: words }),
      element(
        "pre",
        { tabindex: "0", "aria-label": "Command" },
        element("code", { text: evaluate }),
      ),
    );
  });
  if (parts.length === 0)
    parts.push(
      element("p", {
        class: "note",
        text: "None yet. Give the correct label of your image, whether a model is wrong or right: the image is saved in a small dataset of your own, on which every model can be evaluated.",
      }),
    );
  byId("own").replaceChildren(...parts);
}

export async function showReports() {
  const { reports } = await api.reports();
  const rows = reports.map((report) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, element("a", { href: report.href, text: report.run })),
      element("td", { text: report.experiment }),
      element("td", { text: report.datasets.join(", ") }),
      element("td", { text: when(report.planned_at) }),
    ),
  );
  if (rows.length === 0) {
    byId("reports").replaceChildren(
      element(
        "p",
        { class: "note" },
        "None yet: ",
        element("code", { text: "bakeoff run" }),
        " compares models and writes a report.",
      ),
    );
    return;
  }
  const heads = ["run", "experiment", "data", "when"].map((text) =>
    element("th", { scope: "col", text }),
  );
  byId("reports").replaceChildren(
    element(
      "div",
      { class: "scroll", role: "group", tabindex: "0", "aria-label": "Reports" },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ...heads)),
        element("tbody", {}, ...rows),
      ),
    ),
  );
}

function when(text) {
  const date = new Date(text);
  return Number.isNaN(date.getTime())
    ? text
    : date.toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
}

/** Follows the first training, if there is one; `arrived` is called for every new model. */
export async function followTraining(arrived) {
  const section = byId("training");
  let done = -1;
  for (;;) {
    const progress = await api.training();
    if (progress.state === "none") return;
    const running = progress.state === "running";
    section.hidden = progress.state === "finished";
    byId("training-title").textContent = running
      ? "The first models are being trained"
      : "Training ended early";
    byId("training-bar").value = progress.total ? progress.done / progress.total : 0;
    const now = running && progress.model ? `; ${progress.model}: ${progress.stage}` : "";
    byId("training-words").textContent = `${progress.done} of ${progress.total} are ready${now}.`;
    byId("training-problems").replaceChildren(
      ...progress.problems.map((text) => element("li", { text })),
    );
    if (progress.done !== done || !running) {
      done = progress.done;
      await arrived();
    }
    if (!running) return;
    await new Promise((next) => setTimeout(next, TRAINING_POLL_MS));
  }
}
